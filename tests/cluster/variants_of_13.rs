//! From 12 to 13 where Camunda is set up otherwise than by default: refused, cured as printed, admitted.

use std::fs;

use harness::{Cluster, Helm};

use crate::{
    charts::own,
    release::{Release, assert_silent},
    stage::guarded,
};

/// What is lost on the way with Keycloak and its database on.
const ON_DEFAULTS: [&str; 6] = [
    "authentication-changed",
    "claims-orphaned",
    "component-disappears",
    "data-migration-disabled",
    "identity-secret-removed",
    "importers-disabled",
];

/// Upgrades from 12 to 13 on the values of 12, which these rules refuse, and then with what the refusal prints.
fn to_13<'c>(cluster: &'c Cluster, helm: Helm, values: &str, rules: &[&str]) -> Release<'c> {
    let release = Release::new(cluster, "camunda");
    let file = cluster.scratch("values").unwrap().join("values.yaml");
    fs::write(&file, values).unwrap();
    let args = ["-f", file.to_str().unwrap()];
    let installed = release.install(helm, &own("camunda-12"), &args);
    assert_silent(&installed.ok().unwrap());
    release.bind_all();
    let volumes = release.volumes();
    let chart = own("camunda-13");
    let denial = release.refused(helm, &chart, &args);
    denial.assert_rules(rules);
    release.cured(helm, &denial, &chart, &args);
    release.bind_all();
    assert!(release.volumes().is_superset(&volumes));
    release
}

#[test]
fn without_identity() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let values = "
global: {identity: {auth: {enabled: false}}}
identity: {enabled: false}
identityKeycloak: {enabled: false}
optimize: {enabled: false}
";
    for helm in Helm::BOTH {
        let release = to_13(
            cluster,
            helm,
            values,
            &["data-migration-disabled", "importers-disabled"],
        );
        assert_eq!(release.get("deployment", "camunda-identity"), None);
        assert!(!release.secrets().contains_key("camunda-credentials"));
        let importer = "camunda-zeebe-migration-importer";
        assert!(release.get("deployment", importer).is_some());
    }
}

#[test]
fn with_an_external_keycloak() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let values = "
global:
  identity:
    keycloak:
      url: {protocol: https, host: keycloak.example.com, port: 443}
      auth: {adminUser: admin, existingSecret: keycloak-admin, existingSecretKey: password}
identityKeycloak: {enabled: false}
";
    let rules = [
        "authentication-changed",
        "component-disappears",
        "data-migration-disabled",
        "importers-disabled",
    ];
    for helm in Helm::BOTH {
        let release = to_13(cluster, helm, values, &rules);
        assert_eq!(release.get("statefulset", "camunda-keycloak"), None);
        let identity = release.get("deployment", "camunda-identity").unwrap();
        assert!(
            identity.to_string().contains("keycloak-admin"),
            "{identity}"
        );
        let job = "camunda-zeebe-migration-identity";
        assert!(release.get("job", job).is_some());
    }
}

#[test]
fn with_an_external_elasticsearch() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let values = "
global: {elasticsearch: {external: true, url: {protocol: https, host: es.example.com, port: 9243}}}
elasticsearch: {enabled: false}
";
    for helm in Helm::BOTH {
        let release = to_13(cluster, helm, values, &ON_DEFAULTS);
        let store = "camunda-elasticsearch-master";
        assert_eq!(release.get("statefulset", store), None);
        // Without the values that name it the chart's own comes up.
        let forgotten = release.upgrade(helm, &own("camunda-13"), &["--reset-values"]);
        let denial = harness::Denial::of(&forgotten);
        let found = denial.rules.iter().any(|rule| rule == "datastore-changed");
        assert!(found, "{}", denial.text);
    }
}

#[test]
fn with_web_modelers_own_database() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let mut rules = ON_DEFAULTS.to_vec();
    rules.extend(["claims-orphaned", "web-modeler-postgresql-renamed"]);
    for helm in Helm::BOTH {
        let release = to_13(cluster, helm, "postgresql: {enabled: true}\n", &rules);
        let database = "camunda-postgresql-web-modeler";
        let database = release.get("statefulset", database).unwrap();
        let reads = "web-modeler-postgresql-user-password";
        assert!(database.to_string().contains(reads), "{database}");
    }
}
