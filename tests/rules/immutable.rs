//! `immutable-field-changed`, and what is left unjudged.

use camunda_upgrade_guard::finding::Command;

use crate::scene::{Scene, claim, commands, statefulset};

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
            "kubectl -n prod delete deployment camunda-operate camunda-tasklist camunda-optimize camunda-zeebe-gateway --ignore-not-found",
            "kubectl -n prod delete statefulset camunda-zeebe --ignore-not-found",
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

/// A StatefulSet whose claim template has this spec.
fn brokers(spec: &str) -> String {
    let old = "{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}";
    let set = statefulset("camunda-zeebe", "data", "", 1);
    assert!(set.contains(old));
    set.replace(old, spec)
}

const BEFORE: &str = "{accessModes: [ReadWriteOnce], storageClassName: standard, resources: {requests: {storage: 32Gi}}}";

fn templates(planned: &str) -> Scene {
    Scene::upgrade("12.13.3", "12.13.3")
        .running(&brokers(BEFORE))
        .planned(planned)
}

#[test]
fn what_changes_in_a_claim_template_is_named() {
    let before = brokers(BEFORE);
    for (planned, says) in [
        (
            before.replace("32Gi", "64Gi"),
            "    data: size from 32Gi to 64Gi",
        ),
        (
            before.replace("standard", "fast"),
            "    data: storage class from standard to fast",
        ),
        (
            before.replace("storageClassName: standard, ", ""),
            "    data: storage class from standard to the default one",
        ),
        (
            before.replace(
                ", resources",
                ", selector: {matchLabels: {disk: ssd}}, resources",
            ),
            "    data: spec.selector.matchLabels.disk from none to ssd",
        ),
        (
            before.replace("{name: data}", "{name: data, labels: {team: a}}"),
            "    data: metadata.labels.team from none to a",
        ),
        (
            before.replace(
                "{name: data}",
                "{name: data, annotations: {token: hunter2}}",
            ),
            "    data: metadata.annotations.token is another",
        ),
        (
            before.replace("{name: data}", "{name: exports}"),
            "    exports: this template is new",
        ),
        (
            before.replace("{name: data}", "{name: exports}"),
            "    data: this template goes",
        ),
    ] {
        assert_ne!(planned, before);
        let finding = templates(&planned).one(RULE);
        assert!(finding.why.iter().any(|line| line == says), "{finding:#?}");
        assert!(!finding.why.concat().contains("hunter2"), "{finding:#?}");
        assert!(
            finding
                .why
                .concat()
                .contains("Claims that exist keep what they have")
        );
        let delete =
            "kubectl -n prod delete statefulset camunda-zeebe --cascade=orphan --ignore-not-found";
        assert_eq!(commands(&finding).last().map(String::as_str), Some(delete));
    }
    // With another field, or written otherwise.
    let other = before
        .replace("32Gi", "64Gi")
        .replace("serviceName: camunda-zeebe", "serviceName: other");
    let finding = templates(&other).one(RULE);
    let delete = "kubectl -n prod delete statefulset camunda-zeebe --ignore-not-found";
    assert_eq!(commands(&finding), [delete]);
    templates(&before.replace("32Gi", "32768Mi")).passes();
}

#[test]
fn claims_grow_where_their_class_lets_them() {
    let planned = brokers(BEFORE).replace("32Gi", "64Gi");
    let claim = |size: &str| {
        claim("data-camunda-zeebe-0", "Bound", "").replacen(
            "spec: {",
            &format!("spec: {{resources: {{requests: {{storage: {size}}}}}, "),
            1,
        )
    };
    let class = |expands: bool| {
        format!(
            "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: standard}}\nprovisioner: x\nallowVolumeExpansion: {expands}"
        )
    };
    let typed = |size: &str, expands: bool| {
        let scene = templates(&planned).live(&claim(size)).live(&class(expands));
        let finding = scene.one(RULE);
        commands(&finding)[0].to_owned()
    };
    assert_eq!(
        typed("32Gi", true),
        r#"kubectl -n prod patch pvc data-camunda-zeebe-0 -p '{"spec":{"resources":{"requests":{"storage":"64Gi"}}}}'"#
    );
    // Expanded by hand already, or in a class that can't.
    for (size, expands) in [("64Gi", true), ("128Gi", true), ("32Gi", false)] {
        assert!(typed(size, expands).contains(" delete statefulset "));
    }
}
