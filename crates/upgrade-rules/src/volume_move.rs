//! Moves a volume to another claim: one sequence of steps, which rules print, plans hold, and `rebind` runs.
//!
//! [`Step`] is one action: it knows its description, the rights that it needs, and the commands to do it by hand.
//! [`amend`] computes what a step still has to change in an object.

pub mod amend;
mod step;

pub(crate) use self::step::Typed;
pub use self::{
    amend::{Move, Taken},
    step::Step,
};
use crate::{
    change::Facts,
    finding::Command,
    knowledge::claims::Orphan,
    kubernetes::{Kind, Mounts, Object, ordinal, replicas},
};

/// The commands of steps, in their order.
pub(crate) fn commands(steps: &[Step], namespace: &str, typed: Typed) -> Vec<Command> {
    let commands = steps
        .iter()
        .flat_map(|step| step.commands(namespace, typed));
    commands.collect()
}

/// Hands volumes over to the successors' claims. All volumes are retained first, so that no later mistake deletes data; nothing
/// moves before its pods are gone.
pub fn hand_over(namespace: &str, stop: Vec<Step>, orphans: &[Orphan<'_>]) -> Vec<Step> {
    let volumes = orphans.iter().filter_map(|orphan| orphan.volume);
    let mut steps: Vec<_> = volumes.filter_map(retain).collect();
    steps.extend(stop);
    steps.extend(orphans.iter().filter_map(|orphan| {
        Some(Step::HandOver {
            volume: orphan.claim.str("/spec/volumeName")?.to_owned(),
            moved: Move {
                namespace: namespace.to_owned(),
                from: orphan.claim.name().to_owned(),
                from_uid: orphan.volume.and_then(amend::uid).map(str::to_owned),
                to: orphan.successor.clone()?,
                to_uid: None,
            },
        })
    }));
    steps
}

/// Retains a volume that is not.
pub fn retain(volume: &Object) -> Option<Step> {
    amend::retained(volume)?;
    Some(Step::Retain {
        volume: volume.name().to_owned(),
        policy: volume.str(amend::POLICY)?.to_owned(),
    })
}

/// Has a StatefulSet give up the pods that use claims.
pub fn stop(facts: &Facts, namespace: &str, set: &Object, claims: &[&str]) -> Vec<Step> {
    let mut steps = leave_claims(facts, namespace, set);
    let name = set.name();
    if replicas(set) > 0 {
        steps.push(Step::Stop {
            statefulset: name.to_owned(),
            replicas: replicas(set),
        });
    }
    let mut ordinals: Vec<_> = claims.iter().filter_map(|claim| ordinal(claim)).collect();
    ordinals.sort_unstable();
    ordinals.dedup();
    let pods = ordinals.iter().map(|ordinal| format!("{name}-{ordinal}"));
    steps.push(Step::AwaitPods {
        claims: claims.iter().map(|claim| (*claim).to_owned()).collect(),
        pods: pods.collect(),
    });
    steps
}

/// Gives labels to claims whose volumes are retained first. An outdated StatefulSet is then deleted without its pods: they
/// serve until the new one takes them over.
pub fn relabel(
    facts: &Facts,
    namespace: &str,
    claims: &[&Object],
    labels: &[(String, String)],
    outdated: Option<&Object>,
) -> Vec<Step> {
    let volumes = claims.iter().filter_map(|claim| facts.volume_of(claim));
    let mut steps: Vec<_> = volumes.filter_map(retain).collect();
    let unlabelled = claims
        .iter()
        .filter(|claim| amend::labelled(claim, labels).is_some());
    steps.extend(unlabelled.map(|claim| Step::Label {
        claim: claim.name().to_owned(),
        labels: labels.to_vec(),
    }));
    steps.extend(
        outdated
            .into_iter()
            .flat_map(|set| make_anew(facts, namespace, set)),
    );
    steps
}

/// Deletes a StatefulSet, which the upgrade makes anew, without its claims and pods.
pub fn make_anew(facts: &Facts, namespace: &str, set: &Object) -> Vec<Step> {
    let mut steps = leave_claims(facts, namespace, set);
    steps.push(Step::DeleteStatefulSet {
        statefulset: set.name().to_owned(),
        uid: set.uid().unwrap_or_default().to_owned(),
    });
    steps
}

/// Keeps a StatefulSet from taking its claims along when it is scaled down or deleted.
fn leave_claims(facts: &Facts, namespace: &str, set: &Object) -> Vec<Step> {
    let mounts = Mounts::of(set);
    let owned = facts
        .claims(namespace)
        .filter(|claim| mounts.parse(claim.name()).is_some())
        .filter(|claim| amend::disowned(claim).is_some());
    let keep = amend::keeping_claims(set).map(|_| Step::KeepClaims {
        statefulset: set.name().to_owned(),
    });
    let disown = owned.map(|claim| Step::Disown {
        claim: claim.name().to_owned(),
    });
    keep.into_iter().chain(disown).collect()
}

/// Returns the commands that make a live StatefulSet leave its claims alone; empty if it already does.
pub(crate) fn keep_claims(facts: &Facts, namespace: &str, statefulset: &str) -> Vec<Command> {
    let live = facts.named(Kind::StatefulSet, namespace, statefulset);
    let steps = live.map(|live| leave_claims(facts, namespace, live));
    commands(&steps.unwrap_or_default(), namespace, Typed::ByHand)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(policy: &str) -> Facts {
        let mut facts = Facts::default();
        let set = json!({"metadata": {"name": "z", "namespace": "prod"}, "spec": {
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": policy, "whenScaled": "Retain"},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}});
        facts.insert(Kind::StatefulSet, Object(set).into());
        for name in ["data-z-0", "data-other-0"] {
            let owners = match policy {
                "Delete" => json!([{"kind": "StatefulSet", "name": "z"}]),
                _ => json!([]),
            };
            let claim =
                json!({"metadata": {"name": name, "namespace": "prod", "ownerReferences": owners}});
            facts.insert(Kind::PersistentVolumeClaim, Object(claim).into());
        }
        facts
    }

    #[test]
    fn claims_are_kept_before_their_statefulset_goes() {
        let commands = keep_claims(&facts("Delete"), "prod", "z");
        let texts: Vec<_> = commands.iter().map(Command::text).collect();
        assert_eq!(texts.len(), 2);
        assert!(texts[0].starts_with("kubectl -n prod patch statefulset z "));
        assert!(texts[1].starts_with("kubectl -n prod patch pvc data-z-0 --type=merge "));
    }

    #[test]
    fn a_statefulset_that_retains_needs_nothing() {
        assert!(keep_claims(&facts("Retain"), "prod", "z").is_empty());
    }
}
