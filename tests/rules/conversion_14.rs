//! The values of 13 as values of 14, over real releases (`CAMUNDA_CORPUS`).

use camunda_upgrade_guard::{
    finding::{Action, Finding},
    kubernetes::Kind,
};
use harness::Corpus;
use serde_json::{Value, json};

use crate::{
    conversion::{file, over, text, unknown},
    live::Upgrade,
};

const FILE: &str = "camunda-14.yaml";

fn to_14(corpus: &Corpus) -> Upgrade {
    Upgrade::between(corpus, "13.12.7-identity", "14.0.0-identity")
}

/// With these values beside those of the records.
fn with_values(upgrade: Upgrade, running: &Value, planned: &Value) -> Upgrade {
    let before = over(&upgrade.running["config"], running);
    let now = over(&upgrade.planned["config"], planned);
    upgrade.values(before, now)
}

fn one(upgrade: &Upgrade, rule: &str) -> Finding {
    let mut findings = upgrade.findings();
    findings.retain(|finding| finding.rule.name() == rule);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0)
}

#[test]
fn the_way_that_is_right_is_not_refused() {
    let Some(corpus) = Corpus::find() else { return };
    let findings = to_14(&corpus).findings();
    let denied = |finding: &Finding| finding.action == Action::Deny;
    assert!(!findings.iter().any(denied), "{findings:#?}");
}

#[test]
fn brokers_that_the_layer_of_compatibility_counted() {
    let Some(corpus) = Corpus::find() else { return };
    let old = json!({"zeebe": {"enabled": true, "clusterSize": 5}});
    let upgrade = with_values(to_14(&corpus), &old, &old);
    let mut zeebe = upgrade.live(Kind::StatefulSet, "camunda-zeebe");
    zeebe["spec"]["replicas"] = 5.into();
    let upgrade = upgrade.with(zeebe);
    assert_eq!(
        upgrade.refusing(),
        ["orchestration-values", "zeebe-brokers-reduced"]
    );
    let new = file(&one(&upgrade, "orchestration-values"), FILE);
    assert_eq!(new["orchestration"]["clusterSize"], "5");
}

#[test]
fn elasticsearch_is_switched_on_again() {
    let Some(corpus) = Corpus::find() else { return };
    let upgrade = to_14(&corpus).unbundled("14.0.0", &["charts/elasticsearch/"]);
    let mut config = upgrade.planned["config"].clone();
    let before = upgrade.running["config"].clone();
    let switch = config.as_object_mut().unwrap().remove("elasticsearch");
    assert_eq!(switch, Some(json!({"enabled": true})));
    let upgrade = upgrade.values(before, config);
    assert_eq!(upgrade.refusing(), ["claims-orphaned"]);
    let new = file(&one(&upgrade, "claims-orphaned"), FILE);
    assert_eq!(new["elasticsearch"]["enabled"], true, "{new:#}");
    let database = &new["optimize"]["database"]["elasticsearch"];
    assert_eq!(database["enabled"], true, "{new:#}");
    // The store is named already.
    assert_eq!(new["orchestration"], Value::Null, "{new:#}");
    let mut unnamed = upgrade.planned("type: \"elasticsearch\"", "type: \"\"");
    unnamed.planned["config"]["orchestration"] = json!({});
    let finding = one(&unnamed, "claims-orphaned");
    let storage = &file(&finding, FILE)["orchestration"]["data"]["secondaryStorage"];
    assert_eq!(storage["type"], "elasticsearch");
    // Who switched it off is told by which values.
    let off = with_values(
        unnamed,
        &json!({}),
        &json!({"elasticsearch": {"enabled": false}}),
    );
    let finding = one(&off, "claims-orphaned");
    assert!(
        finding.fixes[0].intro.contains("elasticsearch.enabled"),
        "{finding:#?}"
    );
}

