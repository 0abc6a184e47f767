//! Indices with another prefix: `index-prefix-changed`.

use crate::scene::Scene;

const RULE: &str = "index-prefix-changed";

fn brokers(configuration: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: camunda-zeebe, labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker}}}}
spec:
  replicas: 3
  template:
    spec:
      containers: [{{image: \"camunda/camunda:latest\", volumeMounts: [{{name: c, mountPath: /config}}]}}]
      volumes: [{{name: c, configMap: {{name: camunda-zeebe-configuration}}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: camunda-zeebe-configuration, labels: {{app.kubernetes.io/part-of: camunda-platform}}}}
data:
  application.yaml: |
    {configuration}"
    )
}

fn scene(before: &str, after: &str) -> Scene {
    let mut scene = Scene::upgrade("14.8.4", "15.0.0");
    for document in brokers(before).split("---\n") {
        scene = scene.running(document);
    }
    for document in brokers(after).split("---\n") {
        scene = scene.planned(document);
    }
    scene
}

const DEFAULT: &str = r#"{camunda: {data: {secondary-storage: {elasticsearch: {url: "http://e:9200", index-prefix: ""}}}}}"#;
const OWN: &str = r#"{camunda: {data: {secondary-storage: {elasticsearch: {url: "http://e:9200", index-prefix: "acme"}}}}}"#;
const UNTOLD: &str =
    r#"{camunda: {data: {secondary-storage: {elasticsearch: {url: "http://e:9200"}}}}}"#;
const EXPORTER: &str =
    r#"{zeebe: {broker: {exporters: {elasticsearch: {args: {index: {prefix: zeebe-record}}}}}}}"#;
const OWN_EXPORTER: &str =
    r#"{zeebe: {broker: {exporters: {elasticsearch: {args: {index: {prefix: acme}}}}}}}"#;
const NO_STORE: &str = r#"{zeebe: {broker: {cluster: {size: 3}}}}"#;

#[test]
fn another_prefix_is_refused() {
    let finding = scene(OWN, DEFAULT).refused(RULE);
    assert_eq!(
        finding.why[1],
        "  camunda.data.secondary-storage.elasticsearch.index-prefix: acme before, none after"
    );
    for (before, after) in [
        (DEFAULT, OWN),
        (OWN, UNTOLD),
        (EXPORTER, OWN_EXPORTER),
        (OWN_EXPORTER, EXPORTER),
    ] {
        scene(before, after).refused(RULE);
    }
}

#[test]
fn a_prefix_that_stays_passes() {
    for (before, after) in [
        (OWN, OWN),
        (DEFAULT, UNTOLD),
        (UNTOLD, DEFAULT),
        (EXPORTER, EXPORTER),
        // An exporter that goes takes its prefix along.
        (OWN_EXPORTER, NO_STORE),
        (NO_STORE, OWN),
    ] {
        assert!(
            !scene(before, after).rules().contains(&RULE),
            "{before} {after}"
        );
    }
    assert!(!scene(OWN, DEFAULT).rollback().rules().contains(&RULE));
}
