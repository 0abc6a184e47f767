//! A StatefulSet can be told to take its claims along when it is deleted or scaled down; it must be told not to
//! before a cure does either.

use serde_json::{Value, json};

use crate::{
    change::Facts,
    finding::{Command, Objects},
    kubernetes::{Kind, Mounts, Object},
};

/// Has a StatefulSet leave its claims. Both fields, because scaling to nothing and deleting follow each other.
pub(crate) fn leave() -> Value {
    json!({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"}}})
}

/// Takes a claim's owner away: it would have the garbage collector delete the claim, and the controller takes its time to go.
pub(crate) fn disown() -> Value {
    json!({"metadata": {"ownerReferences": null}})
}

/// What to type so that a live StatefulSet leaves its claims alone; nothing where it does already.
pub(crate) fn keep_claims(facts: &Facts, namespace: &str, statefulset: &str) -> Vec<Command> {
    let live = facts.named(Kind::StatefulSet, namespace, statefulset);
    let Some(live) = live.filter(|live| takes_claims_along(live)) else {
        return Vec::new();
    };
    let set = Objects::new(Kind::StatefulSet, namespace, [statefulset]);
    let mut commands = vec![set.merge(leave()).into()];
    let mounts = Mounts::of(live);
    let claims: Vec<_> = facts
        .claims(namespace)
        .map(Object::name)
        .filter(|claim| mounts.parse(claim).is_some())
        .collect();
    if !claims.is_empty() {
        let claims = Objects::new(Kind::PersistentVolumeClaim, namespace, claims);
        commands.push(claims.merge(disown()).into());
    }
    commands
}

/// Whether a StatefulSet's claims are deleted with it or with its pods.
pub(crate) fn takes_claims_along(statefulset: &Object) -> bool {
    ["whenDeleted", "whenScaled"].iter().any(|when| {
        let pointer = format!("/spec/persistentVolumeClaimRetentionPolicy/{when}");
        statefulset.str(&pointer) == Some("Delete")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(policy: &str) -> Facts {
        let mut facts = Facts::default();
        let set = json!({"metadata": {"name": "z", "namespace": "prod"}, "spec": {
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": policy, "whenScaled": "Retain"},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}});
        facts.insert(Kind::StatefulSet, Object(set).into());
        for name in ["data-z-0", "data-other-0"] {
            let claim = json!({"metadata": {"name": name, "namespace": "prod"}});
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
