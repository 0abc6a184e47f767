//! `storage-shrunk`: new claims that take over data would ask for less than those before did.
//!
//! Chart 8.3.0 no longer reads `elasticsearch.volumeClaimTemplate`: a size that was set there is back at the default of
//! 64Gi, and so are the new claims, whatever the old volumes grew to.
//!
//! Since chart 8.3.0; any line where a rename meets a lost size. Documented: "v8.3.0 (minor), Elasticsearch - values
//! file".

use super::{Rule, cures::flag, immutable_field_changed::parse_quantity};

use crate::{
    camunda::{Component, claim_size},
    change::{Change, Gate, ObjectChange},
    claims::{self, Mounts, Orphan},
    facts::Facts,
    finding::{Action, Finding, Fix},
    object::{Kind, Object},
};

pub(super) const RULE: Rule = Rule {
    id: "storage-shrunk",
    summary: "claims that take over data would be too small for it",
    page: include_str!("../../docs/rules/storage-shrunk.md"),
    judge,
};

/// Where elastic's chart, up to 8.2, was told the size.
const ELASTICS_SIZE: &str = "elasticsearch.volumeClaimTemplate.resources.requests.storage";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.gate != Gate::Release {
        return Vec::new();
    }
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda)
        .filter_map(|set| {
            let old = facts.get(&set.object).or(set.running.as_deref())?;
            let new = match set.planned {
                Some(_) => set,
                None => claims::successor(change, set)?,
            };
            shrunk(change, facts, old, new)
        })
        .collect()
}

fn shrunk(change: &Change, facts: &Facts, old: &Object, new: &ObjectChange) -> Option<Finding> {
    let namespace = &new.object.namespace;
    let planned = new.planned.as_deref()?;
    let (old_mounts, mounts) = (Mounts::of(old), Mounts::of(planned));
    // A volume that is handed over keeps its size whatever the claim asks for, and a claim that is there its own.
    let orphans = claims::orphans(facts, namespace, &old_mounts, Some(&mounts));
    let mut why = Vec::new();
    let mut size = None;
    for orphan in &orphans {
        let Some((claim, successor)) = successor(facts, namespace, orphan) else {
            continue;
        };
        let (asked, asks) = (
            template_size(old, &old_mounts, claim)?,
            template_size(planned, &mounts, successor)?,
        );
        let has = volume_size(orphan)?;
        // Volumes are larger than their template where somebody expanded them, or the driver has a minimum.
        if bytes(asks)? < bytes(asked)? && bytes(asks)? < bytes(has)? {
            why.push(format!(
                "  {claim} has {has}, {successor} would ask for {asks}"
            ));
            size = Some(asked);
        }
    }
    let size = size?;
    why.insert(
        0,
        format!("StatefulSet {} mounts smaller claims:", new.object.name),
    );
    if new.component == Component::Elasticsearch
        && let (Some(value), Some(to)) = (change.values.text(ELASTICS_SIZE), &change.to)
    {
        why.push(format!(
            "Your values set {ELASTICS_SIZE} to {value}; chart {} does not read it.",
            to.version
        ));
    }
    let key = claim_size(new.component, change.target_line(), new.charts.as_deref());
    let fix = match key {
        Some(key) => Fix::new(
            "Ask for as much as before; add to your helm upgrade:",
            vec![flag::set_as(
                change,
                change.values.own_key(&key),
                &key,
                size,
            )],
        ),
        None => Fix::new(format!("Ask for {size} in the new values."), Vec::new()),
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!(
            "{} would get smaller volumes than its data has",
            new.component.name()
        ),
        objects: vec![new.object.clone()],
        why,
        fixes: vec![fix],
        guide: "v8.3.0, Elasticsearch, values file",
    })
}

/// The claim and the one that is to be made in its place, if it is not there yet.
fn successor<'a>(
    facts: &Facts,
    namespace: &str,
    orphan: &'a Orphan<'_>,
) -> Option<(&'a str, &'a str)> {
    let successor = orphan.successor.as_deref()?;
    let there = facts.named(Kind::PersistentVolumeClaim, namespace, successor);
    there.is_none().then_some((orphan.claim.name(), successor))
}

/// What the template of a claim asks for.
fn template_size<'a>(set: &'a Object, mounts: &Mounts, claim: &str) -> Option<&'a str> {
    let (template, _) = mounts.parse(claim)?;
    let templates = set.array("/spec/volumeClaimTemplates");
    let named = |other: &&serde_json::Value| {
        other
            .pointer("/metadata/name")
            .and_then(|name| name.as_str())
            == Some(template)
    };
    let size = templates.iter().find(named)?;
    size.pointer("/spec/resources/requests/storage")?.as_str()
}

fn volume_size<'a>(orphan: &'a Orphan<'_>) -> Option<&'a str> {
    orphan
        .volume
        .and_then(|volume| volume.str("/spec/capacity/storage"))
        .or_else(|| orphan.claim.str("/status/capacity/storage"))
}

fn bytes(size: &str) -> Option<f64> {
    parse_quantity(&size.into())
}
