//! `claim-bound-to-retained-volume`: a new claim finds the volume that was handed over to it.
//!
//! The binder matches a re-pointed volume by size and mode; a claim whose size or class differs would be given a
//! new, empty volume instead. With `volumeName` set there is nothing left to match.
//!
//! Documented: "v8.3.0 (minor), Elasticsearch - Data retention, Option Two".

use super::{Mutated, Mutation};
use crate::{
    annotations::REBOUND_FROM,
    change::Facts,
    finding::{RuleId, guide},
    knowledge::claims::names_claim,
    kubernetes::{Kind, Object, json},
    matching,
};

pub(super) const MUTATION: Mutation = Mutation {
    id: RuleId::ClaimBoundToRetainedVolume,
    summary: "a new claim gets the volume that waits for it",
    guide: guide::OPTION_TWO,
    page: include_str!("../../../../docs/rules/claim-bound-to-retained-volume.md"),
    matches: &[&matching::CLAIMS],
};

/// The claim with the name of the volume that waits for it, if one does.
pub fn mutate(claim: &Object, namespace: &str, facts: &Facts) -> Option<Mutated> {
    if claim
        .str("/spec/volumeName")
        .is_some_and(|name| !name.is_empty())
    {
        return None;
    }
    let volume = facts.of_kind(Kind::PersistentVolume).find(|volume| {
        names_claim(volume, namespace, claim.name())
            && volume.str("/spec/claimRef/uid").is_none_or(str::is_empty)
            && (volume.annotation(REBOUND_FROM).is_some() || facts.is_guarded(claim))
    })?;
    let mut object = claim.clone();
    json::set(&mut object.0, ["spec", "volumeName"], volume.name());
    let notice = format!("claim {} takes over volume {}", claim.name(), volume.name());
    Some(Mutated {
        mutation: MUTATION.id,
        object,
        notice,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claim(volume: Option<&str>) -> Object {
        Object(json!({
            "metadata": {"name": "data-0", "namespace": "prod", "labels": {"app.kubernetes.io/instance": "camunda"}},
            "spec": {"volumeName": volume},
        }))
    }

    fn facts(uid: Option<&str>, release: &str) -> Facts {
        let mut facts = Facts::default();
        let volume = json!({"metadata": {"name": "pv"}, "spec": {"claimRef": {"namespace": "prod", "name": "data-0", "uid": uid}}});
        facts.insert(Kind::PersistentVolume, Object(volume).into());
        facts.insert_release("prod", release);
        facts
    }

    #[test]
    fn takes_over_the_volume_that_waits() {
        let mutated = mutate(&claim(None), "prod", &facts(None, "camunda")).unwrap();
        assert_eq!(mutated.object.str("/spec/volumeName"), Some("pv"));
        assert_eq!(
            mutate(&mutated.object, "prod", &facts(None, "camunda")),
            None
        );
    }

    #[test]
    fn leaves_all_others_alone() {
        assert_eq!(
            mutate(&claim(Some("mine")), "prod", &facts(None, "camunda")),
            None
        );
        assert_eq!(
            mutate(&claim(None), "prod", &facts(Some("bound"), "camunda")),
            None
        );
        assert_eq!(mutate(&claim(None), "prod", &facts(None, "other")), None);
        assert_eq!(mutate(&claim(None), "dev", &facts(None, "camunda")), None);
    }
}
