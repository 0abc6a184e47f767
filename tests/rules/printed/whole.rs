//! The block of a refusal, pasted whole: it begins with nothing while it lacks what only a person knows, the guard refuses none of
//! its commands, and pasted twice it does no harm.

use camunda_upgrade_guard::{
    change::{Change, Facts},
    denial::{self, Block},
    finding::{Action, Finding, Moment},
    rules,
};
use harness::Corpus;

use super::{
    block::{self, Call},
    kubectl,
    stage::Stage,
};
use crate::pairs::{PAIRS, upgrade};

/// What the API server takes for a message of a webhook is far more; this is what a person reads.
const LARGEST: usize = 16 * 1024;

/// What gives something up.
const GIVING_UP: [&str; 4] = [
    "allow-orphan",
    "allow-deletion",
    "allow-brokers",
    "-override-",
];

/// A refusal of the matrix.
struct Refusal {
    of: String,
    change: Change,
    facts: Facts,
    findings: Vec<Finding>,
}

fn refusals() -> Vec<Refusal> {
    let Some(corpus) = Corpus::find() else {
        return Vec::new();
    };
    let all = PAIRS.iter().map(|(from, to)| {
        let (change, facts) = upgrade(&corpus, from, to);
        Refusal {
            of: format!("{from} to {to}"),
            findings: rules::judge(&change, &facts),
            change,
            facts,
        }
    });
    let refusals: Vec<_> = all.filter(|it| !it.denied().is_empty()).collect();
    assert!(refusals.len() > 25, "{}", refusals.len());
    refusals
}

impl Refusal {
    fn denied(&self) -> Vec<&Finding> {
        let findings = self.findings.iter();
        findings.filter(|it| it.action == Action::Deny).collect()
    }

    fn block(&self) -> Option<Block> {
        Block::of(&self.change, &self.findings)
    }
}

fn is_upgrade(call: &Call) -> bool {
    call.words[..2] == ["helm", "upgrade"]
}

/// A block that went on would upgrade with half of what it takes.
#[test]
fn a_block_stops_at_whatever_fails() {
    for refusal in refusals() {
        let Some(block) = refusal.block() else {
            continue;
        };
        let given = block::given(&block.script);
        for number in 1.. {
            let number = number.to_string();
            let fails = [("FAIL", number.as_str())];
            let variables = given.iter().map(|(name, value)| (name.as_str(), *value));
            let (calls, error) = block::run_with(&block.script, variables.chain(fails)).unwrap();
            let failed = calls.iter().position(|call| call.words == ["failed"]);
            let Some(failed) = failed else {
                assert_eq!(error, None, "{}", refusal.of);
                break;
            };
            let of = format!("{}, call {number}: {}", refusal.of, block.script);
            assert!(error.is_some(), "it goes on: {of}");
            assert_eq!(calls[failed + 1..].len(), 0, "{calls:#?}: {of}");
        }
    }
}

#[test]
fn nothing_is_begun_before_chart_and_values_are_set() {
    for refusal in refusals() {
        let Some(block) = refusal.block() else {
            continue;
        };
        let (calls, error) = block::run_with(&block.script, []).unwrap();
        let error = error.unwrap_or_default();
        assert!(
            error.contains("CHART: set it to the chart"),
            "{}: {error}",
            refusal.of
        );
        assert!(calls.is_empty(), "{}: {calls:?}", refusal.of);
        let gives = block.script.contains(" -f \"$VALUES\"");
        let (calls, error) = block::run_with(&block.script, [("CHART", "chart")]).unwrap();
        assert_eq!(
            error.unwrap_or_default().contains("VALUES: set it to"),
            gives,
            "{}",
            refusal.of
        );
        assert!(!gives || calls.is_empty(), "{}: {calls:?}", refusal.of);
    }
}

#[test]
fn a_block_is_admitted_and_may_be_pasted_twice() {
    for refusal in refusals() {
        let Some(block) = refusal.block() else {
            continue;
        };
        let (of, script) = (&refusal.of, &block.script);
        let twice = block::run(&format!("{script}\n{script}"));
        let calls = twice.unwrap_or_else(|error| panic!("{of}: {error}\n{script}"));
        assert!(calls.last().is_some_and(is_upgrade), "{of}: {script}");
        let mut stage = Stage::of(&refusal.facts);
        for call in calls.iter().filter(|call| !is_upgrade(call)) {
            if let Err(error) = kubectl::apply(&mut stage, call) {
                panic!("{of}: {error}\n{}", call.words.join(" "));
            }
        }
    }
}

/// What is cured on the cluster alone is cured.
#[test]
fn what_a_block_cures_is_not_refused_again() {
    let mut cured = 0;
    for refusal in refusals() {
        let Some(block) = refusal.block() else {
            continue;
        };
        let mut stage = Stage::of(&refusal.facts);
        for call in block::run(&block.script).unwrap() {
            if !is_upgrade(&call) {
                kubectl::apply(&mut stage, &call).unwrap();
            }
        }
        let left = rules::judge(&refusal.change, &stage.live.facts());
        let on_the_cluster = |finding: &&&Finding| {
            let mut fixes = finding.fixes.iter().filter(|fix| fix.moment.cures());
            fixes.all(|fix| fix.moment == Moment::Before && !fix.decides())
        };
        // A Job that is waited for is complete then, which nothing here can bring about.
        let denied = refusal.denied();
        let told = denied
            .iter()
            .filter(on_the_cluster)
            .filter(|it| it.rule.name() != "migration-unfinished");
        for finding in told.filter(|finding| !finding.fixes.is_empty()) {
            cured += 1;
            let again = left.iter().any(|it| {
                it.rule == finding.rule
                    && it.objects == finding.objects
                    && it.action == Action::Deny
            });
            assert!(!again, "{}: {} is refused again", refusal.of, finding.rule);
        }
    }
    assert!(cured > 5 || Corpus::find().is_none(), "{cured}");
}

#[test]
fn nothing_is_given_up_by_pasting_and_all_of_it_is_read_in_one_go() {
    for refusal in refusals() {
        let (of, text) = (
            &refusal.of,
            denial::message(&refusal.change, &refusal.findings).unwrap(),
        );
        if let Some(block) = refusal.block() {
            assert!(text.contains(&block.script), "{of}: {text}");
            for word in GIVING_UP {
                assert!(
                    !block.script.contains(word),
                    "{of}: {word}: {}",
                    block.script
                );
            }
        }
        let (_, ways) = text.split_once("\nON PURPOSE").unwrap_or_default();
        let mut lines = ways.lines().skip(1);
        assert!(lines.all(|line| line.starts_with('#')), "{of}: {ways}");
        assert!(text.len() <= LARGEST, "{of}: {} bytes", text.len());
    }
}
