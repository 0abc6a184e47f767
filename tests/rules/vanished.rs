//! `component-disappears`: whatever runs and would be gone without a word, on any line (`CAMUNDA_CORPUS` for real charts).

use camunda_upgrade_guard::kubernetes::Kind;
use harness::Corpus;
use serde_json::{Value, json};

use crate::{
    live::Upgrade,
    scene::{Scene, commands},
};

const RULE: &str = "component-disappears";
const OWN: &str = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component";

fn workload(kind: &str, name: &str, labels: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, labels: {{{labels}}}}}
spec: {{replicas: 1, template: {{spec: {{containers: [{{image: x}}]}}}}}}"
    )
}

fn own(component: &str) -> String {
    workload(
        "Deployment",
        &format!("camunda-{component}"),
        &format!("{OWN}: {component}"),
    )
}

fn keycloak(name: &str) -> String {
    let labels = "app.kubernetes.io/name: keycloak, app.kubernetes.io/instance: camunda";
    workload("StatefulSet", name, labels)
}

fn silent(scene: &Scene) {
    let findings = scene.findings();
    assert!(
        findings.iter().all(|finding| finding.rule.name() != RULE),
        "{findings:#?}"
    );
}

/// The kind: a workload without claims, of which no rule about volumes speaks.
#[test]
fn keycloak_with_a_database_outside_is_missed() {
    let Some(corpus) = Corpus::find() else { return };
    let from = "12.13.3-keycloak-external-database";
    let database = || json!({"kind": "Secret", "metadata": {"name": "keycloak-database"}, "stringData": {"password": "known outside"}});
    let upgrade = Upgrade::between(&corpus, from, "13.12.7-keycloak-external-database-dropped");
    let credentials = |old: String| {
        json!({"kind": "Secret", "metadata": {"name": "camunda-credentials"},
            "stringData": {"identity-keycloak-admin-password": old}})
    };
    let old = upgrade.secret("camunda-keycloak", "admin-password");
    let upgrade = upgrade.with(database()).with(credentials(old));
    assert_eq!(upgrade.refusing(), [RULE], "{}", upgrade.refusal());
    let text = upgrade.refusal();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Keycloak would be deleted",
        "Keycloak (StatefulSet camunda-keycloak): identity.enabled and identityKeycloak.enabled",
        "identityKeycloak: {enabled: true}",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }

    // The nearest good one, with the Secrets that it reads.
    let mut good = Upgrade::between(&corpus, from, "13.12.7-keycloak-external-database");
    let old = good.secret("camunda-keycloak", "admin-password");
    good = good.with(database()).with(credentials(old));
    assert_eq!(good.refusing(), Vec::<&str>::new(), "{}", good.refusal());

    // Kept beside the release, or switched off by its own value.
    let kept = Upgrade::between(&corpus, from, "13.12.7-keycloak-external-database-dropped");
    let kept = kept.with(database()).annotated(
        Kind::StatefulSet,
        "camunda-keycloak",
        "helm.sh/resource-policy",
        "keep",
    );
    assert!(!kept.refusing().contains(&RULE), "{}", kept.refusal());
    let mut off = Upgrade::between(&corpus, from, "13.12.7-keycloak-external-database-dropped");
    off = off.with(database());
    off.planned["config"]["identityKeycloak"]["enabled"] = json!(false);
    assert!(!off.refusing().contains(&RULE), "{}", off.refusal());
}

