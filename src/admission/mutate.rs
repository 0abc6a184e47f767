//! The mutating endpoint: the guard's own mutations, and refusals that must precede the API server's validation.

use super::{
    object_gate,
    review::Request,
    verdict::{Refusal, Verdict},
};
use crate::{
    camunda::release_label,
    change::{Change, Facts, Gate, Operation},
    denial,
    finding::refuses,
    gather::Reader,
    kubernetes::{Kind, Object},
    mutations::{
        Mutated, claim_bound_to_retained_volume, volume_claim_ref,
        volume_reclaim_policy::{self, RetainScope},
        zeebe_fs_group,
    },
    policy::{Mode, Policy},
};

pub(super) async fn judge(
    policy: &Policy,
    retain: RetainScope,
    reader: &Reader,
    request: &Request<'_>,
) -> Verdict {
    let (Some(kind), Some(operation), Some(object)) =
        (request.kind(), request.operation(), request.object())
    else {
        return Verdict::admitted();
    };
    match kind {
        Kind::StatefulSet | Kind::Deployment | Kind::Job => {
            workload(policy, reader, request, operation, object).await
        }
        Kind::PersistentVolume => volume(policy, retain, reader, request, &object).await,
        Kind::PersistentVolumeClaim if operation == Operation::Create => {
            claim(policy, reader, request, &object).await
        }
        _ => Verdict::admitted(),
    }
}

async fn workload(
    policy: &Policy,
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
        judged = object_gate::findings(policy, reader, reference, operation, object.clone(), facts)
            .await;
        if !judged.allowed() {
            return judged;
        }
    }
    if request.kind() != Some(Kind::StatefulSet) {
        return judged;
    }
    // Whether the cluster is OpenShift matters only if something would be set.
    if zeebe_fs_group::mutate(&object, old.as_ref(), &Facts::default()).is_none() {
        return judged;
    }
    let facts = reader.namespace_facts(&request.namespace).await;
    judged.and(
        match zeebe_fs_group::mutate(&object, old.as_ref(), &facts) {
            None => unchecked(policy, request, &request.namespace, &object, &facts),
            mutated => as_policy_has_it(policy, request, &object, mutated),
        },
    )
}

async fn volume(
    policy: &Policy,
    retain: RetainScope,
    reader: &Reader,
    request: &Request<'_>,
    volume: &Object,
) -> Verdict {
    let facts = reader.volume_facts(volume).await;
    let claim = facts.claim_of(volume);
    let namespace = volume.str("/spec/claimRef/namespace").unwrap_or_default();
    let policy = &*policy.in_namespace(reader, namespace).await;
    let release = claim.and_then(|claim| facts.release_of(claim));
    let release = release.unwrap_or_default();
    let mut mutations = Vec::new();
    match volume_claim_ref::mutate(volume, &facts) {
        Ok(mutated) => mutations.extend(mutated),
        Err(finding) if facts.gaps().is_empty() => {
            let (head, message) = (
                denial::object_headline(&finding),
                denial::object_message(&finding),
            );
            let findings = policy.apply(namespace, release, vec![*finding]);
            let refusal = refuses(&findings).then(|| Refusal::forbidden(head, message));
            let change = Change {
                gate: Gate::Object,
                release: release.to_owned(),
                namespace: namespace.to_owned(),
                ..Change::default()
            };
            return Verdict::of(&change, &findings, refusal);
        }
        Err(_) => {
            let gap = facts.gaps().first().map_or("", |gap| gap.reason.as_str());
            let head = format!("volume {} could not be handed over", volume.name());
            return Verdict::refused(head, gap);
        }
    }
    let handed_over = mutations.last().map_or(volume, |mutated| &mutated.object);
    let scope = policy.retain_volumes.unwrap_or(retain);
    let retained = volume_reclaim_policy::mutate(handed_over, scope, &facts);
    if retained.is_none() && mutations.is_empty() {
        return unchecked(policy, request, namespace, volume, &facts);
    }
    // Somebody asked for a volume to be handed over, so that happens in every mode; the guard's own mutations follow
    // the policy.
    let mode = policy.mode(namespace, release);
    if mode != Mode::Enforce {
        let own = Verdict::mutated(&handed_over.0, retained.into_iter().collect());
        let asked = Verdict::mutated(&volume.0, mutations);
        return own.under(mode).and(asked);
    }
    mutations.extend(retained);
    Verdict::mutated(&volume.0, mutations)
}

async fn claim(policy: &Policy, reader: &Reader, request: &Request<'_>, claim: &Object) -> Verdict {
    let facts = reader.volumes_for(claim, &request.namespace).await;
    let mutated = claim_bound_to_retained_volume::mutate(claim, &request.namespace, &facts);
    match mutated {
        None => unchecked(policy, request, &request.namespace, claim, &facts),
        mutated => as_policy_has_it(policy, request, claim, mutated),
    }
}

/// Sets nothing; reports what could not be read, and the policy says how it counts.
fn unchecked(
    policy: &Policy,
    request: &Request<'_>,
    namespace: &str,
    object: &Object,
    facts: &Facts,
) -> Verdict {
    let (Some(reference), Some(operation)) = (request.reference(object), request.operation())
    else {
        return Verdict::admitted();
    };
    let release = release_label(object).unwrap_or("unknown");
    let mut change = Change::of_object(operation, reference, release, object.clone());
    change.namespace = namespace.to_owned();
    object_gate::unchecked(policy, &change, facts)
}

/// Mutates an object of a release; where the policy's mode is audit, only reports what it would set.
fn as_policy_has_it(
    policy: &Policy,
    request: &Request<'_>,
    object: &Object,
    mutated: Option<Mutated>,
) -> Verdict {
    let verdict = Verdict::mutated(&object.0, mutated.into_iter().collect());
    let release = release_label(object).unwrap_or_default();
    verdict.under(policy.mode(&request.namespace, release))
}
