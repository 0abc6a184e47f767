//! The mutating endpoint: what the guard sets, and refusals that must come before the API server's own.

use super::{Guard, object_gate, review::Request, verdict::Verdict};
use crate::{
    change::Operation,
    denial,
    facts::Facts,
    gather::Reader,
    mutations::{
        claim_bound_to_retained_volume, volume_claim_ref, volume_reclaim_policy, zeebe_fs_group,
    },
    object::{Kind, Object},
};

pub(super) async fn judge(guard: &Guard, reader: &Reader, request: &Request<'_>) -> Verdict {
    let (Some(kind), Some(operation), Some(object)) =
        (request.kind(), request.operation(), request.object())
    else {
        return Verdict::admitted();
    };
    match kind {
        Kind::StatefulSet | Kind::Deployment | Kind::Job => {
            workload(reader, request, operation, object).await
        }
        Kind::PersistentVolume => volume(guard, reader, &object).await,
        Kind::PersistentVolumeClaim if operation == Operation::Create => {
            claim(reader, request, &object).await
        }
        _ => Verdict::admitted(),
    }
}

async fn workload(
    reader: &Reader,
    request: &Request<'_>,
    operation: Operation,
    object: Object,
) -> Verdict {
    let old = request.old_object();
    let mut judged = Verdict::admitted();
    if let (Operation::Update, Some(old), Some(reference)) =
        (operation, &old, request.reference(&object))
    {
        let facts = match reference.kind {
            Kind::StatefulSet => reader.statefulset_facts(old, &object).await,
            kind => {
                let mut facts = Facts::default();
                facts.insert(kind, old.clone().into());
                facts
            }
        };
        judged = object_gate::findings(reader, reference, operation, object.clone(), facts).await;
        if !judged.allowed() {
            return judged;
        }
    }
    if request.kind() != Some(Kind::StatefulSet) {
        return judged;
    }
    // Whether it is OpenShift matters only where something would be set.
    if zeebe_fs_group::mutate(&object, old.as_ref(), &Facts::default()).is_none() {
        return judged;
    }
    let facts = reader.namespace_facts(&request.namespace).await;
    let mutated = zeebe_fs_group::mutate(&object, old.as_ref(), &facts);
    judged.and(Verdict::mutated(&object.0, mutated.into_iter().collect()))
}

async fn volume(guard: &Guard, reader: &Reader, volume: &Object) -> Verdict {
    let facts = reader.volume_facts(volume).await;
    let mut mutations = Vec::new();
    match volume_claim_ref::mutate(volume, &facts) {
        Ok(mutated) => mutations.extend(mutated),
        Err(finding) if facts.gaps().is_empty() => {
            let message = denial::object_message(&finding);
            return Verdict::of(&[*finding], Some(message));
        }
        Err(_) => {
            let gap = facts.gaps().first().map_or("", |gap| gap.reason.as_str());
            return Verdict::refused(format!(
                "volume {} could not be handed over: {gap}",
                volume.name()
            ));
        }
    }
    let handed_over = mutations.last().map_or(volume, |mutated| &mutated.object);
    mutations.extend(volume_reclaim_policy::mutate(
        handed_over,
        guard.retain,
        &facts,
    ));
    Verdict::mutated(&volume.0, mutations)
}

async fn claim(reader: &Reader, request: &Request<'_>, claim: &Object) -> Verdict {
    let facts = reader.volumes_for(claim, &request.namespace).await;
    let mutated = claim_bound_to_retained_volume::mutate(claim, &request.namespace, &facts);
    match (mutated, facts.gaps().first()) {
        (None, Some(gap)) => Verdict::warned(&format!(
            "whether a volume waits for claim {} could not be checked: {}: {}",
            claim.name(),
            gap.what,
            gap.reason
        )),
        (mutated, _) => Verdict::mutated(&claim.0, mutated.into_iter().collect()),
    }
}
