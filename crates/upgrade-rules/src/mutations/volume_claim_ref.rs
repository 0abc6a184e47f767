//! `volume-claim-ref`: one annotation hands a volume over to another claim.
//!
//! The guide's option two has a user patch the policy, check it, and edit the claimRef, which destroys the volume
//! if the old uid is left in it while the policy is `Delete`. Here
//! `kubectl annotate pv … camunda-upgrade-guard/rebind-to=NAMESPACE/CLAIM` does all of it, or says why not.
//!
//! Documented: "v8.3.0 (minor), Elasticsearch - Data retention, Option Two".

use serde_json::Value;

use super::{Mutated, Mutation};
use crate::{
    annotations::{REBIND_TO, REBOUND_FROM},
    change::Facts,
    finding::{Action, Finding, RuleId, guide},
    knowledge::claims::claim_ref,
    kubernetes::{Kind, Object, ObjectRef, json, namespace_and_name, ordinal},
    matching,
    rules::volume_in_use,
};

pub(super) const MUTATION: Mutation = Mutation {
    id: RuleId::VolumeClaimRef,
    summary: "a volume that somebody annotated is handed over to another claim",
    guide: guide::OPTION_TWO,
    page: include_str!("../../../../docs/rules/volume-claim-ref.md"),
    matches: &[&matching::VOLUMES],
};

/// The volume handed over, if its annotation asks for it.
///
/// # Errors
/// A finding that says why it must not be done, or not yet.
pub fn mutate(volume: &Object, facts: &Facts) -> Result<Option<Mutated>, Box<Finding>> {
    let Some(target) = volume.annotation(REBIND_TO) else {
        return Ok(None);
    };
    let refuse = |why: String| Err(Box::new(refusal(volume, why)));
    let Some((namespace, claim)) = namespace_and_name(target) else {
        return refuse(format!(
            "{REBIND_TO} must be NAMESPACE/CLAIM, not \"{target}\"."
        ));
    };
    let Some((old_namespace, old)) = volume
        .str("/spec/claimRef/namespace")
        .zip(volume.str("/spec/claimRef/name"))
    else {
        return refuse(
            "It has no claimRef, so it belongs to no claim that it could be taken from.".to_owned(),
        );
    };
    if old == claim && old_namespace == namespace {
        return Ok(Some(handed_over(volume, namespace, claim, None)));
    }
    if old_namespace != namespace {
        return refuse(format!(
            "Its claim {old} is in namespace {old_namespace}, not in {namespace}."
        ));
    }
    if ordinal(old) != ordinal(claim) {
        return refuse(format!("{old} and {claim} are not of the same ordinal."));
    }
    let old_claim = facts.named(Kind::PersistentVolumeClaim, namespace, old);
    if !old_claim.is_some_and(|claim| facts.is_guarded(claim)) {
        return refuse(format!(
            "Its claim {old} does not belong to a Camunda release in namespace {namespace}."
        ));
    }
    let taken = facts
        .named(Kind::PersistentVolumeClaim, namespace, claim)
        .and_then(|claim| claim.str("/spec/volumeName"))
        .filter(|other| !other.is_empty() && *other != volume.name());
    if let Some(other) = taken {
        return refuse(format!(
            "Claim {claim} exists already and is on volume {other}."
        ));
    }
    if let Some(in_use) = volume_in_use(facts, volume, namespace, old) {
        return Err(Box::new(in_use));
    }
    Ok(Some(handed_over(
        volume,
        namespace,
        claim,
        Some(&format!("{old_namespace}/{old}")),
    )))
}

fn handed_over(volume: &Object, namespace: &str, claim: &str, from: Option<&str>) -> Mutated {
    let mut object = volume.clone();
    // Kept, the annotation would undo the binder's next update for ever.
    if let Some(annotations) = object
        .0
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove(REBIND_TO);
    }
    json::set(
        &mut object.0,
        ["spec", "persistentVolumeReclaimPolicy"],
        "Retain",
    );
    let Some(from) = from else {
        return Mutated {
            mutation: MUTATION.id,
            object,
            notice: format!("volume {} is handed over to {claim} already", volume.name()),
        };
    };
    json::set(
        &mut object.0,
        ["metadata", "annotations", REBOUND_FROM],
        from,
    );
    // Without uid and resourceVersion: a stale uid makes the volume Released.
    json::set(
        &mut object.0,
        ["spec", "claimRef"],
        claim_ref(namespace, claim),
    );
    Mutated {
        mutation: MUTATION.id,
        object,
        notice: format!(
            "volume {} is handed over from {from} to {namespace}/{claim}, policy Retain",
            volume.name()
        ),
    }
}

