//! `elasticsearch-values-8.3`, `web-modeler-database-url` and `oidc-env-renamed`.

use camunda_upgrade_guard::{
    finding::{Action, Finding, Flag},
    helm::manifest::Document,
};
use serde_json::{Value, json};

use crate::scene::{Scene, statefulset};

const ELASTICSEARCH: &str = "elasticsearch-values-8.3";
const DATABASE: &str = "web-modeler-database-url";
const VARIABLES: &str = "oidc-env-renamed";

fn to_8_3(values: &Value) -> Scene {
    Scene::upgrade("8.2.34", "8.3.1").values(json!({}), values.clone())
}

/// The file that a finding has written, read as Helm reads it.
fn file(finding: &Finding, name: &str) -> Value {
    let [write, flag] = &finding.fixes[..] else {
        panic!("{:?}", finding.fixes)
    };
    assert_eq!(flag.commands, [Flag::File(name.to_owned()).into()]);
    let write = write.commands[0].here_document().unwrap();
    assert_eq!(write.command, format!("cat > {name}"));
    Document::new(&write.text).parse().unwrap().unwrap()
}

/// `helm upgrade -f a -f b`.
fn over(under: &Value, over: &Value) -> Value {
    let (Value::Object(below), Value::Object(above)) = (under, over) else {
        return over.clone();
    };
    let mut merged = below.clone();
    for (key, value) in above {
        let value = below
            .get(key)
            .map_or_else(|| value.clone(), |old| self::over(old, value));
        merged.insert(key.clone(), value);
    }
    Value::Object(merged)
}

#[test]
fn elastics_values_are_converted() {
    let values = json!({
        "global": {"elasticsearch": {"host": "elasticsearch-master", "port": 9200}},
        "elasticsearch": {
            "image": "registry.example.com/elasticsearch/elasticsearch",
            "imageTag": "7.17.9",
            "replicas": 3,
            "volumeClaimTemplate": {"storageClassName": "fast", "resources": {"requests": {"storage": "128Gi"}}},
        },
        "retentionPolicy": {"enabled": true, "zeebeIndexTTL": 2, "operateIndexTTL": 60},
    });
    let finding = to_8_3(&values).refused(ELASTICSEARCH);
    for key in [
        "elasticsearch.image:",
        "elasticsearch.imageTag:",
        "elasticsearch.volumeClaimTemplate:",
        "global.elasticsearch.host:",
        "retentionPolicy:",
    ] {
        assert!(
            finding.why.iter().any(|line| line.contains(key)),
            "{key}: {:?}",
            finding.why
        );
    }
    let new = file(&finding, "elasticsearch-8.3.yaml");
    let retention = |days: &str| json!({"retention": {"enabled": true, "minimumAge": days}});
    assert_eq!(
        new,
        json!({
            "global": {"elasticsearch": {"host": "{{ .Release.Name }}-elasticsearch"}},
            "elasticsearch": {
                "image": {"registry": "registry.example.com", "repository": "bitnami/elasticsearch", "tag": "8.8.2"},
                "master": {"replicaCount": 3, "persistence": {"size": "128Gi", "storageClass": "fast"}},
            },
            "zeebe": retention("2d"),
            "operate": retention("60d"),
            "tasklist": retention("30d"),
        })
    );
    // In place of the old keys, and after them.
    to_8_3(&new).passes();
    to_8_3(&over(&values, &new)).passes();
}

#[test]
fn each_of_elastics_keys_is_found_alone() {
    for values in [
        json!({"elasticsearch": {"image": "docker.elastic.co/elasticsearch/elasticsearch"}}),
        json!({"elasticsearch": {"imageTag": "7.17.3"}}),
        json!({"elasticsearch": {"volumeClaimTemplate": {"resources": {"requests": {"storage": "1Gi"}}}}}),
        json!({"global": {"elasticsearch": {"host": "elasticsearch-master"}}}),
        json!({"elasticsearch": {"enabled": false}, "retentionPolicy": {"enabled": true}}),
    ] {
        let finding = to_8_3(&values).refused(ELASTICSEARCH);
        let new = file(&finding, "elasticsearch-8.3.yaml");
        assert_eq!(new.pointer("/elasticsearch/image/registry"), None);
        to_8_3(&over(&values, &new)).passes();
    }
}

