//! From every line of the corpus to every other: what may not be jumped over, and from where there is no way back. And every record
//! where nothing was before it (`CAMUNDA_CORPUS`).

use camunda_upgrade_guard::{
    camunda::Line,
    change::{Change, Facts, Rendered},
    finding::Action,
    report::{Format, Report},
    rules,
};
use harness::Corpus;

use crate::{
    corpus_versions::{change, csi},
    corpus_volumes::{newest, release},
    reports::printed,
};

const RECORDS: [&str; 9] = [
    "8.0.12",
    "8.1.27",
    "8.2.34",
    "8.3.1",
    "9.3.7",
    "10.0.2",
    "12.13.3",
    "13.12.7-identity",
    "14.0.0-identity",
];

const SKIPPED: &str = "upgrade-path-skipped";
const DOWNGRADE: &str = "downgrade";

/// The place of a record's line in upgrade order.
fn position(corpus: &Corpus, name: &str) -> usize {
    let version = corpus.record(name).unwrap().version;
    Line::of(&version).unwrap().position()
}

#[test]
fn every_skip_and_every_way_back_is_refused_and_no_other_way_is_one() {
    let Some(corpus) = Corpus::find() else { return };
    let lines = RECORDS.map(|name| (name, position(&corpus, name)));
    for (from, start) in lines {
        for (to, end) in lines {
            let (change, facts) = change(&corpus, from, to, "pending-upgrade", &csi());
            let findings = rules::judge(&change, &facts);
            let refused = |rule| {
                let mut denied = findings.iter().filter(|it| it.action == Action::Deny);
                denied.any(|it| it.rule.name() == rule)
            };
            let (jump, back) = (refused(SKIPPED), refused(DOWNGRADE));
            assert_eq!(
                (jump, back),
                (end > start + 1, end < start),
                "{from} to {to}"
            );
            if jump {
                let report = Report::new(change, findings, "camunda.yaml");
                let text = printed(&report, Format::Text, false);
                let patches = newest();
                let next = patches.of(&Line::all()[start + 1]).version;
                assert!(text.contains(next), "{from} to {to}: {text}");
            }
        }
    }
}

/// Every record installs without a word, unless it is to migrate what is not there, or runs what its chart was not made for.
#[test]
fn a_first_install_of_any_record() {
    let Some(corpus) = Corpus::find() else { return };
    for name in corpus.names().unwrap() {
        let next = release(&corpus, &name, "pending-install");
        let rendered = Rendered::of(&next, None);
        let change = Change::of_release(&next, &rendered, None).unwrap();
        let findings = rules::judge(&change, &Facts::default());
        let mut told: Vec<_> = findings
            .iter()
            .map(|it| (it.rule.name(), it.action))
            .collect();
        told.dedup();
        let expected = if next.manifest.contains("bin/data-migration") {
            vec![("data-migration-on-install", Action::Deny)]
        } else if name.ends_with("-images-of-8.4") && !name.starts_with("11.") {
            vec![("images-of-another-line", Action::Warn)]
        } else if next.manifest.contains("camunda/camunda:8.9.0-alpha") {
            vec![("pre-release", Action::Warn)]
        } else {
            Vec::new()
        };
        assert_eq!(told, expected, "{name}");
    }
}