fn refusal(volume: &Object, why: String) -> Finding {
    Finding {
        rule: MUTATION.id,
        action: Action::Deny,
        title: format!("Volume {} can't be handed over", volume.name()),
        objects: vec![ObjectRef::new(Kind::PersistentVolume, "", volume.name())],
        why: vec![why],
        fixes: Vec::new(),
        guide: guide::OPTION_TWO,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Command;

    fn claim(name: &str, volume: Option<&str>) -> Object {
        Object(json!({
            "metadata": {"name": name, "namespace": "prod", "labels": {"release": "camunda"}},
            "spec": {"volumeName": volume},
        }))
    }

    fn facts() -> Facts {
        let mut facts = Facts::default();
        facts.insert(
            Kind::PersistentVolumeClaim,
            claim("es-es-0", Some("pv")).into(),
        );
        facts.insert_release("prod", "camunda");
        facts
    }

    fn volume(rebind_to: &str) -> Object {
        Object(json!({
            "metadata": {"name": "pv", "annotations": {REBIND_TO: rebind_to, "other": "stays"}},
            "spec": {"persistentVolumeReclaimPolicy": "Delete",
                "claimRef": {"namespace": "prod", "name": "es-es-0", "uid": "u", "resourceVersion": "7"}},
        }))
    }

    fn refused(rebind_to: &str, facts: &Facts) -> String {
        mutate(&volume(rebind_to), facts)
            .unwrap_err()
            .why
            .join("\n")
    }

    #[test]
    fn hands_over_without_uid_and_retained() {
        let mutated = mutate(&volume("prod/data-es-0"), &facts())
            .unwrap()
            .unwrap();
        assert_eq!(
            mutated.object.0,
            json!({
                "metadata": {"name": "pv", "annotations": {"other": "stays", REBOUND_FROM: "prod/es-es-0"}},
                "spec": {"persistentVolumeReclaimPolicy": "Retain", "claimRef":
                    {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "prod", "name": "data-es-0"}},
            })
        );
        assert_eq!(mutate(&mutated.object, &facts()).unwrap(), None);
    }

    #[test]
    fn asked_twice_it_only_takes_the_annotation_away() {
        let mut mutated = mutate(&volume("prod/data-es-0"), &facts())
            .unwrap()
            .unwrap()
            .object;
        let once = mutated.clone();
        json::set(
            &mut mutated.0,
            ["metadata", "annotations", REBIND_TO],
            "prod/data-es-0",
        );
        assert_eq!(mutate(&mutated, &facts()).unwrap().unwrap().object, once);
    }

    #[test]
    fn refuses_what_would_lose_or_mix_data() {
        assert!(refused("data-es-0", &facts()).contains("must be NAMESPACE/CLAIM"));
        assert!(refused("dev/data-es-0", &facts()).contains("is in namespace prod, not in dev"));
        assert!(refused("prod/data-es-1", &facts()).contains("not of the same ordinal"));
        assert!(
            refused("prod/data-es-0", &Facts::default())
                .contains("does not belong to a Camunda release")
        );
        let mut taken = facts();
        taken.insert(
            Kind::PersistentVolumeClaim,
            claim("data-es-0", Some("pv-2")).into(),
        );
        assert!(refused("prod/data-es-0", &taken).contains("is on volume pv-2"));
    }

    #[test]
    fn refuses_while_a_pod_writes_and_says_how_to_stop_it() {
        let mut facts = facts();
        let pod = json!({"metadata": {"name": "es-0", "namespace": "prod", "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "es-es-0"}}]}});
        facts.insert(Kind::Pod, Object(pod).into());
        let finding = mutate(&volume("prod/data-es-0"), &facts).unwrap_err();
        assert_eq!(finding.rule, RuleId::VolumeRebindWhileRunning);
        let commands: Vec<_> = finding.fixes[0]
            .commands
            .iter()
            .map(Command::text)
            .collect();
        assert_eq!(
            commands,
            [
                "kubectl -n prod scale statefulset es --replicas=0",
                "kubectl -n prod wait --for=delete pod es-0 --timeout=5m",
            ]
        );
    }
}
