//! `storage-shrunk`: new claims that take over data would ask for less than those before did.
//!
//! Chart 8.3.0 no longer reads `elasticsearch.volumeClaimTemplate`: a size that was set there is back at the default of
//! 64Gi, and so are the new claims, whatever the old volumes grew to.
//!
//! Since chart 8.3.0; any line where a rename meets a lost size. Documented: "v8.3.0 (minor), Elasticsearch - values
//! file".

use super::{Judge, Rule, immutable_field_changed::parse_quantity, wanted};

use crate::{
    camunda::{Component, claim_size},
    change::{Change, Facts, ObjectChange},
    finding::{Action, Finding, Fix, Reference, RuleId, guide},
    fixes::flag,
    knowledge::{
        claims::{self, Orphan},
        secrecy::shown,
    },
    kubernetes::{Kind, Mounts, Object},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::StorageShrunk,
    summary: "claims that take over data would be too small for it",
    guide: guide::ELASTICSEARCH_VALUES,
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/storage-shrunk.md"),
    needs: &[wanted::replaced_claims],
    judge: Judge::Alone(judge),
};

/// The value for the size in elastic's chart, up to 8.2.
const ELASTICS_SIZE: &str = "elasticsearch.volumeClaimTemplate.resources.requests.storage";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let sets = || change.of_kind(Kind::StatefulSet).filter(|set| set.camunda);
    let shrunk = sets().filter_map(|set| {
        let old = facts.get(&set.object).or(set.running.as_deref())?;
        let new = match set.planned {
            Some(_) => set,
            None => claims::successor(change, set)?,
        };
        shrunk(change, facts, old, new)
    });
    shrunk
        .chain(sets().filter_map(|set| handed_over(facts, set)))
        .collect()
}

fn shrunk(change: &Change, facts: &Facts, old: &Object, new: &ObjectChange) -> Option<Finding> {
    let namespace = &new.object.namespace;
    let planned = new.planned.as_deref()?;
    let (old_mounts, mounts) = (Mounts::of(old), Mounts::of(planned));
    // A claim that is there has its size, and a volume that is handed over keeps its own.
    let orphans = claims::orphans(facts, namespace, &old_mounts, Some(&mounts));
    let mut smaller: Vec<Smaller<'_>> = orphans
        .iter()
        .filter_map(|orphan| {
            let successor = successor(facts, namespace, orphan)?;
            let asks = template_size(planned, &mounts, successor)?;
            Smaller::of(orphan.claim.name(), successor, volume_size(orphan)?, asks)
        })
        .collect();
    smaller.sort_by(|one, other| one.bytes.total_cmp(&other.bytes));
    let size = smaller.last()?.has;
    let mut why = vec![format!(
        "StatefulSet {} mounts smaller claims:",
        new.object.name
    )];
    why.extend(smaller.iter().map(|smaller| {
        let Smaller {
            claim,
            successor,
            has,
            asks,
            ..
        } = smaller;
        format!("  {claim} has {has}, {successor} would ask for {asks}")
    }));
    if new.component == Component::Elasticsearch
        && let (Some(value), Some(to)) = (change.values.text(ELASTICS_SIZE), &change.to)
    {
        why.push(format!(
            "Your values set {ELASTICS_SIZE} to {}; chart {} does not read it.",
            shown(ELASTICS_SIZE, &value),
            to.version
        ));
    }
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!(
            "{} would get smaller volumes than its data has",
            new.component.name()
        ),
        objects: vec![new.object.clone()],
        why,
        fixes: vec![as_before(change, new, size)],
        guide: RULE.guide,
    })
}

/// Asks for the size that the data has, by a flag where the guard knows the value for it.
fn as_before(change: &Change, new: &ObjectChange, size: &str) -> Fix {
    let key = claim_size(new.component, change.target_line(), new.charts.as_deref());
    match key {
        Some(key) => Fix::new(
            "Ask for as much as before; add to your helm upgrade:",
            vec![flag::set_as(
                change,
                change.values.own_key(&key),
                &key,
                size,
            )],
        ),
        None => Fix::say(format!("Ask for {size} in the new values.")),
    }
}

/// A claim that would request less than the size of the volume whose data it takes over.
struct Smaller<'a> {
    claim: &'a str,
    successor: &'a str,
    has: &'a str,
    asks: &'a str,
    /// The size of the volume.
    bytes: f64,
}

impl<'a> Smaller<'a> {
    fn of(claim: &'a str, successor: &'a str, has: &'a str, asks: &'a str) -> Option<Self> {
        let bytes = bytes(has)?;
        (self::bytes(asks)? < bytes).then_some(Self {
            claim,
            successor,
            has,
            asks,
            bytes,
        })
    }
}

/// Volumes that were handed over already: a claim asks for less than it will have, which looks like a mistake and is none.
fn handed_over(facts: &Facts, new: &ObjectChange) -> Option<Finding> {
    let namespace = &new.object.namespace;
    let planned = new.planned.as_deref()?;
    let mounts = Mounts::of(planned);
    let smaller: Vec<_> = facts
        .of_kind(Kind::PersistentVolume)
        .filter_map(|volume| {
            let claim = claims::waits_for(facts, namespace, volume)?;
            let has = volume.str("/spec/capacity/storage")?;
            let asks = template_size(planned, &mounts, claim)?;
            Smaller::of(volume.name(), claim, has, asks)
        })
        .collect();
    if smaller.is_empty() {
        return None;
    }
    let mut why = vec![
        "A claim has the size of the volume that waits for it, whatever it asks for:".to_owned(),
    ];
    why.extend(smaller.iter().map(|it| {
        format!(
            "  {} asks for {} and will have the {} of volume {}",
            it.successor, it.asks, it.has, it.claim
        )
    }));
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!(
            "{} asks for less than the volumes have that were handed over to it",
            new.component.name()
        ),
        objects: vec![new.object.clone()],
        why,
        fixes: Vec::new(),
        guide: Reference::Nowhere("the volumes were handed over apart from Camunda's guides"),
    })
}

/// The claim that is to be made in its place, if it is not there yet.
fn successor<'a>(facts: &Facts, namespace: &str, orphan: &'a Orphan<'_>) -> Option<&'a str> {
    let successor = orphan.successor.as_deref()?;
    let there = facts.named(Kind::PersistentVolumeClaim, namespace, successor);
    there.is_none().then_some(successor)
}

/// Returns the size that the template of a claim requests.
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
