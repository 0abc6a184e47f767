//! `not-checked`: silence would be taken for consent.
//!
//! Where the API server did not answer, or a document of the manifest could not be read, the guard has not
//! judged. At the release gate, where trying again costs nothing, that refuses; an object is let through with
//! a warning, because refusing it could stop an upgrade half-way.

use super::Rule;

use crate::{
    change::{Change, Gate},
    facts::Facts,
    finding::{Action, Finding, Fix},
};

pub(super) const RULE: Rule = Rule {
    id: "not-checked",
    summary: "something that a rule needs could not be read",
    page: include_str!("../../docs/rules/not-checked.md"),
    judge,
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if facts.gaps().is_empty() {
        return Vec::new();
    }
    let why = facts
        .gaps()
        .iter()
        .map(|gap| format!("  {}: {}", gap.what, gap.reason))
        .collect();
    vec![Finding {
        rule: RULE.id,
        action: match change.gate {
            Gate::Release => Action::Deny,
            Gate::Object => Action::Warn,
        },
        title: "Not everything could be checked".to_owned(),
        objects: Vec::new(),
        why,
        fixes: vec![Fix::new(
            "Run the same command again once these can be read.",
            Vec::new(),
        )],
        guide: "",
    }]
}
