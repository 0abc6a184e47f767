//! `not-checked`: silence would be taken for consent.
//!
//! Where the API server did not answer, or a document of the manifest could not be read, the guard has not
//! judged. At the release gate, where trying again costs nothing, that refuses; an object is let through with
//! a warning, because refusing it could stop an upgrade half-way.

use std::collections::{BTreeMap, BTreeSet};

use super::Rule;

use crate::{
    change::{Change, Gate},
    facts::Facts,
    finding::{Action, Finding, Fix},
};

/// How many of what could not be read for one reason are named.
const NAMED: usize = 12;

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
    let mut reasons: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for gap in facts.gaps() {
        reasons.entry(&gap.reason).or_default().insert(&gap.what);
    }
    let why = reasons
        .into_iter()
        .map(|(reason, what)| format!("  {}: {reason}", listed(&what)))
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

/// A release has dozens of objects, and an API server that is gone takes them all along.
fn listed(what: &BTreeSet<&str>) -> String {
    let named: Vec<_> = what.iter().take(NAMED).copied().collect();
    match what.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
