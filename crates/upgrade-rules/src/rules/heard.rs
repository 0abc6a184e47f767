//! Which finding stands for which.
//!
//! Some rules see the same problem from two sides, and one of them has the better cure: the other yields to it. It does so only
//! to what is heard in the end: a rule that is off, only warns or is overridden takes no refusal of another along.

use super::{NOT_CHECKED, Rule, not_checked::Unjudged};
use crate::{
    change::{Change, Facts, ObjectChange},
    finding::{Action, Finding},
    kubernetes::{Kind, Mounts, ObjectRef},
};

/// How what a rule finds counts in the end; nothing where it is not told at all.
pub type Counting<'a> = &'a dyn Fn(&'static str, Action) -> Option<Action>;

/// Each rule counts as it does by default.
pub fn by_default(_: &'static str, action: Action) -> Option<Action> {
    Some(action)
}

/// A rule that leaves to others what they find too.
pub(super) struct Yields {
    /// The rule.
    pub(super) rule: &'static str,
    /// The rules whose findings stand for its own.
    pub(super) to: &'static [&'static str],
    /// What it finds beside what is heard of those.
    pub(super) judge: fn(&Change, &Facts, &Heard<'_>) -> Vec<Finding>,
}

/// What is heard of the rules that a rule yields to.
#[derive(Default)]
pub(super) struct Heard<'a> {
    on: Vec<&'static str>,
    findings: Vec<&'a Finding>,
}

impl Heard<'_> {
    /// Nothing: what a rule finds by itself.
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    /// Whether a rule would be heard, should it find anything.
    pub(super) fn hears(&self, rule: &str) -> bool {
        self.on.contains(&rule)
    }

    /// Whether a rule has found something.
    pub(super) fn by(&self, rule: &str) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }

    /// What is heard of one of them.
    pub(super) fn of(&self, rule: &str) -> Self {
        let findings = self.findings.iter().copied();
        Self {
            on: self.on.clone(),
            findings: findings.filter(|finding| finding.rule == rule).collect(),
        }
    }

    /// Whether something that was found names an object.
    pub(super) fn names(&self, object: &ObjectRef) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.objects.contains(object))
    }

    /// Whether something that was found names an object or a claim that it mounts.
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

/// What rules find, in the order of the table.
pub(super) fn judge(
    rules: &[Rule],
    yields: &[Yields],
    change: &Change,
    facts: &Facts,
    counts: Counting<'_>,
    unjudged: &mut Unjudged,
) -> Vec<Finding> {
    let yields_of = |rule: &Rule| yields.iter().find(|it| it.rule == rule.id);
    // What could not be read is told once all have judged.
    let mut found: Vec<_> = rules
        .iter()
        .map(|rule| (rule.id == NOT_CHECKED).then(Vec::new))
        .collect();
    // Whoever yields judges after those that it yields to.
    while let Some(next) = next(rules, yields, &found) {
        let rule = &rules[next];
        let judged = match yields_of(rule) {
            None => (rule.judge)(change, facts),
            Some(yields) => beside(yields, rules, &found, change, facts, counts),
        };
        unjudged.note(rule.id, change, facts, &judged);
        found[next] = Some(judged);
    }
    found.into_iter().flatten().flatten().collect()
}

/// The first rule that is to judge and waits for no other.
fn next(rules: &[Rule], yields: &[Yields], found: &[Option<Vec<Finding>>]) -> Option<usize> {
    let open = |at: usize| found.get(at).is_some_and(Option::is_none);
    let waits = |at: usize| {
        let to = yields.iter().find(|it| it.rule == rules[at].id);
        let to = to.map_or(&[][..], |it| it.to);
        let mut others = (0..rules.len()).filter(|other| to.contains(&rules[*other].id));
        others.any(open)
    };
    let mut all = (0..rules.len()).filter(|at| open(*at));
    all.clone().find(|at| !waits(*at)).or_else(|| all.next())
}

/// A refusal yields only to refusals; where nothing is left to refuse, a warning yields to warnings too.
fn beside(
    yields: &Yields,
    rules: &[Rule],
    found: &[Option<Vec<Finding>>],
    change: &Change,
    facts: &Facts,
    counts: Counting<'_>,
) -> Vec<Finding> {
    let heard = |least: Action| Heard {
        on: yields
            .to
            .iter()
            .copied()
            .filter(|rule| counts(rule, least) >= Some(least))
            .collect(),
        findings: rules
            .iter()
            .zip(found)
            .filter(|(rule, _)| yields.to.contains(&rule.id))
            .flat_map(|(_, found)| found.iter().flatten())
            .filter(|finding| counts(finding.rule, finding.action) >= Some(least))
            .collect(),
    };
    let judged = (yields.judge)(change, facts, &heard(Action::Deny));
    let refuses = |finding: &Finding| counts(finding.rule, finding.action) == Some(Action::Deny);
    match judged.is_empty() || judged.iter().any(refuses) {
        true => judged,
        false => (yields.judge)(change, facts, &heard(Action::Warn)),
    }
}
