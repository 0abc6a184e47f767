//! `partitions-changed` (`CAMUNDA_CORPUS` for real charts).

use camunda_upgrade_guard::finding::{Action, Finding};
use harness::Corpus;
use serde_json::{Value, json};

use crate::{
    applications::cluster,
    live::Upgrade,
    scene::{Scene, commands},
};

const RULE: &str = "partitions-changed";

/// The brokers' file of 12 or of 13.
fn brokers(line: u32, partitions: &str, replicas: u32) -> String {
    let file = match line {
        12 => format!("zeebe: {{broker: {{cluster: {{partitionsCount: \"{partitions}\"}}}}}}"),
        _ => format!("camunda: {{cluster: {{partition-count: \"{partitions}\"}}}}"),
    };
    cluster(&file, "env: []").replace(
        "spec:\n  template",
        &format!("spec:\n  replicas: {replicas}\n  template"),
    )
}

fn by_variable(partitions: u32) -> String {
    cluster(
        "a: b",
        &format!("env: [{{name: ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT, value: \"{partitions}\"}}]"),
    )
}

fn one(scene: &Scene) -> Finding {
    let finding = scene.one(RULE);
    assert_eq!(finding.action, Action::Warn);
    finding
}

#[test]
fn partitions_can_not_be_taken_away() {
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .running(&brokers(12, "3", 3))
        .planned(&brokers(12, "1", 3))
        .values(Value::Null, json!({"zeebe": {"partitionCount": "1"}}));
    let finding = one(&scene);
    assert_eq!(finding.title, "Zeebe's partitions would go from 3 to 1");
    assert_eq!(finding.why[1], "Your values set zeebe.partitionCount to 1.");
    assert_eq!(commands(&finding).len(), 1);
    assert!(commands(&finding)[0].contains("zeebe.partitionCount=3"));
    // In the environment, as up to 9.
    one(&Scene::upgrade("8.2.3", "8.2.34")
        .running(&by_variable(5))
        .planned(&by_variable(3)));
    // By the default of a chart that reads another key.
    let dropped = Scene::upgrade("12.13.3", "13.12.7")
        .running(&brokers(12, "5", 3))
        .planned(&brokers(13, "3", 3))
        .values(
            json!({"zeebe": {"partitionCount": 5}}),
            json!({"zeebe": {"partitionCount": 5}}),
        );
    let finding = one(&dropped);
    assert!(
        finding.why[1].contains("was given zeebe.partitionCount"),
        "{:?}",
        finding.why
    );
    assert!(commands(&finding)[0].contains("orchestration.partitionCount=5"));
}

#[test]
fn partitions_are_added_by_zeebe_itself() {
    let raised = |line, version, replicas| {
        let scene = Scene::upgrade(version, version).running(&brokers(line, "1", 1));
        one(&scene.planned(&brokers(line, "3", replicas)))
    };
    let finding = raised(12, "12.13.3", 3);
    assert!(
        finding.why[0].contains("fixed when a cluster first starts"),
        "{:?}",
        finding.why
    );
    assert!(
        finding.why[1].contains("leaves the new ones without partitions"),
        "{:?}",
        finding.why
    );
    let finding = raised(13, "13.12.7", 1);
    assert!(finding.why[0].contains("cluster API"), "{:?}", finding.why);
    assert_eq!(finding.why.len(), 1);
}

#[test]
fn as_many_as_before_pass() {
    let silent = |scene: &Scene| assert!(!scene.rules().contains(&RULE), "{:?}", scene.rules());
    let scene = Scene::upgrade("12.13.3", "12.13.3").running(&brokers(12, "3", 3));
    silent(&scene.clone().planned(&brokers(12, "3", 5)));
    silent(&scene.clone().planned(&brokers(12, "1", 3)).rollback());
    silent(
        &Scene::upgrade("12.13.3", "13.12.7")
            .running(&brokers(12, "3", 3))
            .planned(&brokers(13, "3", 3)),
    );
    silent(&Scene::install("13.12.7").planned(&brokers(13, "5", 5)));
    // What nobody can read tells nothing.
    silent(&scene.planned(&brokers(12, "${COUNT}", 3)));
}

#[test]
fn a_real_chart_with_one_partition() {
    let Some(corpus) = Corpus::find() else { return };
    let upgrade = Upgrade::between(&corpus, "12.13.3-one-partition", "12.13.3-three-partitions");
    assert_eq!(
        upgrade.refusing(),
        Vec::<&str>::new(),
        "{}",
        upgrade.refusal()
    );
    let titles = |upgrade: &Upgrade| -> Vec<String> {
        let findings = upgrade.findings().into_iter();
        findings
            .filter(|it| it.rule.name() == RULE)
            .map(|it| it.title)
            .collect()
    };
    assert_eq!(
        titles(&upgrade),
        ["Zeebe's partitions would go from 1 to 3"]
    );
    let same = Upgrade::between(&corpus, "12.13.3-defaults", "13.12.7-migration");
    assert!(titles(&same).is_empty());
}
