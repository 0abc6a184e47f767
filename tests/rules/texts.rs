//! All that is printed of each real upgrade, and of the way from each release to the newest line, word for word (`CAMUNDA_CORPUS`).
//! A change of what people read shows in `tests/rules/texts/`; `INSTA_UPDATE=always` writes it anew.

use std::{cmp::Reverse, collections::BTreeSet, env, fs, path::Path};

use camunda_upgrade_guard::{
    change::Rendered,
    denial,
    forecast::InstalledRelease,
    plan::{Means, Plan},
    report::{Format, Report},
    rules::{self, Rule},
};
use harness::Corpus;
use insta::Settings;

use crate::{
    corpus_volumes::{live, newest, release},
    pairs::{PAIRS, upgrade},
    reports::printed,
    scene::explained,
};

/// The head of the page with the longest refusals.
const PAGE: &str = "# The longest refusals, as they are printed

`INSTA_UPDATE=always make test` writes this page. The names are those of the releases that the tests know.

A refusal has four parts:

* **The first line** says what is refused and why. Nothing was changed.
* **TYPE THIS** is one compound command for bash or zsh. It takes the chart and the values files from `CHART` and `VALUES`, stops at the
  first line that fails or waits for a decision, and may be pasted twice. It ends with the whole upgrade.
* **WHY** has a paragraph for each problem, with the rule's id (`camunda-upgrade-guard explain ID`), other ways to cure it, and a link.
  What is cured along with a problem above is told in a sentence.
* **ON PURPOSE** is what gives something up, each line behind a comment sign. The last of it is the override.
";

/// The newest chart that is known.
const NEWEST: &str = "14.8.4";

pub fn as_before(name: &str, text: &str) {
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

/// The page of the longest ones is written from what is printed.
#[test]
fn the_longest_refusals_are_shown_as_they_are_printed() {
    let Some(corpus) = Corpus::find() else { return };
    let refusals = PAIRS.iter().filter_map(|(from, to)| {
        let (change, facts) = upgrade(&corpus, from, to);
        let findings = explained(rules::judge(&change, &facts));
        let message = denial::message(&change, &findings)?;
        Some((format!("{from} to {to}"), message))
    });
    let mut refusals: Vec<_> = refusals.collect();
    refusals.sort_by_key(|(name, text)| (Reverse(text.lines().count()), name.clone()));
    let mut page = PAGE.to_owned();
    for (name, text) in &refusals[..5] {
        page += &format!("\n## {name}\n\n````text\n{text}\n````\n");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/refusals.md");
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&file, &page).unwrap();
    }
    let told = "INSTA_UPDATE=always writes docs/refusals.md anew";
    assert_eq!(fs::read_to_string(&file).unwrap(), page, "{told}");
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
            ..Means::default()
        };
        let (facts, to) = (live(&running), NEWEST.parse().unwrap());
        let plan = Plan::of(&standing, &facts, &to, means, &newest()).unwrap();
        let texts = format!("{plan}\n{}", plan.script());
        as_before(&format!("plan--{from}"), &texts);
    }
}
