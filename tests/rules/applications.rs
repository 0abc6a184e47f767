//! Camunda's applications with the files and variables that configure them.

use crate::scene::Scene;

pub const BEFORE: &str = "12.13.3";
pub const AFTER: &str = "13.12.7";

/// A workload with a file of its own, and what stands in its container beside that.
pub fn workload(kind: &str, name: &str, component: &str, file: &str, container: &str) -> String {
    let file = file.replace('\n', "\n    ");
    format!(
        "apiVersion: {}
kind: {kind}
metadata:
  name: camunda-{name}
  labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: {component}}}
spec:
  template:
    spec:
      containers:
      - image: x
        volumeMounts: [{{name: config, mountPath: /config/application.yaml, subPath: application.yaml}}]
        {container}
      volumes: [{{name: config, configMap: {{name: camunda-{name}-configuration}}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: camunda-{name}-configuration}}
data:
  application.yaml: |
    {file}",
        match kind {
            "Job" => "batch/v1",
            _ => "apps/v1",
        }
    )
}

pub fn operate(file: &str, container: &str) -> String {
    workload("Deployment", "operate", "operate", file, container)
}

pub fn identity(file: &str, container: &str) -> String {
    workload("Deployment", "identity", "identity", file, container)
}

pub fn cluster(file: &str, container: &str) -> String {
    workload("StatefulSet", "zeebe", "zeebe-broker", file, container)
}

pub fn job(file: &str, container: &str) -> String {
    let container =
        format!("command: [/usr/local/camunda/bin/identity-migration]\n        {container}");
    workload(
        "Job",
        "zeebe-migration-identity",
        "orchestration-migration",
        file,
        &container,
    )
}

/// Operate of 12, logging in at a provider.
pub fn logs_in_at(kind: &str, issuer: &str) -> String {
    operate(
        "spring.profiles.active: identity-auth",
        &format!(
            "env: [{{name: CAMUNDA_IDENTITY_TYPE, value: {kind}}}, {{name: CAMUNDA_IDENTITY_ISSUER, value: \"{issuer}\"}}]"
        ),
    )
}

pub fn basic() -> String {
    cluster("camunda.security.authentication.method: basic", "env: []")
}

pub fn oidc(issuer: &str) -> String {
    cluster(
        &format!(
            "camunda.security.authentication: {{method: oidc, oidc: {{issuer-uri: '{issuer}'}}}}"
        ),
        "env: []",
    )
}

pub const KEYCLOAK: &str = "https://id.example.com/auth/realms/camunda-platform";
pub const ENTRA: &str = "https://login.microsoftonline.com/0f/v2.0";

#[track_caller]
pub fn silent(scene: &Scene, rule: &str) {
    let findings = scene.findings();
    assert!(
        findings.iter().all(|finding| finding.rule.name() != rule),
        "{findings:#?}"
    );
}

/// 12 with Operate and a plain broker.
pub fn from(operate: &str) -> Scene {
    Scene::upgrade(BEFORE, AFTER)
        .running(operate)
        .running(&cluster("a: b", "env: []"))
}
