//! `not-checked`: silence would be taken for consent.
//!
//! Where the API server did not answer, or a document of the manifest could not be read, the guard has not
//! judged. At the release gate, where trying again costs nothing, that refuses; an object is let through with
//! a warning, because refusing it could stop an upgrade half-way.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judge, Rule, at};

use crate::{
    change::{Change, Facts, Gate},
    finding::{Action, Finding, Fix, Reference, RuleId},
    helm::values::Values,
};

/// The reasons why values are unknown.
const UNKNOWN_VALUES: &str = "a rendered manifest does not show them; -f FILE gives them";
const UNKNOWN_RUNNING_VALUES: &str =
    "no record of Helm's tells them; --running-values FILE gives them";

/// How many unread things are named for one reason.
const NAMED: usize = 12;

pub(super) const RULE: Rule = Rule {
    id: RuleId::NotChecked,
    summary: "something that a rule needs could not be read",
    guide: Reference::Nowhere("it is about what this program may read"),
    release: &[Action::Deny],
    object: at(&[Action::Warn], &[]),
    page: include_str!("../../../../docs/rules/not-checked.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

/// The rules that could not judge, by what they miss.
#[derive(Debug, Default)]
pub(super) struct Unjudged {
    /// By the gap's place among the facts.
    by_gap: BTreeMap<usize, Vec<RuleId>>,
    by_values: BTreeSet<RuleId>,
    by_running_values: BTreeSet<RuleId>,
}

impl Unjudged {
    /// Leaves out what was missed until now.
    pub(super) fn forget(&self, change: &Change, facts: &Facts) {
        facts.take_missed();
        asked_for_values(change);
    }

    /// Records what a rule missed, after it ran.
    pub(super) fn note(&mut self, rule: RuleId, change: &Change, facts: &Facts, found: &[Finding]) {
        for place in facts.take_missed() {
            self.by_gap.entry(place).or_default().push(rule);
        }
        let (planned, running) = asked_for_values(change);
        // One that has found something all the same needed the values only to say more.
        if !found.is_empty() {
            return;
        }
        if planned {
            self.by_values.insert(rule);
        }
        if running {
            self.by_running_values.insert(rule);
        }
    }
}

impl Unjudged {
    /// Whether all rules that lack values only warn about releases.
    fn only_warn(&self) -> bool {
        let mut ids = self.by_values.iter().chain(&self.by_running_values);
        ids.all(|id| {
            let rule = Rule::of(*id);
            rule.is_some_and(|rule| !rule.actions(Gate::Release).contains(&Action::Deny))
        })
    }
}

/// Whether the new values, and the running ones, were asked for and are unknown.
fn asked_for_values(change: &Change) -> (bool, bool) {
    let running = change.running_values.as_ref();
    let running = running.is_some_and(Values::take_asked);
    (change.values.take_asked(), running)
}

pub(super) fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    find(change, facts, &Unjudged::default())
}

/// Reports what could not be read.
pub(super) fn find(change: &Change, facts: &Facts, unjudged: &Unjudged) -> Vec<Finding> {
    let mut reasons: BTreeMap<&str, (BTreeSet<String>, BTreeSet<RuleId>)> = BTreeMap::new();
    for (place, gap) in facts.gaps().iter().enumerate() {
        let (what, rules) = reasons.entry(&gap.reason).or_default();
        what.insert(gap.what.to_string());
        rules.extend(unjudged.by_gap.get(&place).into_iter().flatten());
    }
    for (what, reason, without) in [
        ("the user's values", UNKNOWN_VALUES, &unjudged.by_values),
        (
            "the values of what runs",
            UNKNOWN_RUNNING_VALUES,
            &unjudged.by_running_values,
        ),
    ] {
        if !without.is_empty() {
            let (all, rules) = reasons.entry(reason).or_default();
            all.insert(what.to_owned());
            rules.extend(without);
        }
    }
    if reasons.is_empty() {
        return Vec::new();
    }
    let why = reasons.into_iter().flat_map(|(reason, (what, rules))| {
        let first = format!("  {}: {reason}", listed(&what));
        let mut rules: Vec<_> = rules.into_iter().map(RuleId::name).collect();
        rules.sort_unstable();
        let second = (!rules.is_empty()).then(|| format!("    not judged: {}", rules.join(", ")));
        [Some(first), second].into_iter().flatten()
    });
    vec![Finding {
        rule: RULE.id,
        action: match change.gate {
            // Nothing that they could have found would have refused.
            Gate::Release if facts.gaps().is_empty() && unjudged.only_warn() => Action::Warn,
            Gate::Release => Action::Deny,
            Gate::Object => Action::Warn,
        },
        title: "Not everything could be checked".to_owned(),
        objects: Vec::new(),
        why: why.collect(),
        fixes: vec![Fix::say(
            "Run the same command again once these can be read.",
        )],
        guide: RULE.guide,
    }]
}

/// A release has dozens of objects, and an API server that is gone takes them all along.
fn listed(what: &BTreeSet<String>) -> String {
    let named: Vec<_> = what.iter().take(NAMED).map(String::as_str).collect();
    match what.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
