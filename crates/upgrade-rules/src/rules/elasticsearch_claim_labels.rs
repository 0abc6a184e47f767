//! `elasticsearch-claim-labels`: Elasticsearch is re-created, and its claims lack the labels that the chart now gives.
//!
//! Chart 8.0.13 put the labels `release`, `chart` and `app` into Elasticsearch's claim template, which can't change in
//! place: the StatefulSet is deleted and made anew. The claims that are there stay without the labels, and all that
//! finds claims by them, the 8.3.0 upgrade among it, passes them over.
//!
//! Documented: "v8.0.13". Its step 4 has the arguments of `helm template` swapped and applies nothing: the upgrade
//! itself is that step.

use serde_json::Value;

use super::{Judge, Rule, wanted};

use crate::{
    camunda::{Component, Line},
    change::{Change, Facts, Gate, ObjectChange, Wanted},
    finding::{Action, Finding, Fix, RuleId, guide},
    kubernetes::{Kind, Mounts, Object, ObjectRef},
    volume_move::{self, Typed},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ElasticsearchClaimLabels,
    summary: "Elasticsearch's claims lack the labels of the new chart",
    guide: guide::V8_0_13,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/elasticsearch-claim-labels.md"),
    needs: &[needs],
    judge: Judge::Alone(judge),
};

/// The volumes and classes of Elasticsearch's claims where it is made anew over them.
fn needs(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let Some(facts) = facts.filter(|_| gives_labels(change)) else {
        return Vec::new();
    };
    let recreated = wanted::mounts(change, |set| {
        let planned = set.planned.as_deref().map(Mounts::of);
        planned.filter(|_| set.component == Component::Elasticsearch)
    });
    let is_recreated = |claim: &Object| wanted::is_among(&recreated, claim);
    let mut wanted = wanted::volumes(facts, is_recreated);
    wanted.extend(wanted::classes(facts, is_recreated));
    wanted
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter_map(|set| finding(change, facts, set))
        .collect()
}

/// Whether this is the Elasticsearch StatefulSet that 8.0.13 recreates.
pub(super) fn is_recreated(change: &Change, set: &ObjectChange) -> bool {
    change.gate == Gate::Release
        && set.camunda
        && set.component == Component::Elasticsearch
        && set.running.is_some()
        && gives_labels(change)
        && labels(set).next().is_some()
}

/// Whether a chart on the way adds labels to a claim template.
fn gives_labels(change: &Change) -> bool {
    let mut fixed = Line::all().iter().flat_map(|line| &line.fixed);
    fixed.any(|fixed| !fixed.claim_labels.is_empty() && change.enters(&fixed.since))
}

/// The labels of the new claim template.
fn labels(set: &ObjectChange) -> impl Iterator<Item = (&str, &str)> {
    let template = set
        .planned
        .as_deref()
        .and_then(|planned| planned.at("/spec/volumeClaimTemplates/0/metadata/labels"));
    let labels = template.and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// The claims with data that lack one of the labels.
fn unlabelled<'a>(facts: &'a Facts, set: &ObjectChange) -> Vec<&'a Object> {
    let Some(mounts) = set.planned.as_deref().map(Mounts::of) else {
        return Vec::new();
    };
    mounts
        .holding(facts, &set.object.namespace)
        .filter(|claim| labels(set).any(|(key, value)| claim.label(key) != Some(value)))
        .collect()
}

fn finding(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    if !is_recreated(change, set) {
        return None;
    }
    let unlabelled = unlabelled(facts, set);
    if unlabelled.is_empty() {
        return None;
    }
    let (namespace, name) = (&set.object.namespace, set.object.name.as_str());
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let wanted: Vec<_> = labels(set).map(owned).collect();
    let pairs = wanted.iter().map(|(key, value)| format!("{key}={value}"));
    let mut why = vec![format!(
        "These claims hold data and lack {}:",
        pairs.collect::<Vec<_>>().join(" ")
    )];
    why.extend(unlabelled.iter().map(|claim| format!("  {}", claim.name())));

    let live = facts.get(&set.object);
    let intro = if live.is_some() {
        why.push(format!(
            "StatefulSet {name} has them in its claim template now, which Kubernetes does not let change: it is made anew."
        ));
        "Retain the volumes, label the claims and delete the StatefulSet; its pods serve until the upgrade takes them over:"
    } else {
        "Retain the volumes and label the claims:"
    };
    let steps = volume_move::relabel(facts, namespace, &unlabelled, &wanted, live);
    let commands = volume_move::commands(&steps, namespace, Typed::ByHand);
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Elasticsearch's claims lack the labels of the new chart".to_owned(),
        objects: unlabelled
            .iter()
            .map(|claim| ObjectRef::new(Kind::PersistentVolumeClaim, namespace, claim.name()))
            .collect(),
        why,
        fixes: vec![Fix::new(intro, commands)],
        guide: RULE.guide,
    })
}
