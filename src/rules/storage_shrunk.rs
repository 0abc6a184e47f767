//! `storage-shrunk`: new claims that take over data would ask for less than the data has now.
//!
//! Chart 8.3.0 no longer reads `elasticsearch.volumeClaimTemplate`: a size that was set there is back at the default of
//! 64Gi, and so are the new claims, whatever the old volumes grew to.
//!
//! Since chart 8.3.0; any line where a rename meets a lost size. Documented: "v8.3.0 (minor), Elasticsearch - values
//! file".

use super::{Rule, immutable_field_changed::parse_quantity};
use crate::{
    camunda::{Component, claim_size},
    change::{Change, Gate, ObjectChange},
    claims::{self, Mounts, Orphan},
    facts::Facts,
    finding::{Action, Command, Finding, Fix},
    object::{Kind, Object},
    shell,
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
            let old = Mounts::of(set.running.as_deref()?);
            let new = match set.planned {
                Some(_) => set,
                None => claims::successor(change, set)?,
            };
            shrunk(change, facts, &old, new)
        })
        .collect()
}

fn shrunk(change: &Change, facts: &Facts, old: &Mounts, new: &ObjectChange) -> Option<Finding> {
    let namespace = &new.object.namespace;
    let planned = new.planned.as_deref()?;
    let mounts = Mounts::of(planned);
    // A volume that is handed over keeps its size whatever the claim asks for, and a claim that is there its own.
    let orphans = claims::orphans(facts, namespace, old, Some(&mounts));
    let mut why = Vec::new();
    let mut largest: Option<(&str, f64)> = None;
    for orphan in &orphans {
        let Some((has, asks)) = sizes(facts, namespace, planned, &mounts, orphan) else {
            continue;
        };
        why.push(format!(
            "  {} has {has}, {} would ask for {asks}",
            orphan.claim.name(),
            orphan.successor.as_deref().unwrap_or_default()
        ));
        let bytes = parse_quantity(&has.into())?;
        if largest.is_none_or(|(_, most)| bytes > most) {
            largest = Some((has, bytes));
        }
    }
    let (size, _) = largest?;
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
            "Ask for as much as there is; add to your helm upgrade:",
            vec![Command::HelmFlag(format!(
                "--set {}",
                shell::quote(&format!("{key}={size}"))
            ))],
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

/// What the old volume has and what the new claim asks for, where that is less.
fn sizes<'a>(
    facts: &Facts,
    namespace: &str,
    planned: &'a Object,
    mounts: &Mounts,
    orphan: &'a Orphan<'_>,
) -> Option<(&'a str, &'a str)> {
    let successor = orphan.successor.as_deref()?;
    if facts
        .named(Kind::PersistentVolumeClaim, namespace, successor)
        .is_some()
    {
        return None;
    }
    let (template, _) = mounts.parse(successor)?;
    let asks = planned
        .array("/spec/volumeClaimTemplates")
        .iter()
        .find(|other| {
            other
                .pointer("/metadata/name")
                .and_then(|name| name.as_str())
                == Some(template)
        })?
        .pointer("/spec/resources/requests/storage")?
        .as_str()?;
    let has = orphan
        .volume
        .and_then(|volume| volume.str("/spec/capacity/storage"))
        .or_else(|| orphan.claim.str("/status/capacity/storage"))?;
    (parse_quantity(&asks.into())? < parse_quantity(&has.into())?).then_some((has, asks))
}
