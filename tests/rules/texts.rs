//! All that is printed of each real upgrade, and of the way from each release to the newest line, word for word (`CAMUNDA_CORPUS`).
//! A change of what people read shows in `tests/rules/texts/`; `INSTA_UPDATE=always` writes it anew.

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    camunda::NewestPatches,
    change::Rendered,
    forecast::InstalledRelease,
    plan::{Means, Plan},
    report::{Format, Report},
    rules::{self, Rule},
};
use harness::Corpus;
use insta::Settings;

use crate::{
    corpus_volumes::{live, release},
    pairs::{PAIRS, upgrade},
    reports::printed,
};

/// The newest chart that is known.
const NEWEST: &str = "14.8.4";

fn as_before(name: &str, text: &str) {
    // What the corpus has in place of passwords.
    assert!(!text.contains("CANARY"), "{name}: {text}");
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path("texts");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn upgrades_are_told_as_before() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to) in PAIRS {
        let (change, facts) = upgrade(&corpus, from, to);
        let findings = rules::judge(&change, &facts);
        for finding in &findings {
            let rule = Rule::of(finding.rule).unwrap();
            assert!(rule.release.contains(&finding.action), "{finding:?}");
        }
        let report = Report::new(change, findings, "camunda.yaml");
        let texts = [Format::Text, Format::Json].map(|format| printed(&report, format, false));
        as_before(&format!("{from}--{to}"), &texts.join("\n"));
    }
}

#[test]
fn plans_are_told_as_before() {
    let Some(corpus) = Corpus::find() else { return };
    let from: BTreeSet<_> = PAIRS.iter().map(|(from, _)| from).collect();
    for from in from {
        let running = Rendered::of(&release(&corpus, from, "deployed"), None);
        let standing = InstalledRelease::of("camunda", "camunda", running.clone()).unwrap();
        let means = Means {
            chart: "camunda/camunda-platform".to_owned(),
            values: vec!["values.yaml".to_owned()],
        };
        let (facts, to) = (live(&running), NEWEST.parse().unwrap());
        let plan = Plan::of(&standing, &facts, &to, means, &NewestPatches::default()).unwrap();
        let texts = format!("{plan}\n{}", plan.script());
        as_before(&format!("plan--{from}"), &texts);
    }
}
