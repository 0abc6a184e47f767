//! What the migration from 12 to 13 needs.

use camunda_upgrade_guard::finding::{Action, Finding};
use serde_json::{Value, json};

use crate::scene::{Scene, claim, commands};

pub const IMPORTERS: &str = "importers-disabled";
pub const DISABLED: &str = "data-migration-disabled";
pub const UNFINISHED: &str = "migration-unfinished";
pub const AGAIN: &str = "data-migration-on-install";
pub const WITHOUT_DATA: &str = "migration-without-data";
pub const AFTER: &str = "after-upgrade";
pub const IMMUTABLE: &str = "immutable-field-changed";

pub const OFF: &str = "--set orchestration.migration.data.enabled=false";

/// A workload of Camunda's own, with a pod template that is configured by a ConfigMap of its name.
fn own(kind: &str, name: &str, component: &str, spec: &str) -> String {
    let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, labels: {{app.kubernetes.io/part-of: camunda-platform, \
         app.kubernetes.io/instance: camunda, app.kubernetes.io/component: {component}}}}}\nspec: {spec}"
    )
}

fn deployment(name: &str, component: &str, replicas: u32) -> String {
    let spec = format!(
        "{{replicas: {replicas}, selector: {{matchLabels: {{app: {name}}}}}, \
         template: {{spec: {{containers: [{{name: c, image: x, envFrom: [{{configMapRef: {{name: {name}}}}}]}}]}}}}}}"
    );
    own("Deployment", name, component, &spec)
}

pub fn brokers(templates: &str) -> String {
    let spec = format!(
        "{{replicas: 1, serviceName: camunda-zeebe, selector: {{matchLabels: {{app: zeebe}}}}, \
         template: {{spec: {{containers: [{{name: c, image: x, envFrom: [{{configMapRef: {{name: camunda-zeebe}}}}]}}]}}}}, \
         volumeClaimTemplates: [{templates}]}}"
    );
    own("StatefulSet", "camunda-zeebe", "zeebe-broker", &spec)
}

pub const TEMPLATE: &str = "{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}";

pub fn job(kind: &str, image: &str) -> String {
    let spec = format!(
        "{{template: {{spec: {{containers: [{{name: c, image: '{image}', command: [/usr/local/camunda/bin/{kind}-migration]}}]}}}}}}"
    );
    let name = format!("camunda-zeebe-migration-{kind}");
    own("Job", &name, "orchestration-migration", &spec)
}

/// A Job as it is live.
pub fn ended(kind: &str, condition: &str) -> String {
    format!(
        "{}\nstatus: {{failed: 1, conditions: [{{type: {condition}, status: 'True', message: reached its limit.}}]}}",
        job(kind, "x")
    )
}

fn config_map(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{data}}}")
}

pub fn importer(replicas: u32) -> String {
    deployment(
        "camunda-zeebe-migration-importer",
        "orchestration-importer",
        replicas,
    )
}

pub fn broker_claim(phase: &str) -> String {
    claim(
        "data-camunda-zeebe-0",
        phase,
        "app.kubernetes.io/instance: camunda",
    )
}

/// From 12, with nothing of the migration yet.
pub fn unprepared() -> Scene {
    Scene::upgrade("12.13.3", "13.12.7")
        .running(&brokers(TEMPLATE))
        .planned(&brokers(TEMPLATE))
        .live(&broker_claim("Bound"))
        .running(&deployment("camunda-operate", "operate", 1))
        .running(&deployment("camunda-tasklist", "tasklist", 1))
}

fn prepared() -> Scene {
    unprepared()
        .planned(&importer(1))
        .planned(&job("data", "x"))
}

/// What these rules find.
fn found(scene: &Scene) -> Vec<Finding> {
    let own = [
        IMPORTERS,
        DISABLED,
        UNFINISHED,
        AGAIN,
        WITHOUT_DATA,
        AFTER,
        IMMUTABLE,
    ];
    let mut findings = scene.findings();
    findings.retain(|finding| own.contains(&finding.rule.name()));
    findings
}

#[track_caller]
pub fn finds(scene: &Scene, rules: &[&str]) -> Vec<Finding> {
    let findings = found(scene);
    let ids: Vec<_> = findings.iter().map(|finding| finding.rule.name()).collect();
    assert_eq!(ids, rules, "{findings:#?}");
    findings
}

pub fn text(finding: &Finding) -> String {
    format!("{}\n{}", finding.title, finding.why.join("\n"))
}

#[test]
fn both_are_switched_on_by_one_file() {
    let findings = finds(&unprepared(), &[IMPORTERS, DISABLED]);
    assert!(findings.iter().all(|one| one.action == Action::Deny));
    assert_eq!(findings[0].fixes, findings[1].fixes);
    let file = &commands(&findings[0])[0];
    assert!(
        file.contains("migration: {data: {enabled: true}}"),
        "{file}"
    );
    assert_eq!(
        findings[0].title,
        "The importers of Operate and Tasklist would not run"
    );
    finds(&prepared(), &[]);
}

