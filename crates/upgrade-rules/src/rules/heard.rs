//! Decides which finding replaces which.
//!
//! Some rules see the same problem from two sides, and one of them has the better fix: the other yields to it. It yields only to
//! findings that count in the end: a rule that is off, only warns or is overridden does not silence another rule's refusal.

use super::{Judge, NOT_CHECKED, Rule, not_checked::Unjudged};
use crate::{
    change::{Change, Facts, ObjectChange},
    finding::{Action, Finding, RuleId},
    kubernetes::{Kind, Mounts, ObjectRef},
};

/// Maps a rule's finding to its final action; `None` if it is not reported.
pub type Counting<'a> = &'a dyn Fn(RuleId, Action) -> Option<Action>;

/// Each rule counts as it does by default.
pub fn by_default(_: RuleId, action: Action) -> Option<Action> {
    Some(action)
}

/// The reported findings of the rules that a rule yields to.
#[derive(Default)]
pub(super) struct Heard<'a> {
    on: Vec<RuleId>,
    findings: Vec<&'a Finding>,
}

impl Heard<'_> {
    /// Whether a finding of this rule would be reported.
    pub(super) fn hears(&self, rule: RuleId) -> bool {
        self.on.contains(&rule)
    }

    /// Whether a rule has reported something.
    pub(super) fn by(&self, rule: RuleId) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }

    /// Returns only the findings of one rule.
    pub(super) fn of(&self, rule: RuleId) -> Self {
        let findings = self.findings.iter().copied();
        Self {
            on: self.on.clone(),
            findings: findings.filter(|finding| finding.rule == rule).collect(),
        }
    }

    /// Whether a reported finding names an object.
    pub(super) fn names(&self, object: &ObjectRef) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.objects.contains(object))
    }

    /// Whether a reported finding names an object or a claim that it mounts.
    pub(super) fn covers(&self, object: &ObjectChange) -> bool {
        let namespace = &object.object.namespace;
        let sides = [&object.running, &object.planned];
        let mounts = || sides.into_iter().flatten().map(|it| Mounts::of(it));
        let is_mounted = |claim: &ObjectRef| {
            claim.kind == Kind::PersistentVolumeClaim
                && claim.namespace == *namespace
                && mounts().any(|mounts| mounts.parse(&claim.name).is_some())
        };
        self.names(&object.object)
            || self
                .findings
                .iter()
                .flat_map(|finding| &finding.objects)
                .any(is_mounted)
    }
}

/// Runs the rules; returns their findings in the order of the table, or `None` once `goes_on` says no.
pub(super) fn judge(
    rules: &[Rule],
    change: &Change,
    facts: &Facts,
    counts: Counting<'_>,
    unjudged: &mut Unjudged,
    goes_on: &dyn Fn() -> bool,
) -> Option<Vec<Finding>> {
    let mut found: Vec<_> = rules.iter().map(|_| Vec::new()).collect();
    for at in order(rules) {
        let rule = &rules[at];
        // What could not be read is told once all have judged.
        if rule.id == NOT_CHECKED || rule.actions(change.gate).is_empty() {
            continue;
        }
        if !goes_on() {
            return None;
        }
        let judged = match &rule.judge {
            Judge::Alone(judge) => judge(change, facts),
            Judge::Beside { others, judge } => {
                let theirs = rules.iter().zip(&found);
                let theirs = theirs.filter(|(other, _)| others.contains(&other.id));
                let theirs: Vec<_> = theirs.flat_map(|(_, found)| found).collect();
                beside(&theirs, others, counts, |heard| judge(change, facts, heard))
            }
        };
        unjudged.note(rule.id, change, facts, &judged);
        found[at] = judged;
    }
    Some(found.into_iter().flatten().collect())
}

/// Orders the rules so that each runs after those that it yields to.
fn order(rules: &[Rule]) -> Vec<usize> {
    let mut order = Vec::with_capacity(rules.len());
    let mut left: Vec<_> = (0..rules.len()).collect();
    while !left.is_empty() {
        let open: Vec<_> = left.iter().map(|at| rules[*at].id).collect();
        let waits = |at: &usize| rules[*at].yields_to().iter().any(|to| open.contains(to));
        let (waiting, ready): (Vec<_>, Vec<_>) = left.into_iter().partition(waits);
        if ready.is_empty() {
            order.extend(waiting);
            break;
        }
        order.extend(ready);
        left = waiting;
    }
    order
}

/// A refusal yields only to refusals; where nothing is left to refuse, a warning yields to warnings too.
fn beside(
    theirs: &[&Finding],
    others: &'static [RuleId],
    counts: Counting<'_>,
    judge: impl Fn(&Heard<'_>) -> Vec<Finding>,
) -> Vec<Finding> {
    let heard = |least: Action| {
        let on = others.iter().copied();
        let findings = theirs.iter().copied();
        Heard {
            on: on
                .filter(|rule| counts(*rule, least) >= Some(least))
                .collect(),
            findings: findings
                .filter(|finding| counts(finding.rule, finding.action) >= Some(least))
                .collect(),
        }
    };
    let judged = judge(&heard(Action::Deny));
    let refuses = |finding: &Finding| counts(finding.rule, finding.action) == Some(Action::Deny);
    match judged.is_empty() || judged.iter().any(refuses) {
        true => judged,
        false => judge(&heard(Action::Warn)),
    }
}