/// What is read from a Secret now, and nothing in 14 says so.
#[test]
fn secrets_that_13_named_are_named() {
    let Some(corpus) = Corpus::find() else { return };
    let old = json!({"operate": {"env": [{"name": "A", "value": "b"}]}});
    let from = |key: &str| format!("valueFrom: {{secretKeyRef: {{name: mine, key: {key}}}}}");
    let upgrade = with_values(to_14(&corpus), &json!({}), &old)
        .running("value: \"demo\"", &from("first"))
        .running("value: \"orch-pw\"", &from("orchestration"))
        .running("value: \"connectors-pw\"", &from("connectors"));
    let mut config = upgrade.planned["config"].clone();
    for parent in [
        &["identity", "firstUser"][..],
        &["orchestration", "security", "authentication", "oidc"],
    ] {
        let parent = parent
            .iter()
            .fold(&mut config, |value, key| &mut value[key]);
        parent.as_object_mut().unwrap().remove("secret");
    }
    let before = upgrade.running["config"].clone();
    let upgrade = upgrade
        .values(before, config)
        .planned("VALUES_IDENTITY_FIRSTUSER_PASSWORD", "GONE_1")
        .planned("VALUES_ORCHESTRATION_CLIENT_SECRET", "GONE_2");
    let new = file(&one(&upgrade, "orchestration-values"), FILE);
    assert_eq!(
        new["identity"]["firstUser"]["secret"],
        json!({"existingSecret": "mine", "existingSecretKey": "first"})
    );
    assert_eq!(
        new["orchestration"]["security"]["authentication"]["oidc"]["secret"],
        json!({"existingSecret": "mine", "existingSecretKey": "orchestration"})
    );
    // Connectors are given theirs by the new values.
    assert_eq!(new["connectors"], Value::Null, "{new:#}");
}

/// Everything that 14 refuses or reads elsewhere.
fn legacy() -> Value {
    let own = |key: &str| json!({"existingSecret": "mine", "existingSecretKey": key});
    json!({
        "zeebe": {"enabled": true, "clusterSize": 5},
        "connectors": {"security": {"authentication": {"oidc": own("connectors")}}},
        "global": {
            "license": own("license"),
            "elasticsearch": {"auth": own("elastic")},
            "opensearch": {"auth": own("open")},
            "identity": {"auth": {
                "admin": own("admin"), "identity": own("identity"), "optimize": own("optimize"),
                "orchestration": {"clientId": "camunda", "audience": "all", "redirectUrl": "https://camunda.example.com"},
                "connectors": {"clientId": "robots"},
            }},
            "documentStore": {"type": {
                "aws": {"existingSecret": "mine", "accessKeyIdKey": "id", "secretAccessKeyKey": "key"},
                "gcp": {"existingSecret": "mine", "credentialsKey": "gcp"},
            }},
        },
        "identity": {"firstUser": own("first"), "externalDatabase": {"existingSecret": "mine", "existingSecretPasswordKey": "db"}},
        "orchestration": {"security": {"authentication": {"oidc": own("orchestration")}}, "profiles": {"identity": false}},
        "webModeler": {"restapi": {
            "externalDatabase": {"existingSecret": "mine", "existingSecretPasswordKey": "db"},
            "mail": {"existingSecret": "mine", "existingSecretPasswordKey": "mail"},
        }},
    })
}

