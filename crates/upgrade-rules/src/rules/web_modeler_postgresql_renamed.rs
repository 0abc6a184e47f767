//! `web-modeler-postgresql-renamed`: Web Modeler's PostgreSQL would not be there, or not as the user set it up.
//!
//! 13 reads `webModelerPostgresql` where 12 read `postgresql`, and nothing at the old key. With Web Modeler switched on
//! the chart says so itself; with Web Modeler left out the database goes, and its password with it.
//!
//! Since chart 13. Documented: "Camunda Helm chart values file changes" (8.7 to 8.8).

use super::{Judge, Rule, values_moved::lost};
use crate::{
    camunda::{Application, Component},
    change::{Change, Facts, Side},
    finding::{Action, Finding, RuleId, guide},
    fixes::conversion,
    kubernetes::Kind,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::WebModelerPostgresqlRenamed,
    summary: "13 no longer reads the values of Web Modeler's PostgreSQL under postgresql",
    guide: guide::VALUES,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/web-modeler-postgresql-renamed.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let moved = lost(change, Some(RULE.id));
    if moved.is_empty() || !is_in_use(change) {
        return Vec::new();
    }
    let mut why = vec!["Your values set these, and nothing reads them any more:".to_owned()];
    why.extend(
        conversion::listed(&moved)
            .into_iter()
            .map(|key| format!("  {key}")),
    );
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Web Modeler's PostgreSQL is set up under a key that 13 does not read".to_owned(),
        objects: Vec::new(),
        why,
        fixes: conversion::fixes(change, facts),
        guide: RULE.guide,
    }]
}

/// Whether Web Modeler or its database is in the running or the new manifest; otherwise the values had no effect before.
fn is_in_use(change: &Change) -> bool {
    let modeler = |side| change.application(Application::WEB_MODELER, side).is_some();
    let database = change
        .of_kind(Kind::StatefulSet)
        .any(|set| set.camunda && set.component == Component::WebModelerPostgresql);
    modeler(Side::Running) || modeler(Side::Planned) || database
}
