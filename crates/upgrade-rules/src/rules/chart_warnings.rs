//! `chart-warnings`: what the chart itself says about the values that it is given.
//!
//! Newer charts put deprecations and the like into a ConfigMap `…-warnings`, which nobody reads. It is in the release record
//! before anything is applied. Only what is new is told.
//!
//! Since chart 13.12. Beyond the guides.

use std::collections::BTreeSet;

use super::{Judge, Rule};

use crate::{
    change::{Change, Facts, Operation, Side},
    finding::{Action, Finding, Reference, RuleId},
    kubernetes::Kind,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ChartWarnings,
    summary: "the chart itself warns of something",
    guide: Reference::Nowhere("they are the chart's own words"),
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/chart-warnings.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

/// The end of the ConfigMap's name, and its key.
const NAME: &str = "-warnings";
const KEY: &str = "/data/warnings";

/// What each warning begins with.
const START: &str = "[camunda][warning]";

/// As much of a warning as a title holds, in characters.
const WIDTH: usize = 120;

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    // Helm prints the chart's notes after an installation, and these are among them.
    if change.operation == Operation::Install {
        return Vec::new();
    }
    let known = match change.operation {
        Operation::Deployed => BTreeSet::new(),
        _ => told(change, Side::Running).into_iter().collect(),
    };
    let mut new = told(change, Side::Planned);
    new.retain(|warning| !known.contains(warning));
    let Some(first) = new.first() else {
        return Vec::new();
    };
    let short: String = first.chars().take(WIDTH).collect();
    let cut = if short.len() < first.len() { "…" } else { "" };
    let more = match new.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!("The chart warns: {short}{cut}{more}"),
        objects: Vec::new(),
        why: new.iter().map(|warning| format!("  {warning}")).collect(),
        fixes: Vec::new(),
        guide: RULE.guide,
    }]
}

/// The chart's warnings on one side, each once and on one line.
fn told(change: &Change, side: Side) -> Vec<String> {
    let maps = change
        .of_kind(Kind::ConfigMap)
        .filter(|map| map.camunda && map.object.name.ends_with(NAME));
    let mut warnings = Vec::new();
    for text in maps.filter_map(|map| map.on(side)?.str(KEY)) {
        for warning in text.split(START) {
            let words: Vec<_> = warning.split_whitespace().collect();
            let warning = words.join(" ");
            if !warning.is_empty() && !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    warnings
}
