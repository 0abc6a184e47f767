//! A cure that the guard itself would refuse, or that cures nothing, is not printed: a decision takes its place.

mod cases;
mod demands;
mod edits;
mod generated;
mod steps;

use camunda_upgrade_guard::{
    change::{Change, Facts},
    finding::{Action, Finding, Fix, Kubectl, Moment, Objects},
    kubernetes::Kind,
    proof::prove,
    rules,
};
use harness::Corpus;

use crate::{
    pairs::{PAIRS, upgrade},
    scene::{Scene, claim, statefulset},
};

const DATA: &str = "data-camunda-zeebe-0";
const BROKERS: &str = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker, app.kubernetes.io/instance: camunda";

fn proved(change: &Change, facts: &Facts, findings: &[Finding]) -> Vec<Finding> {
    let mut proved = findings.to_vec();
    prove(change, facts, &mut proved);
    proved
}

#[test]
fn what_is_printed_for_real_upgrades_stands() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to) in PAIRS {
        let (change, facts) = upgrade(&corpus, from, to);
        let findings = rules::judge(&change, &facts);
        for (before, after) in findings.iter().zip(proved(&change, &facts, &findings)) {
            assert_eq!(before.fixes, after.fixes, "{from} to {to}: {}", before.rule);
        }
    }
}

fn with_brokers(cure: Kubectl) -> (Vec<Finding>, Vec<Finding>) {
    let brokers = statefulset("camunda-zeebe", "data", BROKERS, 1);
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .running(&brokers)
        .live(&claim(DATA, "Bound", BROKERS));
    let (change, facts) = scene.judged();
    let mut findings = rules::judge(&change, &facts);
    findings.retain(|finding| finding.action == Action::Deny);
    let give_up = Fix::on_purpose("Give up:", [cure.clone()]);
    findings[0].fixes = vec![Fix::new("Do:", [cure]), give_up];
    let proved = proved(&change, &facts, &findings);
    (findings, proved)
}

#[test]
fn a_cure_that_the_guard_refuses_is_not_printed() {
    let claims = Objects::new(Kind::PersistentVolumeClaim, "prod", [DATA]);
    let (before, proved) = with_brokers(claims.delete());
    let [decide, give_up] = &proved[0].fixes[..] else {
        panic!("{:?}", proved[0].fixes)
    };
    assert_eq!(decide.moment, Moment::Decide);
    assert!(
        decide.intro.contains("is refused by claim-deleted"),
        "{}",
        decide.intro
    );
    // What only somebody decides on is none of it.
    assert_eq!(give_up, &before[0].fixes[1]);
}

/// The nearest good case: what is looked at or waited for changes nothing, and stays.
#[test]
fn a_call_that_changes_nothing_stays() {
    let look = Kubectl::new("prod", ["get", "pvc"]);
    let (before, proved) = with_brokers(look);
    assert_eq!(before, proved);
}