#[test]
fn what_the_guide_sets_does_nothing() {
    let values = json!({
        "orchestration": {"importer": {"enabled": true}, "migration": {"process": {"enabled": true}}},
        "camunda": {"operate": {"importerEnabled": true}},
        "migration": {"data": {"enabled": true}},
    });
    let scene = unprepared().values(Value::Null, values);
    let findings = finds(&scene, &[IMPORTERS, DISABLED]);
    for (finding, keys) in findings.iter().zip([
        [
            "orchestration.importer.enabled",
            "camunda.operate.importerEnabled",
        ],
        [
            "migration.data.enabled",
            "orchestration.migration.process.enabled",
        ],
    ]) {
        for key in keys {
            let line = format!("Your values set {key}: no released chart reads it.");
            assert!(finding.why.contains(&line), "{:?}", finding.why);
        }
    }
}

#[test]
fn only_what_ran_has_something_to_migrate() {
    let scene = |operate, tasklist| {
        Scene::upgrade("12.13.3", "13.12.7")
            .running(&deployment("camunda-operate", "operate", operate))
            .running(&deployment("camunda-tasklist", "tasklist", tasklist))
    };
    finds(&scene(0, 0), &[]);
    let findings = finds(&scene(1, 0), &[IMPORTERS, DISABLED]);
    assert_eq!(findings[0].title, "The importer of Operate would not run");
    assert_eq!(findings[1].title, "The data of Operate would stay behind");
    // Stopped for a while only.
    let stopped = deployment("camunda-operate", "operate", 0);
    finds(&scene(1, 0).live(&stopped), &[IMPORTERS, DISABLED]);
    finds(&Scene::install("13.12.7"), &[]);
    finds(&Scene::upgrade("12.13.3", "13.12.7"), &[]);
}

#[test]
fn importers_are_judged_by_what_they_are_configured_to_do() {
    let name = "camunda-zeebe-migration-importer";
    let with = |data: &str| prepared().planned(&config_map(name, data));
    finds(
        &with(
            "CAMUNDA_OPERATE_IMPORTER_ENABLED: 'true', CAMUNDA_TASKLIST_IMPORTER_ENABLED: 'true'",
        ),
        &[],
    );
    let off = with("CAMUNDA_TASKLIST_IMPORTERENABLED: 'false'");
    let finding = finds(&off, &[IMPORTERS]).remove(0);
    assert_eq!(finding.title, "The importer of Tasklist would not run");
    assert!(
        text(&finding).contains("Deployment camunda-zeebe-migration-importer is configured with camunda.tasklist.importerEnabled=false"),
        "{finding:#?}"
    );
    assert!(commands(&finding).is_empty());
    // The Orchestration Cluster itself may import.
    let cluster = off.planned(&config_map(
        "camunda-zeebe",
        "CAMUNDA_TASKLIST_IMPORTERENABLED: 'true'",
    ));
    finds(&cluster, &[]);
    let stopped = unprepared()
        .planned(&importer(0))
        .planned(&job("data", "x"));
    let finding = finds(&stopped, &[IMPORTERS]).remove(0);
    assert!(text(&finding).contains("is to run with no replicas"));
}

#[test]
fn an_upgrade_that_got_as_far_as_the_migration_needs_no_other() {
    finds(&unprepared().live(&ended("data", "Complete")), &[]);
    for condition in ["Failed", "SuccessCriteriaMet"] {
        finds(
            &unprepared().live(&ended("data", condition)),
            &[IMPORTERS, DISABLED],
        );
    }
}

#[test]
fn an_alpha_is_13_already() {
    let scene = Scene::upgrade("12.13.3", "13.0.0-alpha8").running(&deployment(
        "camunda-operate",
        "operate",
        1,
    ));
    let findings = finds(&scene, &[IMPORTERS, DISABLED]);
    let typed = findings[1].fixes[0].commands[0].text();
    assert!(typed.contains("data: {enabled: true}"), "{typed}");
}

#[test]
fn a_migration_without_data_waits_in_vain() {
    let scene = |phase: &str| prepared().live(&broker_claim(phase));
    let finding = finds(&scene("Pending"), &[WITHOUT_DATA]).remove(0);
    assert_eq!(finding.action, Action::Warn);
    assert_eq!(commands(&finding), [OFF], "{finding:#?}");
    finds(&scene("Bound"), &[]);
    finds(&scene("Lost"), &[]);
    let off = unprepared().live(&broker_claim("Pending"));
    finds(&off, &[IMPORTERS, DISABLED]);
}
