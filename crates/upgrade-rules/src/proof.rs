//! A cure is judged before it is printed: its effects are applied to what is live, each through the rules on single objects, and the
//! change is judged again. What does not stand that is taken out, and the finding says what is to be decided instead.
//!
//! Only what the types tell is foretold: what calls of kubectl do to objects, and what becomes of values by the lines' data. Where
//! only the chart itself tells what it makes of a flag, the finding says so. What a script does is judged when it comes.

mod given;
mod live;
mod others;
mod pods;
mod unfit;

use serde_json::{Map, Value};

use self::{
    given::{Outcome, Upgraded},
    live::Live,
};
use crate::{
    change::{Change, Facts},
    denial,
    finding::{Action, Command, Finding, Fix, Moment, refuses},
    rules,
};

/// Takes the cures that the guard itself would refuse, that cost somebody something, or that cure nothing, out of findings.
pub fn prove(change: &Change, facts: &Facts, findings: &mut [Finding]) {
    prove_while(change, facts, findings, &|| true);
}

/// The same as long as `goes_on` says so; returns whether all cures were tried.
pub fn prove_while(
    change: &Change,
    facts: &Facts,
    findings: &mut [Finding],
    goes_on: &dyn Fn() -> bool,
) -> bool {
    if !refuses(findings) {
        return true;
    }
    let mut after = Live::of(change, facts);
    for index in in_order(findings) {
        if !goes_on() {
            return false;
        }
        let Some(finding) = findings.get_mut(index) else {
            continue;
        };
        other_ways(&after, finding);
        let mut trial = after.clone();
        match trial.type_all(commands(finding)) {
            Ok(()) => after = trial,
            Err(unfit) => decide(finding, &format!("What would cure this {unfit}.")),
        }
    }
    if !goes_on() {
        return false;
    }
    on_the_cluster(change, &after, findings);
    // What is given to the upgrade that is refused is not given to another one.
    if goes_on() && !findings.iter().any(denial::goes_another_way) {
        with_the_upgrade(change, facts, &after.facts(), findings);
    }
    goes_on()
}

const IN_VAIN: &str = "What is known to cure this does not do so here.";

/// What is said of a cure by flags that only the chart itself can prove.
const RUN_AGAIN: &str = "Only the chart tells what it makes of these flags. Where this is refused again, do what is printed then, and run it again.";

/// Judges again once all is typed that is typed on the cluster.
fn on_the_cluster(change: &Change, after: &Live<'_>, findings: &mut [Finding]) {
    let is_foretold =
        |finding: &Finding| cures_on_the_cluster(finding) && after.foretells(commands(finding));
    if !findings.iter().any(is_foretold) {
        return;
    }
    let mut left = rules::judge(change, &after.facts());
    left.retain(|left| left.action == Action::Deny);
    let others = left.iter().filter(|left| !given::refuses(findings, left));
    let others: Vec<_> = others.flat_map(|other| &other.objects).cloned().collect();
    for finding in findings.iter_mut().filter(|it| is_foretold(it)) {
        if given::refuses(&left, finding) || after.is_about(finding, &others) {
            decide(finding, IN_VAIN);
        }
    }
}

