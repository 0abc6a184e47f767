//! `identity-migration-disabled`: what Identity knows of people and their rights would stay behind.
//!
//! The Orchestration Cluster of 13 keeps roles, tenants and authorizations itself. A Job carries them over from
//! Identity, and it is off by default. Leaving it off is allowed: then all of it is to be set up anew.
//!
//! Since chart 13. Documented: "3. Identity migration".

use super::{Judge, Rule};

use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts, Side},
    finding::{Action, Finding, RuleId, guide},
    fixes::conversion,
    knowledge::authentication::Method,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::IdentityMigrationDisabled,
    summary: "what Identity knows of people and their rights would not be carried over",
    guide: guide::IDENTITY_MIGRATION,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/identity-migration-disabled.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

const ENABLED: &str = "orchestration.migration.identity.enabled";
/// The names in the upgrade guides, which no release reads.
const UNREAD: [&str; 2] = ["migration.identity.enabled", "identity-migration.enabled"];

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let identity = change.application(Application::IDENTITY, Side::Running);
    let job = change.application(Application::IDENTITY_MIGRATION, Side::Planned);
    let (Some(identity), None, true) = (identity, job, change.gets(Feature::OrchestrationCluster))
    else {
        return Vec::new();
    };
    let entities = match Method::before(change, facts) {
        // It runs for others; nobody logs in to Operate or Tasklist by it.
        Some(Method::Basic) => return Vec::new(),
        Some(Method::Provider {
            keycloak: false, ..
        }) => "roles, tenants and mapping rules",
        _ => "roles, groups, users' assignments, applications, tenants and authorizations",
    };
    let mut why = vec![format!(
        "{} holds {entities}; without the migration Job the Orchestration Cluster has none of them, and all is to be set up anew.",
        identity.object
    )];
    why.extend(
        UNREAD
            .into_iter()
            .filter(|key| change.values.get(key).is_some())
            .map(|key| format!("Your values set {key}, which no release of the chart reads.")),
    );
    why.push(format!(
        "To carry them over set {} to true; to leave them behind is allowed.",
        change.values.key_in_file(ENABLED)
    ));
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: "What Identity knows of people and their rights would not be carried over"
            .to_owned(),
        objects: vec![identity.object.clone()],
        why,
        fixes: conversion::fixes(change, facts),
        guide: RULE.guide,
    }]
}