#[test]
fn every_key_that_is_printed_is_one_of_the_chart() {
    let Some(corpus) = Corpus::find() else { return };
    let upgrade = to_14(&corpus).unbundled(
        "14.0.0",
        &[
            "charts/elasticsearch/",
            "templates/identity/",
            "templates/optimize/",
        ],
    );
    let chart = upgrade.planned["chart"]["values"].clone();
    let upgrade = upgrade
        .values(
            legacy(),
            json!({"zeebe": {"enabled": true, "clusterSize": 5}}),
        )
        .planned("VALUES_ORCHESTRATION_LICENSE_KEY", "OTHER");
    let new = file(&one(&upgrade, "orchestration-values"), FILE);
    assert_eq!(unknown(&new, &chart), None, "{new:#}");
    for pointer in [
        "/connectors/security/authentication/oidc/secret/existingSecret",
        "/global/license/secret/existingSecret",
        "/global/elasticsearch/auth/secret/existingSecret",
        "/global/opensearch/auth/secret/existingSecret",
        "/global/identity/auth/admin/secret/existingSecret",
        "/global/identity/auth/identity/secret/existingSecret",
        "/global/identity/auth/optimize/secret/existingSecret",
        "/global/documentStore/type/gcp/secret/existingSecret",
        "/identity/firstUser/secret/existingSecret",
        "/identity/externalDatabase/secret/existingSecret",
        "/orchestration/security/authentication/oidc/secret/existingSecret",
        "/webModeler/restapi/externalDatabase/secret/existingSecret",
        "/webModeler/restapi/mail/secret/existingSecret",
    ] {
        assert_eq!(
            new.pointer(pointer),
            Some(&json!("mine")),
            "{pointer}: {new:#}"
        );
    }
    for (pointer, value) in [
        (
            "/global/documentStore/type/aws/accessKeyId/secret/existingSecretKey",
            json!("id"),
        ),
        (
            "/global/documentStore/type/aws/secretAccessKey/secret/existingSecretKey",
            json!("key"),
        ),
        (
            "/global/documentStore/type/gcp/secret/existingSecretKey",
            json!("gcp"),
        ),
        (
            "/orchestration/security/authentication/oidc/clientId",
            json!("camunda"),
        ),
        ("/orchestration/profiles/admin", json!(false)),
        ("/elasticsearch/enabled", json!(true)),
        ("/optimize/enabled", json!(true)),
        ("/optimize/database/elasticsearch/enabled", json!(true)),
        ("/identity/enabled", json!(true)),
        ("/orchestration/clusterSize", json!("5")),
    ] {
        assert_eq!(new.pointer(pointer), Some(&value), "{pointer}: {new:#}");
    }
}

/// Document stores had one Secret, which now has two places, and names by default.
#[test]
fn both_keys_of_a_document_store_are_named() {
    let Some(corpus) = Corpus::find() else { return };
    let old = json!({"zeebe": {"enabled": true, "clusterSize": 5}});
    let stores = "- name: AWS_ACCESS_KEY_ID\n              valueFrom: {secretKeyRef: {name: aws-credentials, key: awsAccessKeyId}}\n            \
        - name: AWS_SECRET_ACCESS_KEY\n              valueFrom: {secretKeyRef: {name: aws-credentials, key: awsSecretAccessKey}}\n            \
        - name: VALUES_ORCHESTRATION_CLIENT_SECRET";
    let upgrade = with_values(to_14(&corpus), &json!({}), &old)
        .running("- name: VALUES_ORCHESTRATION_CLIENT_SECRET", stores);
    let new = file(&one(&upgrade, "orchestration-values"), FILE);
    assert_eq!(
        new["global"]["documentStore"]["type"]["aws"],
        json!({
            "accessKeyId": {"secret": {"existingSecret": "aws-credentials", "existingSecretKey": "awsAccessKeyId"}},
            "secretAccessKey": {"secret": {"existingSecret": "aws-credentials", "existingSecretKey": "awsSecretAccessKey"}},
        })
    );
}

#[test]
fn passwords_in_values_are_only_named() {
    let Some(corpus) = Corpus::find() else { return };
    let old = json!({
        "zeebe": {"enabled": true, "clusterSize": 5},
        "global": {"license": {"key": "hunter2"}, "elasticsearch": {"auth": {"password": "hunter2"}}},
        "identity": {"firstUser": {"password": "hunter2"}},
    });
    let upgrade = to_14(&corpus).values(old, json!({"zeebe": {"enabled": true, "clusterSize": 5}}));
    let finding = one(&upgrade, "orchestration-values");
    let text = text(&finding, FILE);
    assert!(!text.contains("hunter2"), "{text}");
    for key in [
        "global.license.secret.inlineSecret",
        "global.elasticsearch.auth.secret.inlineSecret",
        "identity.firstUser.secret.inlineSecret",
    ] {
        assert!(
            text.contains(&format!("# {key}: move what you have under ")),
            "{key}: {text}"
        );
    }
}
