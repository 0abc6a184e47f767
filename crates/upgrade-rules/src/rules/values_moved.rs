//! `values-moved`: what a user set would be forgotten, since the new chart reads it under another key.
//!
//! Helm accepts any key, and a chart that has moved some says nothing of the old ones. Which keys these are is data of the
//! lines; where several come with one story, a rule of their own tells it.
//!
//! Any line. Beyond the guides.

use super::{Judge, Rule};
use crate::{
    camunda::Line,
    change::{Change, Facts, Operation},
    finding::{Action, Finding, Guide, Reference, RuleId, guide},
    fixes::conversion::{self, Move},
    helm::values::{Values, below},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ValuesMoved,
    summary: "values that the new chart reads under other keys would be forgotten",
    guide: guide::VALUES,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/values-moved.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    let moved = moved(change);
    if moved.is_empty() {
        return None;
    }
    let chart = change.to.as_ref()?.version.as_str();
    let mut why = vec![format!(
        "Chart {chart} does not read these keys of your values:"
    )];
    why.extend(
        conversion::listed(&moved)
            .into_iter()
            .map(|key| format!("  {key}")),
    );
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: match moved.len() {
            1 => "A value that you set would be forgotten".to_owned(),
            count => format!("{count} values that you set would be forgotten"),
        },
        objects: Vec::new(),
        why,
        fixes: conversion::fixes(change, facts),
        guide: section(change),
    })
}

/// The section about the keys of the line that the upgrade enters last.
pub(super) fn section(change: &Change) -> Reference {
    let entered = change.lines_entered().last();
    match entered.and_then(|line| line.values_guide.as_ref()) {
        Some(told) => Reference::Section(Guide::new(&told.section, &told.address, "")),
        None => {
            Reference::Nowhere("Camunda's guides do not list the keys that this chart has moved")
        }
    }
}

/// The user's keys that would be forgotten, and that no rule of their own speaks of.
pub(super) fn moved(change: &Change) -> Vec<Move> {
    let mut moved = lost(change, None);
    // A rollback brings the values of its revision along.
    moved.retain(|moved| {
        change.operation == Operation::Upgrade && !is_off(&change.values, &moved.old)
    });
    moved.sort_unstable_by(|one, other| one.old.cmp(&other.old));
    moved
}

/// The user's keys that have another name in the new chart and are not read any more, of those that a rule speaks of or none.
pub(super) fn lost(change: &Change, by: Option<RuleId>) -> Vec<Move> {
    let mut moved = all_lost(change);
    moved.retain(|moved| teller(change.lines_entered(), &moved.old) == by);
    moved
}

/// The same, whichever rule speaks of them.
pub(super) fn all_lost(change: &Change) -> Vec<Move> {
    let (own, entered) = (change.values.own(), change.lines_entered());
    let Some(to) = entered.last() else {
        return Vec::new();
    };
    let mut moved = conversion::moves(own, own, to).list;
    for rule in entered.iter().flat_map(|line| &line.merged_values) {
        moved.extend(rule.left(own).map(|key| Move {
            old: key.to_owned(),
            new: Some(rule.to.clone()),
        }));
    }
    moved.retain(|moved| {
        let key = moved.old.as_str();
        moved.new.is_some() && is_unread(entered, key)
    });
    moved
}

/// The rule of its own that speaks of a key.
fn teller(entered: &[Line], key: &str) -> Option<RuleId> {
    let mut told = entered.iter().flat_map(|line| &line.converted_values);
    let is_under = |root: &String| below(key, root).is_some();
    let found = told.find(|(_, roots)| roots.iter().any(is_under));
    found.map(|(rule, _)| *rule)
}

/// Whether one of the entered lines no longer reads a key.
fn is_unread(entered: &[Line], key: &str) -> bool {
    let is_under = |root: &String| below(key, root).is_some();
    entered.iter().any(|line| {
        let mut renamed = line.renamed_values.iter();
        let mut merged = line.merged_values.iter();
        line.dropped_values.keys().any(is_under)
            || renamed.any(|it| !it.merged && it.by.is_none() && is_under(&it.from))
            || merged.any(|it| it.from.iter().any(is_under))
    })
}

/// Whether a part above a key is switched off; then the key had no effect before either.
pub(super) fn is_off(values: &Values, key: &str) -> bool {
    key.match_indices('.').any(|(end, _)| {
        let switch = format!("{}.enabled", &key[..end]);
        switch != key && values.flag(&switch) == Some(false)
    })
}