/// The kind: an upgrade on any line, by any chart, that forgets what was switched on.
#[test]
fn what_was_switched_on_before_is_missed_on_every_line() {
    for (from, to, component, name, flag) in [
        (
            "13.12.7",
            "13.12.7",
            "identity",
            "Identity",
            "identity.enabled",
        ),
        ("12.0.0", "12.13.3", "console", "Console", "console.enabled"),
        (
            "8.2.3",
            "8.2.34",
            "restapi",
            "Web Modeler",
            "webModeler.enabled",
        ),
        ("10.0.2", "11.0.1", "operate", "Operate", "operate.enabled"),
        (
            "9.3.7",
            "9.7.0",
            "zeebe-gateway",
            "Zeebe Gateway",
            "zeebe.enabled",
        ),
        (
            "14.8.4",
            "15.0.0-alpha4",
            "console",
            "Console",
            "camundaHub.enabled",
        ),
        (
            "14.8.4",
            "15.0.0-alpha4",
            "restapi",
            "Web Modeler",
            "camundaHub.enabled",
        ),
    ] {
        let scene = Scene::upgrade(from, to).running(&own(component));
        let finding = scene.refused(RULE);
        assert_eq!(
            finding.title,
            format!("{name} would be deleted"),
            "{from} to {to}"
        );
        let (part, _) = flag.split_once('.').unwrap();
        // 15 has types of its own, and so a file for what is converted.
        let expected = match to {
            "15.0.0-alpha4" => vec![
                format!("cat > camunda-15.yaml <<'EOF'\n{part}: {{enabled: true}}\nEOF"),
                "-f camunda-15.yaml".to_owned(),
            ],
            _ => vec![format!("--set {flag}=true")],
        };
        assert_eq!(commands(&finding), expected, "{from} to {to}");
        silent(
            &scene
                .clone()
                .values(Value::Null, json!({part: {"enabled": false}})),
        );
        silent(&scene.clone().rollback());
        silent(&scene.planned(&own(component).replace("name: camunda-", "name: other-")));
    }
    let scene = Scene::upgrade("12.0.0", "12.13.3").running(&keycloak("camunda-keycloak"));
    let finding = scene.refused(RULE);
    assert_eq!(commands(&finding), ["--set identityKeycloak.enabled=true"]);
    silent(
        &scene
            .clone()
            .values(Value::Null, json!({"identityKeycloak": {"enabled": false}})),
    );
    // A name override changes nothing.
    silent(&scene.planned(&keycloak("login")));
    let early = Scene::upgrade("8.1.27", "8.2.34").running(&keycloak("camunda-keycloak"));
    early.refused(RULE);
    silent(&early.values(Value::Null, json!({"identity": {"enabled": false}})));
}

/// The kind: what a chart merges on purpose, and what is not Camunda's.
#[test]
fn what_another_one_does_now_is_not_missed() {
    let zeebe = workload(
        "StatefulSet",
        "camunda-zeebe",
        &format!("{OWN}: zeebe-broker"),
    );
    let mut to_13 = Scene::upgrade("12.13.3", "13.12.7")
        .running(&zeebe)
        .planned(&zeebe);
    for component in ["zeebe-gateway", "operate", "tasklist"] {
        to_13 = to_13.running(&own(component));
    }
    silent(&to_13);
    let modeler = |tag: &str| {
        ["restapi", "websockets"]
            .map(own)
            .map(|it| it.replace("image: x", tag))
    };
    let mut to_14 = Scene::upgrade("13.12.7", "14.8.4").running(&own("webapp"));
    for part in modeler("image: m") {
        to_14 = to_14.running(&part).planned(&part);
    }
    silent(&to_14.running(&own("orchestration-importer")));
    let mut to_15 = Scene::upgrade("14.8.4", "15.0.0-alpha4").running(&own("console"));
    for part in modeler("image: hub") {
        to_15 = to_15.planned(&part);
    }
    silent(&to_15);
    // Elasticsearch of two charts under the same name for it.
    let elasticsearch =
        |name| workload("StatefulSet", name, "app.kubernetes.io/name: elasticsearch");
    silent(
        &Scene::upgrade("8.2.34", "8.3.1")
            .running(&elasticsearch("elasticsearch-master"))
            .planned(&elasticsearch("camunda-elasticsearch-master")),
    );
    for other in [
        workload("Deployment", "shop", "app: shop"),
        workload("StatefulSet", "shop", "app: shop"),
        workload(
            "Job",
            "camunda-data",
            &format!("{OWN}: orchestration-migration"),
        ),
        own("console").replace("replicas: 1", "replicas: 0"),
        // Somebody's own copy of a database among the extra manifests.
        workload("Deployment", "mine", "app.kubernetes.io/name: postgresql"),
    ] {
        silent(&Scene::upgrade("13.12.7", "13.12.7").running(&other));
    }
}

/// The kind: what no value brings back, because the chart has it no more.
#[test]
fn keycloak_without_a_chart_is_kept_or_replaced() {
    let scene = Scene::upgrade("14.8.4", "15.0.0-alpha4").running(&keycloak("camunda-keycloak"));
    let finding = scene.refused(RULE);
    assert_eq!(
        commands(&finding),
        ["kubectl -n prod annotate statefulset/camunda-keycloak helm.sh/resource-policy=keep"]
    );
    let url = |host: &str| json!({"global": {"identity": {"keycloak": {"url": {"protocol": "https", "host": host, "port": "443"}}}}});
    silent(&scene.clone().values(Value::Null, url("login.example.com")));
    // Part where it runs now, and deleted all the same.
    scene
        .values(Value::Null, url("camunda-keycloak"))
        .refused(RULE);
}
