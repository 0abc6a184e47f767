//! `volume-rebind-while-running`: a volume is pointed at another claim by hand, in a way that loses or mixes its data.
//!
//! The guide has users edit the claimRef of Elasticsearch's volumes. With a pod still on the old claim, two servers end
//! up on the same files; with the old uid left in it the volume is Released, and with policy `Delete` destroyed. The
//! annotation of the mutation `volume-claim-ref` does it right, and asks the same questions.
//!
//! Documented: "v8.3.0 (minor), Elasticsearch - Data retention, Option Two".

use serde_json::Value;

use super::{Judge, Rule, at};

use crate::{
    annotations::REBIND_TO,
    change::{Change, Facts, ObjectChange, Operation},
    finding::{Action, Finding, Fix, Kubectl, Objects, RuleId, guide},
    knowledge::claims::is_retained,
    kubernetes::{Kind, Object, ObjectRef},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::VolumeRebindWhileRunning,
    summary: "a volume would change hands in a way that can lose its data",
    guide: guide::OPTION_TWO,
    release: &[],
    object: at(&[Action::Deny], &[&matching::REBINDINGS]),
    page: include_str!("../../../../docs/rules/volume-rebind-while-running.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.operation != Operation::Update {
        return Vec::new();
    }
    change
        .of_kind(Kind::PersistentVolume)
        .filter_map(|volume| repointed(facts, volume))
        .collect()
}

fn repointed(facts: &Facts, changed: &ObjectChange) -> Option<Finding> {
    let (before, after) = (facts.get(&changed.object)?, changed.planned.as_deref()?);
    let (namespace, old) = claim_ref(before)?;
    let new = claim_ref(after);
    if new == Some((namespace, old)) {
        return None;
    }
    let claim = facts.named(Kind::PersistentVolumeClaim, namespace, old)?;
    if !facts.is_guarded(claim) {
        return None;
    }
    if let Some(refusal) = in_use(facts, before, namespace, old) {
        return Some(refusal);
    }
    // Without a claimRef the volume is nobody's, and nothing deletes it.
    let (new_namespace, new) = new?;
    let target = facts.named(Kind::PersistentVolumeClaim, new_namespace, new);
    let own = |field: &str, of_target: &str| {
        let kept = after.str(field).filter(|kept| !kept.is_empty());
        kept.is_none() || kept == target.and_then(|target| target.str(of_target))
    };
    let stale = !own("/spec/claimRef/uid", "/metadata/uid")
        || !own(
            "/spec/claimRef/resourceVersion",
            "/metadata/resourceVersion",
        );
    let why = match (stale, is_retained(after)) {
        (true, true) => format!(
            "Its claimRef would name claim {new} and keep the uid or resourceVersion of {old}: no claim could bind it."
        ),
        (true, false) => format!(
            "Its claimRef would name claim {new} and keep the uid or resourceVersion of {old}: with policy Delete the volume is destroyed."
        ),
        (false, false) => format!(
            "Its policy is not Retain: whatever goes wrong with claim {new} destroys the volume."
        ),
        (false, true) => return None,
    };
    let volume = Objects::new(Kind::PersistentVolume, "", [before.name()]);
    let to = format!("{new_namespace}/{new}");
    let fix = Fix::new(
        "One annotation sets policy Retain and the claimRef without either:",
        [volume.annotate(&[(REBIND_TO, &to)])],
    );
    Some(refusal(before, why, vec![fix]))
}

fn claim_ref(volume: &Object) -> Option<(&str, &str)> {
    let namespace = volume.str("/spec/claimRef/namespace")?;
    Some((namespace, volume.str("/spec/claimRef/name")?))
}

/// Pods still use the claim that a volume is to be taken from; those that are terminating do too.
pub fn in_use(facts: &Facts, volume: &Object, namespace: &str, claim: &str) -> Option<Finding> {
    let pods: Vec<_> = facts.pods_using(namespace, claim).into_iter().collect();
    if pods.is_empty() {
        return None;
    }
    let why = format!(
        "Claim {claim} is in use by {}; a volume is handed over only while nothing writes to it.",
        pods.join(", ")
    );
    let mut commands = Vec::new();
    for pod in &pods {
        let pod = facts.named(Kind::Pod, namespace, pod);
        if let Some((kind, name)) = pod.and_then(workload) {
            let workload = Objects::new(kind, namespace, [name.as_str()]);
            commands.push(workload.scale(0));
        }
    }
    commands.dedup();
    commands.push(Kubectl::await_gone(namespace, pods.iter().copied()));
    Some(refusal(
        volume,
        why,
        vec![Fix::new("Stop them first:", commands)],
    ))
}

/// Returns the workload that recreates a pod until it is scaled down, by the pod's owner or else its name.
fn workload(pod: &Object) -> Option<(Kind, String)> {
    let owners = pod.array("/metadata/ownerReferences");
    let text = |owner: &Value, key: &str| owner.get(key).and_then(Value::as_str).map(str::to_owned);
    for owner in owners {
        let (kind, name) = (text(owner, "kind")?, text(owner, "name")?);
        match kind.as_str() {
            "StatefulSet" => return Some((Kind::StatefulSet, name)),
            "ReplicaSet" => {
                let hash = pod.label("pod-template-hash")?;
                let deployment = name.strip_suffix(hash)?.strip_suffix('-')?;
                return Some((Kind::Deployment, deployment.to_owned()));
            }
            _ => {}
        }
    }
    let (set, ordinal) = pod.name().rsplit_once('-')?;
    let is_set = owners.is_empty() && ordinal.parse::<u64>().is_ok();
    is_set.then(|| (Kind::StatefulSet, set.to_owned()))
}

fn refusal(volume: &Object, why: String, fixes: Vec<Fix>) -> Finding {
    Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("Volume {} can't be handed over", volume.name()),
        objects: vec![ObjectRef::new(Kind::PersistentVolume, "", volume.name())],
        why: vec![why],
        fixes,
        guide: RULE.guide,
    }
}
