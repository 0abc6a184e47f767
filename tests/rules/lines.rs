//! What every change of line is told: `upgrade-path-not-latest-patch`, `backup-first` and `release-notes`.

use camunda_upgrade_guard::finding::Action;

use crate::scene::Scene;

#[test]
fn other_patches_than_the_newest_are_named() {
    const RULE: &str = "upgrade-path-not-latest-patch";
    let finding = Scene::upgrade("8.1.0", "8.2.9").one(RULE);
    assert_eq!(finding.action, Action::Warn);
    assert_eq!(finding.why.len(), 2);
    assert!(
        finding.why[0].contains("8.1.27 of 2024-04"),
        "{:?}",
        finding.why
    );
    assert!(finding.why[1].contains("8.2.34"), "{:?}", finding.why);
    for (from, to) in [
        ("8.1.27", "8.2.34"),
        ("11.12.9", "12.14.0"),
        ("8.2.3", "8.2.9"),
    ] {
        assert!(
            !Scene::upgrade(from, to).rules().contains(&RULE),
            "{from} to {to}"
        );
    }
}

#[test]
fn a_change_of_line_wants_a_backup() {
    const RULE: &str = "backup-first";
    let finding = Scene::upgrade("12.13.3", "13.12.7").one(RULE);
    assert_eq!(finding.action, Action::Warn);
    assert_eq!(finding.title, "Back up before Camunda 8.7 becomes 8.8");
    assert!(Scene::upgrade("12.0.0", "12.13.3").rules().is_empty());
    assert!(
        !Scene::upgrade("13.12.7", "12.13.3")
            .rollback()
            .rules()
            .contains(&RULE)
    );
    assert!(Scene::install("13.12.7").rules().is_empty());
}

#[test]
fn each_crossed_section_is_a_line() {
    let sections = |from, to| -> Vec<String> {
        let findings = Scene::upgrade(from, to).findings();
        findings
            .into_iter()
            .filter(|finding| finding.rule.name() == "release-notes")
            .map(|finding| finding.title.split(' ').nth(2).unwrap().to_owned())
            .collect()
    };
    assert_eq!(sections("8.1.27", "8.2.34"), ["8.2.0", "8.2.3", "8.2.9"]);
    assert_eq!(sections("8.2.8", "8.3.0"), ["8.2.9", "8.3.0"]);
    assert_eq!(sections("8.3.1", "9.3.6"), ["9.0.0", "9.3.0"]);
    assert_eq!(sections("12.13.3", "13.0.0-alpha8"), ["13.0.0"; 3]);
    assert!(sections("8.2.0", "8.2.34").is_empty());
    assert!(sections("9.3.7", "8.3.1").is_empty());
}
