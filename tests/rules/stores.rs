//! `datastore-changed`, `values-dropped` and `gateway-renamed`.

use camunda_upgrade_guard::{denial, finding::Action, rules};
use serde_json::{Value, json};

use crate::scene::{Scene, claim, commands};

const CHANGED: &str = "datastore-changed";
const OWN: &str = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component";
const ELASTICSEARCH: &str =
    "app.kubernetes.io/name: elasticsearch, app.kubernetes.io/instance: camunda";
const DATA: &str = "data-camunda-elasticsearch-master-0";

fn zeebe(variable: &str, url: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: camunda-zeebe, labels: {{{OWN}: zeebe-broker}}}}
spec: {{template: {{spec: {{containers: [{{image: x, env: [{{name: ZEEBE_BROKER_EXPORTERS_{variable}_ARGS_URL, value: \"{url}\"}}]}}]}}}}}}"
    )
}

fn elastic(url: &str) -> String {
    zeebe("ELASTICSEARCH", url)
}

fn elasticsearch() -> String {
    format!(
        "apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: camunda-elasticsearch-master, labels: {{{ELASTICSEARCH}}}}}
spec:
  template: {{spec: {{containers: [{{image: x}}]}}}}
  volumeClaimTemplates: [{{metadata: {{name: data}}}}]"
    )
}

const OUTSIDE: &str = "https://es.example.com:443";

#[test]
fn another_host_than_before() {
    let scene = |before: &str, after: &str| {
        Scene::upgrade("12.13.3", "12.13.3")
            .running(before)
            .planned(after)
    };
    let finding = scene(&elastic(OUTSIDE), &elastic("https://other.example.com")).refused(CHANGED);
    assert_eq!(
        finding.why[0],
        "Camunda used Elasticsearch on es.example.com; it would use Elasticsearch on other.example.com, and nothing moves the data."
    );
    scene(&elastic(OUTSIDE), &zeebe("OPENSEARCH", OUTSIDE)).refused(CHANGED);
    let embedded = "http://camunda-elasticsearch:9200";
    scene(&elastic(OUTSIDE), &elastic(embedded))
        .planned(&elasticsearch())
        .refused(CHANGED);

    scene(&elastic(OUTSIDE), &elastic("http://es.example.com")).passes();
    scene(
        &elastic("http://es.prod.svc:9200"),
        &elastic("http://es:9200"),
    )
    .passes();
    scene(
        &elastic(embedded),
        &elastic("http://camunda-elasticsearch.prod.svc:9200"),
    )
    .running(&elasticsearch())
    .planned(&elasticsearch())
    .passes();
    Scene::install("12.13.3")
        .planned(&elastic(OUTSIDE))
        .passes();
}

#[test]
fn from_its_own_to_an_external_one() {
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .running(&elastic("http://camunda-elasticsearch:9200"))
        .running(&elasticsearch())
        .planned(&elastic(OUTSIDE))
        .values(Value::Null, json!({"elasticsearch": {"enabled": false}}));
    scene.passes();
    let findings = scene
        .clone()
        .live(&claim(DATA, "Bound", ELASTICSEARCH))
        .rules();
    assert_eq!(findings, [CHANGED, "claims-orphaned"]);
    // One step says for both that the data is moved, and is told once.
    let (change, facts) = scene
        .clone()
        .live(&claim(DATA, "Bound", ELASTICSEARCH))
        .judged();
    let text = denial::message(&change, &rules::judge(&change, &facts)).unwrap();
    assert_eq!(text.matches("allow-orphan").count(), 1, "{text}");
    // The StatefulSet stays, and nobody uses it.
    scene
        .clone()
        .planned(&elasticsearch())
        .live(&claim(DATA, "Bound", ELASTICSEARCH))
        .refused(CHANGED);
    let given_up = claim(DATA, "Bound", ELASTICSEARCH).replacen(
        "labels:",
        &format!("annotations: {{camunda-upgrade-guard/allow-orphan: uid-{DATA}}}, labels:"),
        1,
    );
    scene.live(&given_up).leaves_on_purpose(DATA);
}

#[test]
fn values_tell_where_no_manifest_does() {
    let scene =
        |before: Value, after: Value| Scene::upgrade("13.12.7", "13.12.7").values(before, after);
    let keycloak = |host: &str| json!({"identityKeycloak": {"externalDatabase": {"host": host}}});
    let finding = scene(keycloak("a.example.com"), keycloak("b.example.com")).refused(CHANGED);
    assert_eq!(finding.title, "Keycloak would go to another database");
    assert!(
        finding.fixes[0]
            .intro
            .contains("identityKeycloak.externalDatabase.host")
    );
    scene(keycloak("a"), keycloak("a.prod.svc.cluster.local")).passes();
    // The same under the key of a newer chart.
    let old = json!({"identity": {"keycloak": {"externalDatabase": {"host": "a"}}}});
    Scene::upgrade("9.7.0", "10.11.3")
        .values(old, keycloak("a"))
        .passes();

    let postgresql = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: camunda-postgresql, labels: {app.kubernetes.io/name: postgresql}}\nspec: {}";
    scene(
        keycloak("a"),
        json!({"identityKeycloak": {"externalDatabase": {"host": null}}}),
    )
    .planned(postgresql)
    .refused(CHANGED);

    let modeler =
        |url: &str| json!({"webModeler": {"restapi": {"externalDatabase": {"url": url}}}});
    scene(
        modeler("jdbc:postgresql://a/x"),
        modeler("jdbc:postgresql://b/x"),
    )
    .refused(CHANGED);
    let old = json!({"webModeler": {"restapi": {"externalDatabase": {"host": "a", "port": 5432}}}});
    Scene::upgrade("8.2.34", "8.3.1")
        .values(old, modeler("jdbc:postgresql://a:5432/x"))
        .passes();

    let unified = json!({"orchestration": {"data": {"secondaryStorage": {"elasticsearch": {"url": OUTSIDE}}}}});
    let global = |external: bool| json!({"global": {"elasticsearch": {"external": external, "url": {"host": "es.example.com"}}}});
    Scene::upgrade("13.12.7", "14.0.0")
        .values(global(true), unified.clone())
        .passes();
    // The release's own is there and counts, unless it is said not to.
    let both = |values| {
        scene(values, unified.clone())
            .running(&elasticsearch())
            .planned(&elasticsearch())
    };
    both(global(true))
        .live(&claim(DATA, "Bound", ELASTICSEARCH))
        .refused(CHANGED);
}

const DROPPED: &str = "values-dropped";

fn workload(checksum: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: camunda-identity}}
spec: {{template: {{metadata: {{annotations: {{checksum/config: \"{checksum}\"}}}}, spec: {{}}}}}}"
    )
}

#[test]
fn what_was_set_before_is_named() {
    let scene = |before: Value, after: Value| {
        Scene::upgrade("12.13.3", "12.13.3")
            .running(&workload("a"))
            .planned(&workload("b"))
            .values(before, after)
    };
    let before = json!({"identity": {"contextPath": "/identity", "secret": "geheim"}, "console": {"enabled": true}});
    let finding = scene(before.clone(), json!({"console": {"enabled": false}})).one(DROPPED);
    assert_eq!(finding.action, Action::Warn);
    assert_eq!(
        finding.title,
        "2 values that were set before are not set any more"
    );
    assert!(
        finding.why[1].contains("identity.{contextPath, secret}"),
        "{:?}",
        finding.why
    );
    assert!(!format!("{finding:?}").contains("geheim"));

    scene(before.clone(), before.clone()).passes();
    scene(before.clone(), json!({"console": null, "identity": null})).passes();
    scene(json!({"a": {"b": "", "c": [], "d": {}}}), json!({})).passes();
    scene(
        json!({"global": {"identity": {"auth": {"tasklist": {"existingSecret": "x"}, "zeebe": {"existingSecret": {"name": "x"}}}}},
            "identityKeycloak": {"auth": {"adminPassword": "x"}}}),
        json!({}),
    )
    .passes();
    scene(before, json!({})).rollback().passes();
}

#[test]
fn values_that_changed_nothing_were_the_defaults() {
    let scene = |version| {
        Scene::upgrade("12.13.3", version)
            .running(&workload("a"))
            .planned(&workload("a"))
            .values(
                json!({"identity": {"fullURL": ""}, "console": {"enabled": false}}),
                json!({}),
            )
    };
    scene("12.13.3").passes();
    scene("12.13.4").one(DROPPED);
}

#[test]
fn keys_with_another_name_are_told_with_it() {
    let before = json!({"zeebe": {"clusterSize": 3}, "postgresql": {"enabled": true}, "identity": {"contextPath": "/x"}});
    let finding = Scene::upgrade("12.13.3", "13.12.7")
        .values(before.clone(), json!({}))
        .one(DROPPED);
    assert_eq!(
        finding.why[1..],
        [
            "  identity.contextPath",
            "  postgresql.enabled (now webModelerPostgresql.enabled)",
            "  zeebe.clusterSize (now orchestration.clusterSize)"
        ]
    );
    let finding = Scene::upgrade("12.13.3", "12.13.4")
        .values(before, json!({}))
        .one(DROPPED);
    assert!(
        finding.why.contains(&"  zeebe.clusterSize".to_owned()),
        "{:?}",
        finding.why
    );
}

#[test]
fn references_to_the_old_name_of_the_gateway() {
    const RULE: &str = "gateway-renamed";
    let gateway = |config: &str| {
        format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{name: camunda-zeebe-gateway, labels: {{{OWN}: zeebe-gateway}}}}
spec: {{template: {{spec: {{serviceAccountName: {config}, volumes: [{{name: config, configMap: {{name: {config}}}}}]}}}}}}"
        )
    };
    let (old, new) = ("camunda-zeebe-gateway-gateway", "camunda-zeebe-gateway");
    let scene = Scene::upgrade("8.2.34", "8.3.1")
        .running(&gateway(old))
        .planned(&gateway(new));
    scene.passes();
    let other = |name: &str| {
        format!(
            "kind: Deployment\nmetadata: {{name: worker}}\nspec: {{template: {{spec: {{serviceAccountName: {name}}}}}}}"
        )
    };
    let binding = |name: &str| {
        format!(
            "kind: RoleBinding\nmetadata: {{name: discovery}}\nsubjects: [{{kind: ServiceAccount, name: {name}, namespace: prod}}]"
        )
    };
    // The kind: something live that the release does not own would lose what it refers to.
    let proof = scene.clone().live(&other(old)).live(&binding(old));
    let finding = proof.refused(RULE);
    assert_eq!(
        commands(&finding),
        [format!(
            "kubectl -n prod annotate configmap/{old} serviceaccount/{old} helm.sh/resource-policy=keep"
        )]
    );
    let config = |annotations: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {old}, annotations: {{{annotations}}}}}\ndata: {{}}"
        )
    };
    proof
        .clone()
        .live(&config("helm.sh/resource-policy: keep"))
        .passes();
    proof.live(&config("")).refused(RULE);
    assert!(
        finding.why[0].contains("Deployment worker, RoleBinding discovery"),
        "{:?}",
        finding.why
    );
    scene.clone().live(&other(new)).live(&binding(new)).passes();
    // A post-renderer adds what the release does not know of.
    let rendered = other(old).replace("kind:", "apiVersion: apps/v1\nkind:");
    let finding = scene.clone().planned(&rendered).one(RULE);
    assert_eq!(finding.action, Action::Warn);
    let finding = Scene::upgrade("8.2.9", "8.2.34")
        .running(&gateway(old))
        .planned(&gateway(old));
    finding.live(&other(old)).passes();
}

/// 13 has it in a file, whose ConfigMap carries the labels of its workload and comes first.
#[test]
fn a_host_that_only_the_configuration_names() {
    let cluster = |url: &str| {
        let file = format!(
            "camunda: {{data: {{secondary-storage: {{elasticsearch: {{url: \\\"{url}\\\"}}}}}}}}"
        );
        format!(
            "apiVersion: v1
kind: ConfigMap
metadata: {{name: camunda-zeebe-configuration, labels: {{{OWN}: zeebe-broker}}}}
data: {{application.yaml: \"{file}\"}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: camunda-zeebe, labels: {{{OWN}: zeebe-broker}}}}
spec:
  template:
    spec:
      containers: [{{image: x, volumeMounts: [{{name: config, mountPath: /config/application.yaml, subPath: application.yaml}}]}}]
      volumes: [{{name: config, configMap: {{name: camunda-zeebe-configuration}}}}]"
        )
    };
    let scene = |url: &str| {
        Scene::upgrade("13.12.7", "13.12.7")
            .running(&cluster(OUTSIDE))
            .planned(&cluster(url))
    };
    let finding = scene("https://other.example.com").refused(CHANGED);
    assert!(finding.why[0].contains("it would use Elasticsearch on other.example.com"));
    scene("http://es.example.com:443").passes();
    // From an exporter's variable to 13's file it is the same host.
    let from_12 = Scene::upgrade("12.13.3", "13.12.7")
        .running(&elastic(OUTSIDE))
        .planned(&cluster(OUTSIDE));
    assert!(!from_12.rules().contains(&CHANGED));
}
