//! `volume-reclaim-policy`: a volume with a release's data is not deleted with its claim.
//!
//! Documented: "v8.3.0 (minor), Elasticsearch - Data retention, Option Two" and "v8.0.13, 1. Retain Elasticsearch
//! Persistent Volume".

use serde::Deserialize;
use strum::VariantNames;

use super::{Mutated, Mutation};
use crate::{
    annotations::ALLOW_POLICY,
    camunda::Component,
    change::Facts,
    finding::{RuleId, guide},
    kubernetes::{Kind, Object, json},
    matching,
};

pub(super) const MUTATION: Mutation = Mutation {
    id: RuleId::VolumeReclaimPolicy,
    summary: "a volume with data is retained when its claim goes",
    guide: guide::RETAIN_VOLUMES,
    page: include_str!("../../../../docs/rules/volume-reclaim-policy.md"),
    matches: &[&matching::VOLUMES],
};

const POLICY: &str = "/spec/persistentVolumeReclaimPolicy";

/// The volumes to retain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum RetainScope {
    /// Elasticsearch's, as the guides ask.
    #[default]
    Elasticsearch,
    /// All volumes of Camunda releases.
    All,
    /// None.
    Off,
}

/// The volume with policy `Retain`, if it should have it.
pub fn mutate(volume: &Object, scope: RetainScope, facts: &Facts) -> Option<Mutated> {
    let policy = volume.str(POLICY).unwrap_or("Retain");
    if scope == RetainScope::Off
        || policy == "Retain"
        || volume.annotation(ALLOW_POLICY) == Some(policy)
    {
        return None;
    }
    let claim = claim(volume, facts)?;
    let elasticsearch = |object| Component::of(object, None) == Component::Elasticsearch;
    let wanted = scope == RetainScope::All
        || elasticsearch(claim)
        || facts.mounting(claim).is_some_and(elasticsearch);
    if !wanted || !facts.is_guarded(claim) {
        return None;
    }
    let mut object = volume.clone();
    json::set(
        &mut object.0,
        ["spec", "persistentVolumeReclaimPolicy"],
        "Retain",
    );
    let notice = format!(
        "volume {} holds data of claim {}: reclaim policy Retain was set in place of {policy}",
        volume.name(),
        claim.name()
    );
    Some(Mutated {
        mutation: MUTATION.id,
        object,
        notice,
    })
}

/// The claim that a volume is bound or being bound to.
fn claim<'a>(volume: &Object, facts: &'a Facts) -> Option<&'a Object> {
    facts.named(
        Kind::PersistentVolumeClaim,
        volume.str("/spec/claimRef/namespace")?,
        volume.str("/spec/claimRef/name")?,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(component: &str) -> Facts {
        let mut facts = Facts::default();
        let claim = json!({"metadata": {"name": "data-0", "namespace": "prod", "labels": {
            "app.kubernetes.io/name": component, "app.kubernetes.io/instance": "camunda"}}});
        facts.insert(Kind::PersistentVolumeClaim, Object(claim).into());
        facts.insert_release("prod", "camunda");
        facts
    }

    fn volume(policy: &str, allowed: Option<&str>) -> Object {
        Object(json!({
            "metadata": {"name": "pv", "annotations": {ALLOW_POLICY: allowed}},
            "spec": {"persistentVolumeReclaimPolicy": policy, "claimRef": {"namespace": "prod", "name": "data-0"}},
        }))
    }

    #[test]
    fn elasticsearch_is_retained_by_default() {
        let mutated = mutate(
            &volume("Delete", None),
            RetainScope::default(),
            &facts("elasticsearch"),
        )
        .unwrap();
        assert_eq!(mutated.object.str(POLICY), Some("Retain"));
        assert_eq!(
            mutate(
                &mutated.object,
                RetainScope::default(),
                &facts("elasticsearch")
            ),
            None
        );
    }

    #[test]
    fn others_are_left_alone() {
        let delete = volume("Delete", None);
        assert_eq!(
            mutate(&delete, RetainScope::Elasticsearch, &facts("postgresql")),
            None
        );
        assert!(mutate(&delete, RetainScope::All, &facts("postgresql")).is_some());
        assert_eq!(
            mutate(&delete, RetainScope::Off, &facts("elasticsearch")),
            None
        );
        let on_purpose = volume("Delete", Some("Delete"));
        assert_eq!(
            mutate(&on_purpose, RetainScope::All, &facts("elasticsearch")),
            None
        );
        let foreign = Facts::default();
        assert_eq!(mutate(&delete, RetainScope::All, &foreign), None);
    }
}
