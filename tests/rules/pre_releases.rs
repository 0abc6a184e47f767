//! The data of an alpha goes nowhere: `pre-release`.

use camunda_upgrade_guard::finding::Action;

use crate::scene::Scene;

const RULE: &str = "pre-release";

fn brokers(tag: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: camunda-zeebe, labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker}}}}
spec: {{replicas: 3, template: {{spec: {{containers: [{{image: \"camunda/camunda:{tag}\"}}]}}}}}}"
    )
}

fn scene(before: &str, after: &str) -> Scene {
    Scene::upgrade("14.0.0", "14.8.4")
        .running(&brokers(before))
        .planned(&brokers(after))
}

fn left(scene: &Scene) -> String {
    let finding = scene.one(RULE);
    assert_eq!(finding.action, Action::Warn);
    assert_eq!(finding.fixes.len(), 1, "{finding:?}");
    finding.title
}

#[test]
fn the_data_of_a_pre_release_is_not_upgraded() {
    assert_eq!(
        left(&scene("8.9.0-alpha4", "8.9.0")),
        "The data of 8.9.0-alpha4, a pre-release, would be upgraded to 8.9.0"
    );
    assert_eq!(
        left(&scene("8.9.0-alpha4", "8.9.0@sha256:00")),
        "The data of 8.9.0-alpha4, a pre-release, would be upgraded to 8.9.0"
    );
    left(&scene("8.9.0-alpha4", "8.9.0-alpha5"));
    left(&scene("8.9.0-rc1", "8.9-SNAPSHOT"));
    // An upgrade that failed may have brought it up.
    left(&scene("8.8.20", "8.9.2").live(&brokers("8.9.0-alpha4")));
}

#[test]
fn what_was_never_a_pre_release_passes() {
    for (before, after) in [
        ("8.9.0", "8.9.2"),
        ("8.9.0-alpha4", "8.9.0-alpha4"),
        ("8.9-SNAPSHOT", "8.9-SNAPSHOT"),
    ] {
        assert!(
            !scene(before, after).rules().contains(&RULE),
            "{before} {after}"
        );
    }
    let back = scene("8.9.0-alpha4", "8.8.20").rollback();
    assert!(!back.rules().contains(&RULE));
}

/// Chart 14.0.0 does so by its own defaults.
#[test]
fn whoever_enters_one_is_told_before() {
    let entered = scene("8.9.2", "8.10.0-alpha4").one(RULE);
    assert_eq!(entered.action, Action::Warn);
    assert!(
        entered
            .title
            .starts_with("Camunda 8.10.0-alpha4 is a pre-release")
    );
    let installed = Scene::install("14.8.4").planned(&brokers("8.9.0-alpha4"));
    assert_eq!(installed.one(RULE).action, Action::Warn);
}