/// The number of nodes counts where others would run.
#[test]
fn elastics_number_of_nodes_is_converted() {
    let scene = |values: Value, nodes| {
        let labels = "app.kubernetes.io/name: elasticsearch, app.kubernetes.io/instance: camunda, app.kubernetes.io/component: master";
        let set = statefulset("camunda-elasticsearch-master", "data", labels, nodes);
        to_8_3(&values).planned(&set)
    };
    let values = json!({"elasticsearch": {"replicas": 3}});
    let finding = scene(values.clone(), 2).refused(ELASTICSEARCH);
    let new = file(&finding, "elasticsearch-8.3.yaml");
    assert_eq!(
        new,
        json!({"elasticsearch": {"master": {"replicaCount": 3}}})
    );
    scene(over(&values, &new), 3).passes();
    scene(values, 3).passes();
    scene(json!({"elasticsearch": {"replicas": "2"}}), 2).passes();
    scene(json!({"elasticsearch": {"master": {"replicaCount": 3}}}), 3).passes();
    to_8_3(&json!({"elasticsearch": {"enabled": false, "replicas": 3}})).passes();
}

#[test]
fn values_that_8_3_reads_pass() {
    for values in [
        Value::Null,
        json!({"elasticsearch": {"image": {"repository": "bitnami/elasticsearch", "tag": "8.8.2"}}}),
        json!({"retentionPolicy": {"enabled": false, "zeebeIndexTTL": 3}}),
        json!({"elasticsearch": {"enabled": false}, "global": {"elasticsearch": {"host": "elasticsearch-master"}}}),
        json!({"elasticsearch": {"enabled": false, "imageTag": "7.17.3"}}),
    ] {
        to_8_3(&values).passes();
    }
    let old = json!({"elasticsearch": {"imageTag": "7.17.3"}});
    for (from, to) in [("8.2.9", "8.2.34"), ("8.3.1", "8.3.25"), ("9.3.7", "9.7.0")] {
        Scene::upgrade(from, to)
            .values(old.clone(), old.clone())
            .passes();
    }
}

#[test]
fn a_database_gets_its_url() {
    let values = |database: Value| json!({"webModeler": {"enabled": true, "restapi": {"externalDatabase": database}}});
    let old = values(
        json!({"host": "db", "port": 5433, "database": "modeler", "user": "u", "password": "hidden"}),
    );
    let finding = to_8_3(&old).refused(DATABASE);
    assert!(!format!("{finding:?}").contains("hidden"));
    let new = file(&finding, "web-modeler-8.3.yaml");
    assert_eq!(
        new["webModeler"]["restapi"]["externalDatabase"],
        json!({"url": "jdbc:postgresql://db:5433/modeler"})
    );
    to_8_3(&over(&old, &new)).passes();
    let finding = to_8_3(&values(json!({"host": "db", "database": "m"}))).refused(DATABASE);
    assert!(
        finding.why[0].contains("jdbc:postgresql://db:5432/m"),
        "{:?}",
        finding.why
    );

    to_8_3(&values(json!({"url": "jdbc:postgresql://db:5432/m"}))).passes();
    to_8_3(&values(json!({"port": 5432}))).passes();
    to_8_3(&over(&old, &json!({"postgresql": {"enabled": true}}))).passes();
    to_8_3(&over(&old, &json!({"webModeler": {"enabled": false}}))).passes();
    Scene::upgrade("8.2.9", "8.2.34")
        .values(json!({}), old)
        .passes();
}

#[test]
fn renamed_variables_are_named() {
    let to_9 = |values: &Value| Scene::upgrade("8.3.25", "9.7.0").values(json!({}), values.clone());
    let old = json!({"name": "CAMUNDA_OPERATE_IDENTITY_CLIENT_SECRET", "value": "hidden"});
    let new = json!({"name": "CAMUNDA_IDENTITY_CLIENT_SECRET", "value": "hidden"});
    let values = json!({"operate": {"env": [old]}, "webModeler": {"webapp": {"env": [{"name": "KEYCLOAK_REALM"}]}}});
    let findings = to_9(&values).particular();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].rule.name(), findings[0].action),
        (VARIABLES, Action::Warn)
    );
    for told in [
        "operate.env: CAMUNDA_OPERATE_IDENTITY_CLIENT_SECRET is now CAMUNDA_IDENTITY_CLIENT_SECRET",
        "webModeler.webapp.env: KEYCLOAK_REALM is gone",
    ] {
        assert!(findings[0].why[0].contains(told), "{:?}", findings[0].why);
    }
    assert!(!format!("{findings:?}").contains("hidden"));

    for values in [
        Value::Null,
        json!({"operate": {"env": [new]}}),
        json!({"operate": {"env": [old, new]}}),
        json!({"operate": {"enabled": false, "env": [old]}}),
        json!({"operate": {"env": [{"name": "MINE"}]}}),
    ] {
        to_9(&values).passes();
    }
    Scene::upgrade("9.3.7", "9.7.0")
        .values(json!({}), values)
        .passes();
}
