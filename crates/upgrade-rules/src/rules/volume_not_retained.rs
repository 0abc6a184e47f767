//! `volume-not-retained`: a volume is about to lose its claim, and its reclaim policy is `Delete`.
//!
//! The guides have the policy set to `Retain` before Elasticsearch is re-created in 8.0.13, and before a volume is
//! handed over in 8.3.0. A StatefulSet with `whenDeleted: Delete` takes its claims along on any line, and they their
//! volumes.
//!
//! Documented: "v8.0.13, 1. Retain Elasticsearch Persistent Volume" and "v8.3.0 (minor), Elasticsearch - Data retention,
//! Option Two".

use std::collections::BTreeMap;

use super::{
    Judge, Rule, claims_orphaned, elasticsearch_claim_labels, elasticsearch_claims_orphaned,
    heard::Heard, wanted,
};

use crate::{
    change::{Change, Facts, ObjectChange},
    finding::{Action, Finding, Fix, Kubectl, RuleId, guide},
    fixes::retain::retain,
    knowledge::claims::{self, is_retained, takes_claims_along},
    kubernetes::{Kind, Mounts, Object, ObjectRef},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::VolumeNotRetained,
    summary: "a volume that loses its claim would be deleted",
    guide: guide::RETAIN_VOLUMES,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/volume-not-retained.md"),
    needs: &[wanted::replaced_claims],
    judge: Judge::Beside {
        others: &[
            RuleId::ElasticsearchClaimLabels,
            RuleId::ElasticsearchClaimsOrphaned,
            RuleId::ClaimsOrphaned,
        ],
        judge,
    },
};

/// Omits volumes of claims that need a decision or labels first: those findings include the volumes.
fn judge(change: &Change, facts: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    // Each volume once, with what is about to happen to it.
    let mut volumes: BTreeMap<&str, String> = BTreeMap::new();
    for set in change.of_kind(Kind::StatefulSet).filter(|set| set.camunda) {
        volumes.extend(handed_over(facts, set));
        volumes.extend(taken_along(change, facts, heard, set));
        volumes.extend(relabelled(change, facts, heard, set));
    }
    if volumes.is_empty() {
        return Vec::new();
    }
    let names = || volumes.keys().copied();
    let mut why =
        vec!["The storage behind a volume with policy Delete goes with its claim:".to_owned()];
    why.extend(volumes.values().map(|what| format!("  {what}")));
    let mut commands: Vec<_> = names().map(|name| retain([name])).collect();
    let columns = "custom-columns=NAME:.metadata.name,POLICY:.spec.persistentVolumeReclaimPolicy";
    let check = ["get", "pv"].into_iter().chain(names());
    commands.push(Kubectl::new("", check.chain(["-o", columns])));
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Volumes with data would be deleted with their claims".to_owned(),
        objects: names()
            .map(|name| ObjectRef::new(Kind::PersistentVolume, "", name))
            .collect(),
        why,
        fixes: vec![Fix::new("Retain them, and see that it says so:", commands)],
        guide: RULE.guide,
    }]
}

/// Volumes that wait for a claim of the new StatefulSet.
fn handed_over<'a>(facts: &'a Facts, set: &ObjectChange) -> Vec<(&'a str, String)> {
    let Some(mounts) = set.planned.as_deref().map(Mounts::of) else {
        return Vec::new();
    };
    facts
        .of_kind(Kind::PersistentVolume)
        .filter(|volume| !is_retained(volume) && volume.str("/spec/claimRef/uid").is_none())
        .filter(|volume| facts.claim_of(volume).is_none())
        .filter(|volume| volume.str("/spec/claimRef/namespace") == Some(&set.object.namespace))
        .filter_map(|volume| {
            let claim = volume.str("/spec/claimRef/name")?;
            mounts.parse(claim)?;
            Some((
                volume.name(),
                format!("{} waits for claim {claim}", volume.name()),
            ))
        })
        .collect()
}

/// Volumes whose claims go with a StatefulSet that Helm deletes.
fn taken_along<'a>(
    change: &Change,
    facts: &'a Facts,
    heard: &Heard<'_>,
    set: &ObjectChange,
) -> Vec<(&'a str, String)> {
    let live = facts.get(&set.object).filter(|_| set.removed());
    let Some(live) = live.filter(|live| takes_claims_along(live)) else {
        return Vec::new();
    };
    let mounts = Mounts::of(live);
    let namespace = &set.object.namespace;
    let successor = claims::successor(change, set);
    let new = successor.and_then(|next| next.planned.as_deref().map(Mounts::of));
    let told = |rule, set: &ObjectChange| heard.of(rule).names(&set.object);
    let is_told = told(claims_orphaned::RULE.id, set)
        || successor.is_some_and(|next| told(elasticsearch_claims_orphaned::RULE.id, next));
    let undecided = match is_told {
        true => claims::orphans(facts, namespace, &mounts, new.as_ref()),
        false => Vec::new(),
    };
    bound_volumes(facts, namespace, &mounts)
        .filter(|(claim, _)| !undecided.iter().any(|orphan| orphan.claim == *claim))
        .map(|(claim, volume)| {
            let what = format!(
                "{} of claim {}, which StatefulSet {} takes along (whenDeleted)",
                volume.name(),
                claim.name(),
                mounts.statefulset
            );
            (volume.name(), what)
        })
        .collect()
}

/// Volumes of the Elasticsearch that is re-created in 8.0.13, once its claims have their labels.
fn relabelled<'a>(
    change: &Change,
    facts: &'a Facts,
    heard: &Heard<'_>,
    set: &ObjectChange,
) -> Vec<(&'a str, String)> {
    if !elasticsearch_claim_labels::is_recreated(change, set)
        || heard.of(elasticsearch_claim_labels::RULE.id).covers(set)
    {
        return Vec::new();
    }
    let Some(mounts) = set.planned.as_deref().map(Mounts::of) else {
        return Vec::new();
    };
    bound_volumes(facts, &set.object.namespace, &mounts)
        .map(|(claim, volume)| {
            let what = format!("{} of claim {}", volume.name(), claim.name());
            (volume.name(), what)
        })
        .collect()
}

fn bound_volumes<'a>(
    facts: &'a Facts,
    namespace: &str,
    mounts: &Mounts,
) -> impl Iterator<Item = (&'a Object, &'a Object)> {
    mounts
        .holding(facts, namespace)
        .filter_map(|claim| Some((claim, facts.volume_of(claim)?)))
        .filter(|(_, volume)| !is_retained(volume))
}
