//! `upgrade-path-skipped`, `downgrade` and `chart-8.3.0-not-recommended`.

use camunda_upgrade_guard::finding::Moment;

use crate::scene::{Scene, claim};

const SKIPPED: &str = "upgrade-path-skipped";
const DOWNGRADE: &str = "downgrade";

/// Zeebe's StatefulSet with a status.
fn zeebe(version: &str, status: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: camunda-zeebe
  generation: 2
  labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker}}
spec:
  replicas: 3
  template: {{spec: {{securityContext: {{fsGroup: 1001}}, containers: [{{image: \"camunda/zeebe:{version}\", securityContext: {{runAsUser: 1001}}}}]}}}}
  volumeClaimTemplates: [{{metadata: {{name: data}}}}]
status: {{observedGeneration: 2, {status}}}"
    )
}

fn application(name: &str, version: &str, status: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: camunda-{name}
  labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: {name}}}
spec: {{template: {{spec: {{containers: [{{image: \"camunda/{name}:{version}\"}}]}}}}}}
status: {{{status}}}"
    )
}

const READY: &str = "replicas: 3, updatedReplicas: 3, readyReplicas: 3";
const NOT_READY: &str = "replicas: 3, updatedReplicas: 1, readyReplicas: 2";

#[test]
fn a_jump_is_told_the_whole_way() {
    let finding = Scene::upgrade("8.0.20", "9.3.7").refused(SKIPPED);
    assert_eq!(
        finding.title,
        "The upgrade jumps over Camunda 8.1, 8.2, 8.3"
    );
    let hops: Vec<_> = finding
        .why
        .iter()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.trim())
        .collect();
    assert_eq!(
        hops,
        [
            "8.1.27 (Camunda 8.1)",
            "8.2.34 (Camunda 8.2)",
            "8.3.26 (Camunda 8.3)",
            "9.3.7 (Camunda 8.4)",
        ]
    );
    assert!(
        finding
            .why
            .iter()
            .any(|line| line.contains("PostgreSQL goes from 14 to 15"))
    );
    assert_eq!(finding.fixes[0].moment, Moment::Instead);
    assert_eq!(
        finding.fixes[0].commands[0].text(),
        "helm upgrade camunda \"$CHART\" --version 8.1.27 -n prod"
    );
}

#[test]
fn the_newest_patch_of_ones_own_line_comes_first() {
    let finding = Scene::upgrade("10.0.2", "12.13.3").refused(SKIPPED);
    assert!(
        finding.fixes[0].commands[0]
            .text()
            .contains("--version 10.11.3")
    );
    Scene::upgrade("12.13.3", "15.0.0-alpha4").refused(SKIPPED);
}

#[test]
fn the_next_line_is_no_jump() {
    for (from, to) in [
        ("8.0.12", "8.1.27"),
        ("8.3.1", "9.3.7"),
        ("9.3.7", "10.0.2"),
        ("14.8.4", "15.0.0-alpha4"),
        ("8.2.3", "8.2.34"),
        ("12.13.3", "12.99.0"),
        // A chart that the guard does not know.
        ("7.1.0", "8.3.1"),
    ] {
        Scene::upgrade(from, to).passes();
    }
    Scene::install("12.13.3").passes();
}

#[test]
fn what_a_failed_upgrade_left_counts() {
    // 8.1 is deployed, and a failed upgrade has brought Zeebe to 8.2.
    let scene = |to, image| {
        Scene::upgrade("8.1.27", to)
            .running(&zeebe("8.1.27", ""))
            .planned(&zeebe(image, ""))
            .live(&zeebe("8.2.32", NOT_READY))
    };
    assert!(!scene("8.3.1", "8.3.1").rules().contains(&SKIPPED));
    let finding = scene("9.3.7", "8.4.9").one(SKIPPED);
    assert!(
        finding.why[0].contains("StatefulSet camunda-zeebe, which runs Camunda 8.2.32 already"),
        "{:?}",
        finding.why
    );
}

fn back(status: &str) -> Scene {
    Scene::upgrade("8.3.1", "8.2.34")
        .running(&zeebe("8.3.1", status))
        .planned(&zeebe("8.2.32", ""))
}

#[test]
fn data_of_a_newer_line_is_not_read_by_an_older_one() {
    for status in [
        READY,
        "replicas: 3, updatedReplicas: 1, readyReplicas: 3",
        "replicas: 3, updatedReplicas: 2, readyReplicas: 1, currentRevision: a, updateRevision: b",
    ] {
        let finding = back(status).refused(DOWNGRADE);
        assert_eq!(finding.title, "Camunda 8.2 would start on data of 8.3");
        assert!(
            finding.why[1].contains("StatefulSet camunda-zeebe with 8.3.1"),
            "{:?}",
            finding.why
        );
        assert!(
            finding.fixes[0].commands[0]
                .text()
                .contains("--version 8.3.26")
        );
    }
    back(READY).rollback().refused(DOWNGRADE);
}

#[test]
fn a_failed_upgrade_followed_by_one_to_the_old_line() {
    let scene = Scene::upgrade("8.2.34", "8.2.34")
        .running(&zeebe("8.2.32", ""))
        .planned(&zeebe("8.2.32", ""));
    scene
        .clone()
        .live(&zeebe("8.3.1", READY))
        .refused(DOWNGRADE);
    scene.clone().live(&zeebe("8.3.1", NOT_READY)).passes();
    // Operate migrates on its own.
    let operate = application("operate", "8.2.31", "");
    let scene = scene.running(&operate).planned(&operate);
    let replaced = "replicas: 1, updatedReplicas: 1, conditions: [{type: Progressing, reason: NewReplicaSetAvailable}]";
    scene
        .clone()
        .live(&application("operate", "8.3.1", replaced))
        .refused(DOWNGRADE);
    scene
        .live(&application(
            "operate",
            "8.3.1",
            "replicas: 2, updatedReplicas: 1, readyReplicas: 1",
        ))
        .passes();
}

#[test]
fn going_back_from_what_never_ran_passes() {
    for status in [
        NOT_READY,
        "replicas: 3, updatedReplicas: 3, currentRevision: a, updateRevision: a",
        "",
    ] {
        back(status).rollback().passes();
    }
    // The status is of the template before.
    let unseen = zeebe("8.3.1", READY).replace("observedGeneration: 2", "observedGeneration: 1");
    back("").live(&unseen).rollback().passes();
    Scene::upgrade("12.13.3", "12.0.0")
        .running(&zeebe("8.7.37", READY))
        .planned(&zeebe("8.7.0", ""))
        .rollback()
        .passes();
}

#[test]
fn a_pinned_image_counts_instead_of_the_chart() {
    // 8.3's image on 8.2's chart, before and after.
    Scene::upgrade("8.2.34", "8.2.34")
        .running(&zeebe("8.3.1", READY))
        .planned(&zeebe("8.3.1", ""))
        .passes();
    Scene::upgrade("9.3.7", "9.7.0")
        .running(&zeebe("8.4.9", READY))
        .planned(&zeebe("8.3.1", ""))
        .rollback()
        .refused(DOWNGRADE);
}

#[test]
fn one_ready_pod_of_the_newer_line_is_proof() {
    let pod = |version: &str, ready: &str| {
        "kind: Pod
metadata:
  name: camunda-zeebe-2
  labels: {app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker, app.kubernetes.io/instance: camunda}
spec: {containers: [{image: \"camunda/zeebe:VERSION\"}]}
status: {conditions: [{type: Ready, status: \"READY\"}]}"
        .replace("VERSION", version)
        .replace("READY", ready)
    };
    // None of the older ones is ready, so their numbers tell nothing.
    let scene = back("replicas: 3, updatedReplicas: 1, readyReplicas: 1").rollback();
    scene.clone().live(&pod("8.3.1", "False")).passes();
    scene.clone().live(&pod("8.2.32", "True")).passes();
    let finding = scene.live(&pod("8.3.1", "True")).refused(DOWNGRADE);
    assert_eq!(finding.why[1], "  Pod camunda-zeebe-2 with 8.3.1");
}

#[test]
fn what_is_stopped_is_told_by_its_claims() {
    let stopped = zeebe("8.3.1", "").replace("replicas: 3", "replicas: 0");
    let scene = back("").live(&stopped);
    scene.passes();
    let finding = scene
        .live(&claim("data-camunda-zeebe-0", "Bound", ""))
        .refused(DOWNGRADE);
    assert!(
        finding.why[1].contains("claim data-camunda-zeebe-0"),
        "{:?}",
        finding.why
    );
}

#[test]
fn one_chart_is_not_to_be_entered() {
    const RULE: &str = "chart-8.3.0-not-recommended";
    let finding = Scene::upgrade("8.2.34", "8.3.0").refused(RULE);
    assert!(
        finding.fixes[0].commands[0]
            .text()
            .contains("--version 8.3.26")
    );
    Scene::upgrade("8.3.0", "8.3.0").passes();
    Scene::upgrade("8.3.0", "8.3.1").passes();
    Scene::upgrade("8.2.34", "8.3.1").passes();
    Scene::install("8.3.0").passes();
}
