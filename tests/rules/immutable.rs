//! `immutable-field-changed`, and what is left unjudged.

use camunda_upgrade_guard::finding::Command;

use crate::scene::{Scene, statefulset};

const RULE: &str = "immutable-field-changed";

fn deployment(name: &str, app: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{selector: {{matchLabels: {{app: {app}}}}}, template: {{}}}}"
    )
}

#[test]
fn changed_selectors_are_deleted_in_the_order_of_the_guide() {
    let names = [
        "camunda-zeebe-gateway",
        "camunda-tasklist",
        "camunda-operate",
        "camunda-optimize",
    ];
    let mut scene = Scene::upgrade("8.3.0", "8.3.1");
    for name in names {
        scene = scene
            .running(&deployment(name, "old"))
            .planned(&deployment(name, "new"));
    }
    let brokers = statefulset("camunda-zeebe", "data", "", 3);
    let scene = scene
        .running(&brokers)
        .planned(&brokers.replace("app: camunda-zeebe", "app: other"));
    let finding = scene.refused(RULE);
    let commands: Vec<_> = finding.fixes[0]
        .commands
        .iter()
        .map(Command::text)
        .collect();
    assert_eq!(
        commands,
        [
            "kubectl -n prod delete deployment camunda-operate camunda-tasklist camunda-optimize camunda-zeebe-gateway",
            "kubectl -n prod delete statefulset camunda-zeebe",
        ]
    );
}

#[test]
fn what_kubernetes_lets_change_passes() {
    let brokers = statefulset("camunda-zeebe", "data", "", 3);
    Scene::upgrade("12.13.3", "12.13.3")
        .running(&brokers)
        .planned(
            &brokers
                .replace("replicas: 3", "replicas: 5")
                .replace("image: x", "image: y"),
        )
        .passes();
    // Deleted already, as the refusal said.
    Scene::upgrade("8.3.0", "8.3.1")
        .planned(&deployment("camunda-operate", "new"))
        .passes();
}

#[test]
fn a_hook_is_made_anew() {
    let job = |image: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: j}}\nspec: {{template: {{spec: {{containers: [{{image: {image}}}]}}}}}}"
        )
    };
    Scene::upgrade("13.0.0", "13.1.0")
        .live(&job("a"))
        .hook(&["pre-upgrade"], &job("b"))
        .passes();
    Scene::upgrade("13.0.0", "13.1.0")
        .running(&job("a"))
        .planned(&job("b"))
        .refused(RULE);
}
