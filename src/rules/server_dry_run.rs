//! `server-dry-run`: the rest of what the API server and its webhooks would refuse.
//!
//! Helm goes on after an object that was refused, so that half of an upgrade is applied and the release is failed. Some real charts
//! do that for reasons that no rule knows: a field that the API does not have, a quota, another webhook. `check --server-dry-run`
//! sends every object before, for nothing to be kept of it.

use super::{Rule, immutable_field_changed};

use crate::{
    change::Change,
    facts::Facts,
    finding::{Action, Finding},
};

pub(super) const RULE: Rule = Rule {
    id: "server-dry-run",
    summary: "the API server or another webhook would refuse an object",
    page: include_str!("../../docs/rules/server-dry-run.md"),
    judge,
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    // What that rule tells of is to be deleted before.
    let told = |object: &str| {
        let mut objects = change
            .objects
            .iter()
            .filter(|it| it.object.to_string() == object);
        objects.any(|it| immutable_field_changed::changed(change, facts, it).is_some())
    };
    let refused: Vec<_> = facts
        .refusals()
        .iter()
        .filter(|refusal| !told(&refusal.object))
        .map(|refusal| format!("  {}: {}", refusal.object, refusal.why.trim()))
        .collect();
    if refused.is_empty() {
        return Vec::new();
    }
    let title = match refused.len() {
        1 => "The API server would refuse an object".to_owned(),
        count => format!("The API server would refuse {count} objects"),
    };
    let mut why = vec![
        "Helm would apply the others all the same and leave the release failed. It says:"
            .to_owned(),
    ];
    why.extend(refused);
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title,
        objects: Vec::new(),
        why,
        fixes: Vec::new(),
        guide: "",
    }]
}
