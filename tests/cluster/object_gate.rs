//! What reaches the API server without a release record: kubectl, Argo CD, post-renderers.

use harness::{Cluster, Helm, Namespace};
use serde_json::{Value, json};

use crate::{charts::own, release::assert_silent, stage::guarded};

/// What `helm template | kubectl apply` makes of a chart.
fn applied(cluster: &'static Cluster, chart: &str) -> Namespace {
    let namespace = cluster.namespace("applied").unwrap();
    let manifest = rendered(cluster, &namespace, chart, &[]);
    apply(cluster, &namespace, &manifest).ok().unwrap();
    cluster.wait_all_bound(&namespace).unwrap();
    namespace
}

fn rendered(cluster: &Cluster, namespace: &str, chart: &str, args: &[&str]) -> String {
    let helm = cluster.helm(Helm::V3);
    let output = helm.template("camunda", &own(chart), namespace, args);
    output.ok().unwrap().stdout
}

fn apply(cluster: &Cluster, namespace: &str, manifest: &str) -> harness::Output {
    cluster
        .admin()
        .run_with_input(["apply", "-n", namespace, "-f", "-"], manifest)
}

fn set_key(cluster: &Cluster, namespace: &str, secret: &str, key: &str) -> harness::Output {
    let patch = json!({"stringData": {key: "something-else"}}).to_string();
    cluster.kubectl(["-n", namespace, "patch", "secret", secret, "-p", &patch])
}

fn data(cluster: &Cluster, namespace: &str, secret: &str) -> Value {
    cluster.get("secret", namespace, secret).unwrap().unwrap()["data"].clone()
}

#[test]
fn a_database_password_is_kept_and_a_clients_secret_is_warned_about() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = applied(cluster, "camunda-12");
    for (secret, key) in [
        ("camunda-postgresql", "password"),
        ("camunda-keycloak", "admin-password"),
    ] {
        let before = data(cluster, &namespace, secret);
        let refused = set_key(cluster, &namespace, secret, key).refused().unwrap();
        assert!(
            refused.text().contains("identity-secret-regenerated"),
            "{}",
            refused.report()
        );
        assert!(
            !refused.text().contains("something-else"),
            "{}",
            refused.report()
        );
        assert_eq!(data(cluster, &namespace, secret), before);
    }
    let client = "camunda-tasklist-identity-secret";
    let warned = set_key(cluster, &namespace, client, "tasklist-secret")
        .ok()
        .unwrap();
    assert!(
        warned
            .text()
            .contains("Warning: identity-secret-regenerated"),
        "{}",
        warned.report()
    );
    let label = cluster.kubectl([
        "-n",
        &*namespace,
        "label",
        "secret",
        "camunda-postgresql",
        "team=a",
    ]);
    assert_silent(&label.ok().unwrap());

    // Rotation is the business of the controller that owns the Secret.
    let owner = json!({"metadata": {"ownerReferences": [{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "name": "x", "uid": "00000000-0000-0000-0000-000000000001", "controller": true}]}});
    let patch = owner.to_string();
    cluster
        .kubectl([
            "-n",
            &*namespace,
            "patch",
            "secret",
            "camunda-keycloak",
            "-p",
            &patch,
        ])
        .ok()
        .unwrap();
    assert_silent(
        &set_key(cluster, &namespace, "camunda-keycloak", "admin-password")
            .ok()
            .unwrap(),
    );
}

#[test]
fn a_foreign_postgresql_may_change_its_password() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = applied(cluster, "foreign-postgresql");
    let secrets = cluster.list("secrets", &namespace, "").unwrap();
    let secret = secrets[0]["metadata"]["name"].as_str().unwrap();
    assert_silent(
        &set_key(cluster, &namespace, secret, "postgres-password")
            .ok()
            .unwrap(),
    );
}

#[test]
fn a_changed_selector_is_explained_before_the_api_server_refuses_it() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = applied(cluster, "camunda-8.2");
    let next = rendered(cluster, &namespace, "camunda-8.3", &[]);
    let refused = apply(cluster, &namespace, &next).refused().unwrap();
    let text = refused.text();
    assert!(
        text.contains("immutable-field-changed"),
        "{}",
        refused.report()
    );
    let delete = format!(
        "kubectl -n {} delete deployment camunda-operate",
        &*namespace
    );
    assert!(text.contains(&delete), "{}", refused.report());
}

#[test]
fn elasticsearch_does_not_start_on_empty_volumes_without_a_record_either() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = applied(cluster, "camunda-8.2");
    let next = rendered(
        cluster,
        &namespace,
        "camunda-8.3",
        &[
            "--show-only",
            "charts/elasticsearch/templates/master/statefulset.yaml",
        ],
    );
    let refused = apply(cluster, &namespace, &next).refused().unwrap();
    let text = refused.text();
    assert!(
        text.contains("elasticsearch-claims-orphaned"),
        "{}",
        refused.report()
    );
    assert!(
        cluster
            .get("statefulset", &namespace, "camunda-elasticsearch-master")
            .unwrap()
            .is_none()
    );
    let commands: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("kubectl "))
        .collect();
    let shell = cluster.shell(Helm::V3).unwrap();
    shell.run(&commands.join("\n")).unwrap().ok().unwrap();
    assert_silent(&apply(cluster, &namespace, &next).ok().unwrap());

    // The stock chart of elastic beside somebody else's Bitnami Elasticsearch is nobody's upgrade.
    let foreign = cluster.namespace("foreign").unwrap();
    let old = "elasticsearch-master-elasticsearch-master-0";
    cluster.claim(&foreign, old, None).unwrap();
    cluster.wait_bound(&foreign, old).unwrap();
    assert_silent(
        &apply(cluster, &foreign, &next.replace(&*namespace, &foreign))
            .ok()
            .unwrap(),
    );
}
