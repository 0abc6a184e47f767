//! `server-dry-run`: the rest of what the API server and its webhooks would refuse.
//!
//! Helm goes on after a refused object, so that half of an upgrade is applied and the release is failed. Some real charts cause
//! that for reasons that no rule knows: a field that the API does not have, a quota, another webhook. `check --server-dry-run`
//! sends every object first, as a dry run.

use super::{Judge, Rule, heard::Heard};

use crate::{
    change::{Change, Facts},
    finding::{Action, Finding, Reference, RuleId},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ServerDryRun,
    summary: "the API server or another webhook would refuse an object",
    guide: Reference::Nowhere("it is the API server's own answer"),
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/server-dry-run.md"),
    needs: &[],
    judge: Judge::Beside {
        others: &[
            RuleId::ImmutableFieldChanged,
            RuleId::ElasticsearchClaimLabels,
            RuleId::DataMigrationOnInstall,
        ],
        judge,
    },
};

/// Omits objects that other rules report: they are to be deleted first, or not to be applied.
fn judge(change: &Change, facts: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    let told = |object: &str| {
        let mut objects = change
            .objects
            .iter()
            .filter(|it| it.object.to_string() == object);
        objects.any(|it| heard.covers(it))
    };
    let of_kind = |passed_over: bool| -> Vec<String> {
        let refusals = facts.refusals().iter();
        let refused = refusals.filter(|it| it.passed_over == passed_over && !told(&it.object));
        refused
            .map(|refusal| format!("  {}: {}", refusal.object, refusal.why.trim()))
            .collect()
    };
    let (refused, passed_over) = (of_kind(false), of_kind(true));
    let objects = |count: usize| match count {
        1 => "an object".to_owned(),
        count => format!("{count} objects"),
    };
    let refused = (!refused.is_empty()).then(|| Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("The API server would refuse {}", objects(refused.len())),
        objects: Vec::new(),
        why: with(
            "Helm would apply the others all the same and leave the release failed. It says:",
            refused,
        ),
        fixes: Vec::new(),
        guide: RULE.guide,
    });
    let passed_over = (!passed_over.is_empty()).then(|| Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!(
            "The API server would not let {} be deleted",
            objects(passed_over.len())
        ),
        objects: Vec::new(),
        why: with(
            "Helm 3 leaves behind without a word what it may not delete. The API server says:",
            passed_over,
        ),
        fixes: Vec::new(),
        guide: RULE.guide,
    });
    refused.into_iter().chain(passed_over).collect()
}

fn with(first: &str, lines: Vec<String>) -> Vec<String> {
    let mut why = vec![first.to_owned()];
    why.extend(lines);
    why
}