/// Judges what flags and files would do to the upgrade.
fn with_the_upgrade(change: &Change, facts: &Facts, after: &Facts, findings: &mut [Finding]) {
    let denied = findings.iter().filter(|it| it.action == Action::Deny);
    let denied: Vec<_> = denied.collect();
    let files = rules::values_files(change, facts);
    let giving = denied.iter().filter(|it| given::gives(&files, it));
    let giving: Vec<_> = giving.copied().cloned().collect();
    if giving.is_empty() {
        return;
    }
    let lacks_key = given::lacks_key(change, facts, after, &denied);
    let given: Vec<_> = giving
        .iter()
        .map(|finding| {
            let lacks = given::lacks(facts, &files, &denied, finding);
            let given = given::given(change, facts, &files, &denied, finding);
            (lacks.or_else(|| lacks_key.clone()), given)
        })
        .collect();
    // Most findings are cured by the same values.
    let mut upgraded: Vec<(&Map<String, Value>, Upgraded)> = Vec::new();
    for (giving, (lacks, given)) in giving.iter().zip(&given) {
        if upgraded.iter().all(|(known, _)| *known != given) {
            upgraded.push((given, Upgraded::of(change, facts, after, given)));
        }
        let of_these = upgraded.iter().find(|(known, _)| *known == given);
        let outcome = of_these.map(|(_, upgraded)| upgraded.outcome(change, giving));
        let Some(finding) = findings.iter_mut().find(|it| *it == giving) else {
            continue;
        };
        match (lacks, outcome) {
            (Some(unfit), _) => decide(finding, &format!("What would cure this {unfit}.")),
            (None, Some(Outcome::Refused)) => decide(finding, IN_VAIN),
            (None, Some(Outcome::Unknown)) => finding.why.push(RUN_AGAIN.to_owned()),
            (None, Some(Outcome::Cured) | None) => {}
        }
    }
}

/// Returns what is live once these commands are typed: what they do by calls of kubectl that the guard admits.
pub fn typed<'a>(
    change: &Change,
    facts: &Facts,
    commands: impl IntoIterator<Item = &'a Command>,
) -> Facts {
    let mut after = Live::of(change, facts);
    for effect in commands.into_iter().flat_map(Command::effects) {
        // What is refused changes nothing.
        let _ = after.apply(effect);
    }
    after.facts()
}

/// The places of the findings that refuse, in the order in which their cures are typed.
fn in_order(findings: &[Finding]) -> Vec<usize> {
    let refusing = findings.iter().enumerate();
    let refusing = refusing.filter(|(_, finding)| finding.action == Action::Deny);
    let mut places: Vec<_> = refusing
        .map(|(index, finding)| {
            let fixes: Vec<_> = finding.fixes.iter().collect();
            (denial::order(&fixes), index)
        })
        .collect();
    places.sort_unstable();
    places.into_iter().map(|(_, index)| index).collect()
}

/// Takes out the other ways that the guard would refuse. Each takes the place of a step, so none has effects on the others.
fn other_ways(live: &Live<'_>, finding: &mut Finding) {
    finding.fixes.retain(|fix| {
        fix.moment != Moment::Alternative || live.clone().type_all(&fix.commands).is_ok()
    });
}

/// Puts a decision in the place of a finding's cures.
fn decide(finding: &mut Finding, because: &str) {
    finding.fixes.retain(|fix| !fix.moment.cures());
    let rule = finding.rule;
    finding.fixes.insert(
        0,
        Fix::say(format!(
            "{because} Decide what is to be done; camunda-upgrade-guard explain {rule} says what there is."
        )),
    );
}

/// The commands that cure a finding before the upgrade.
fn commands(finding: &Finding) -> impl Iterator<Item = &Command> {
    let fixes = finding.fixes.iter();
    let before = fixes.filter(|fix| matches!(fix.moment, Moment::Before | Moment::BackUp));
    before.flat_map(|fix| &fix.commands)
}

/// Whether commands whose effects are known are all that a finding's cure takes, at least one of which changes something.
fn cures_on_the_cluster(finding: &Finding) -> bool {
    let mut fixes = finding.fixes.iter().filter(|fix| fix.moment.cures());
    let is_known = |command: &Command| {
        let core = command.core();
        matches!(
            core,
            Command::Kubectl(_) | Command::NewSecret(_) | Command::SecretKeys(_)
        )
    };
    finding.action == Action::Deny
        && fixes.all(|fix| fix.moment == Moment::Before && !fix.decides())
        && commands(finding).all(is_known)
        && commands(finding).any(|command| !command.effects().is_empty())
}
