//! What the chart itself warns of: `chart-warnings` (`CAMUNDA_CORPUS` for real charts).

use camunda_upgrade_guard::finding::Action;
use harness::Corpus;

use crate::{live::Upgrade, scene::Scene};

const RULE: &str = "chart-warnings";

fn warnings(text: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: camunda-camunda-platform-warnings, labels: {{app.kubernetes.io/part-of: camunda-platform}}}}
data:
  warnings: |-
    {}",
        text.replace('\n', "\n    ")
    )
}

const OLD: &str = "[camunda][warning] DEPRECATION: a.b is\n  old.";
const NEW: &str = "[camunda][warning] SECURITY: c.d is open.";

#[test]
fn what_is_new_is_told_once_on_one_line() {
    let both = format!("{OLD}\n\n{NEW}\n{OLD}");
    let first = Scene::upgrade("13.12.7", "14.8.4")
        .planned(&warnings(&both))
        .one(RULE);
    assert_eq!(first.action, Action::Warn);
    assert_eq!(
        first.title,
        "The chart warns: DEPRECATION: a.b is old. (and 1 more)"
    );
    assert_eq!(
        first.why,
        ["  DEPRECATION: a.b is old.", "  SECURITY: c.d is open."]
    );
    let known = Scene::upgrade("14.8.4", "14.8.4").running(&warnings(OLD));
    let next = known.clone().planned(&warnings(&both)).one(RULE);
    assert_eq!(next.title, "The chart warns: SECURITY: c.d is open.");
    assert!(!known.planned(&warnings(OLD)).rules().contains(&RULE));
}

#[test]
fn an_installation_is_left_to_helms_notes() {
    let installed = Scene::install("14.8.4").planned(&warnings(OLD));
    assert!(!installed.rules().contains(&RULE));
}

#[test]
fn a_long_warning_is_cut_in_the_title_only() {
    let long = format!("[camunda][warning] {}", "ä".repeat(500));
    let finding = Scene::upgrade("13.12.7", "14.8.4")
        .planned(&warnings(&long))
        .one(RULE);
    assert!(finding.title.chars().count() < 160, "{}", finding.title);
    assert_eq!(finding.why[0].trim().chars().count(), 500);
}

#[test]
fn real_charts_warn_of_what_their_values_are() {
    let Some(corpus) = Corpus::find() else { return };
    let upgrade = Upgrade::between(&corpus, "12.13.3-defaults", "13.12.7-migration");
    let findings = upgrade.findings();
    let found = findings.iter().find(|it| it.rule.name() == RULE).unwrap();
    assert!(
        found.title.starts_with("The chart warns: "),
        "{}",
        found.title
    );
    assert!(
        found.why.iter().all(|line| !line.contains("[camunda]")),
        "{:?}",
        found.why
    );
}
