//! `orchestration-values`: what a user set for Zeebe, Operate or Tasklist would be forgotten.
//!
//! 13 makes one Orchestration Cluster of Zeebe, its gateway, Operate and Tasklist and reads `orchestration.*`. A layer
//! of compatibility merges some of the old keys, but only where `zeebe.enabled: true` (or `zeebeGateway.enabled: true`)
//! stands beside them, which the defaults do not have: all others are dropped in silence, and 14 has no such layer.
//!
//! Since chart 13. Documented: "Camunda Helm chart values file changes" (8.7 to 8.8).

use serde_json::{Map, Value};

use super::{Judge, Rule};
use crate::{
    camunda::Line,
    change::{Change, Facts},
    finding::{Action, Finding, RuleId, guide},
    fixes::conversion::{self, Move, listed},
    helm::values::below,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::OrchestrationValues,
    summary: "values of Zeebe, Operate or Tasklist would have no effect any more",
    guide: guide::VALUES,
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/orchestration-values.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let Some(line) = conversion::entered(change) else {
        return Vec::new();
    };
    let old: Map<String, Value> = change
        .values
        .own()
        .iter()
        .filter(|(key, _)| line.converted_by(RULE.id).any(|root| root == *key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if old.is_empty() {
        return Vec::new();
    }
    let left = left(change, &old, line);
    let (honoured, lost): (Vec<_>, Vec<_>) = left
        .into_iter()
        .partition(|moved| is_merged(change, line, &moved.old));
    let (moved, gone): (Vec<_>, Vec<_>) = lost.into_iter().partition(|moved| moved.new.is_some());
    let mut findings = Vec::new();
    if !moved.is_empty() {
        findings.push(refusal(change, facts, &moved, &gone));
    } else if !gone.is_empty() {
        findings.push(warning(
            format!(
                "{} of Zeebe's, Operate's or Tasklist's values have no effect any more",
                gone.len()
            ),
            format!("Nothing takes the place of: {}.", listed(&gone).join(", ")),
        ));
    }
    if !honoured.is_empty() {
        findings.push(warning(
            "Old keys of Zeebe's values still have an effect in 13 only".to_owned(),
            format!(
                "The chart merges them because {}; 14 does not: {}.",
                "their component is switched on beside them",
                listed(&honoured).join(", ")
            ),
        ));
    }
    findings
}

/// The old keys whose new ones are not set.
fn left(change: &Change, old: &Map<String, Value>, line: &Line) -> Vec<Move> {
    let own = change.values.own();
    let mut left = conversion::moves(old, own, line).list;
    // What stands as it did by default changes nothing.
    left.retain(|moved| !is_default(change, &moved.old));
    let lines = line.with_earlier().iter();
    for rule in lines.flat_map(|line| &line.merged_values) {
        left.extend(rule.left(own).map(|key| Move {
            old: key.to_owned(),
            new: Some(rule.to.clone()),
        }));
    }
    left
}

/// Whether a key only switches an application on, which was and is the default of all four.
fn is_default(change: &Change, key: &str) -> bool {
    key.ends_with(".enabled")
        && key.matches('.').count() == 1
        && change.values.flag(key) == Some(true)
}

/// Whether the new chart's compatibility layer reads an old key.
fn is_merged(change: &Change, line: &Line, key: &str) -> bool {
    let on = |root: &str| change.values.flag(&format!("{root}.enabled")) == Some(true);
    line.compatibility.as_ref().is_some_and(|layer| {
        change.values.flag(&layer.switch) != Some(false)
            && key.split_once('.').is_some_and(|(root, _)| on(root))
            && layer.merges.iter().any(|read| below(key, read).is_some())
    })
}

fn refusal(change: &Change, facts: &Facts, moved: &[Move], gone: &[Move]) -> Finding {
    let chart = change.to.as_ref().map_or("", |to| to.version.as_str());
    let mut why = vec![format!(
        "Chart {chart} drops these keys of your values in silence:"
    )];
    why.extend(listed(moved).into_iter().map(|key| format!("  {key}")));
    if !gone.is_empty() {
        why.push(format!(
            "Nothing takes the place of {}.",
            listed(gone).join(", ")
        ));
    }
    Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "What you set for Zeebe, Operate or Tasklist would be forgotten".to_owned(),
        objects: Vec::new(),
        why,
        fixes: conversion::fixes(change, facts),
        guide: RULE.guide,
    }
}

fn warning(title: String, why: String) -> Finding {
    Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: Vec::new(),
        why: vec![why],
        fixes: Vec::new(),
        guide: RULE.guide,
    }
}
