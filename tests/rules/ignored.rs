//! `values-ignored`.

use camunda_upgrade_guard::finding::{Action, Finding};
use serde_json::{Value, json};

use crate::scene::{Scene, commands, secret};

const RULE: &str = "values-ignored";

fn upgrade(from: &'static str, to: &'static str, values: &Value) -> Scene {
    Scene::upgrade(from, to).values(values.clone(), values.clone())
}

fn found(scene: &Scene) -> Vec<Finding> {
    let mut findings = scene.findings();
    findings.retain(|finding| finding.rule.name() == RULE);
    findings
}

#[track_caller]
fn warned(from: &'static str, to: &'static str, values: &Value) -> Finding {
    let findings = found(&upgrade(from, to, values));
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].action, Action::Warn);
    findings.into_iter().next().unwrap()
}

#[track_caller]
fn passes(from: &'static str, to: &'static str, values: &Value) {
    assert_eq!(
        found(&upgrade(from, to, values)),
        [],
        "{from} to {to}: {values}"
    );
}

#[test]
fn what_the_new_chart_no_longer_reads_is_named() {
    let values = json!({
        "global": {"zeebePort": 27500, "identity": {"image": {"tag": "secret-tag", "repository": "hidden"}}},
        "zeebe": {"clusterSize": 3},
    });
    let finding = warned("9.7.0", "10.11.3", &values);
    assert_eq!(finding.title, "2 values have no effect in chart 10.11.3");
    assert_eq!(
        finding.why,
        [
            "Chart 10.11.3 does not read what 9.7.0 did: global.identity.image, global.zeebePort (now zeebeGateway.service.grpcPort).",
        ]
    );
    assert_eq!(commands(&finding), ["helm get values camunda -n prod"]);
    let text = format!("{finding:?}");
    assert!(!text.contains("27500") && !text.contains("hidden") && !text.contains("secret-tag"));

    // Not again once the line is entered, nor before, nor on the way back.
    passes("10.0.2", "10.11.3", &values);
    passes("9.3.7", "9.7.0", &values);
    passes("10.11.3", "9.7.0", &values);
    assert_eq!(found(&upgrade("9.7.0", "10.11.3", &values).rollback()), []);
}

#[test]
fn one_key_is_named_whole_and_with_its_whole_successor() {
    let ingress = json!({"connectors": {"ingress": {"host": "c.example.com"}}});
    let finding = warned("12.13.3", "13.12.7", &ingress);
    assert_eq!(finding.title, "A value has no effect in chart 13.12.7");
    assert!(
        finding.why[0].contains("connectors.ingress.host (now global.ingress.host)."),
        "{:?}",
        finding.why
    );
    let resources = json!({"elasticsearch": {"resources": {"limits": {"cpu": 1}}}});
    let finding = warned("8.2.34", "8.3.26", &resources);
    assert!(
        finding.why[0].contains("(now elasticsearch.master.resources.limits.cpu)."),
        "{:?}",
        finding.why
    );
    let privileged = json!({"elasticsearch": {"sysctlInitContainer": {"enabled": false}}});
    let finding = warned("8.2.34", "8.3.26", &privileged);
    assert!(
        finding.why[0].contains("(now elasticsearch.sysctlImage.enabled)"),
        "{:?}",
        finding.why
    );
}

#[test]
fn nobody_reads_a_hundred_keys() {
    let keys = "antiAffinity esConfig esJavaOpts extraEnvs fsGroup httpPort keystore lifecycle maxUnavailable \
                networkHost nodeGroup protocol roles transportPort";
    let below = keys.split(' ').map(|key| (key.to_owned(), json!("x")));
    let values = json!({"elasticsearch": serde_json::Map::from_iter(below)});
    let finding = warned("8.2.34", "8.3.26", &values);
    assert!(finding.title.starts_with("14 values"), "{}", finding.title);
    assert!(
        finding.why[0].ends_with("elasticsearch.protocol, and 2 more."),
        "{:?}",
        finding.why
    );
}

#[test]
fn what_still_has_an_effect_passes() {
    // Charts 10 to 12 merge these into their own keys.
    let merged = json!({
        "identity": {"keycloak": {"auth": {"adminUser": "a"}}, "postgresql": {"enabled": true}},
        "zeebe-gateway": {"replicas": 2},
        "global": {"elasticsearch": {"host": "e", "port": 9243, "protocol": "https"}},
    });
    passes("9.7.0", "10.11.3", &merged);
    passes("10.11.3", "11.12.3", &merged);
    passes("11.12.3", "12.13.3", &merged);
    // So does 13 with clients of Connectors, which 14 reads elsewhere, and 14 with a profile; 14's templates read the tag.
    let auth = json!({"global": {"identity": {"auth": {"connectors": {"clientId": "c"}}}}});
    passes("12.13.3", "13.12.7", &auth);
    passes("13.12.7", "14.8.4", &auth);
    upgrade("13.12.7", "14.8.4", &auth).refused("values-moved");
    let read = json!({
        "global": {"image": {"tag": "8.9.0"}, "tls": {"caBundle": {"image": "i"}}},
        "orchestration": {"profiles": {"identity": true}, "hostNetwork": true},
    });
    passes("13.12.7", "14.8.4", &read);
}

#[test]
fn keys_of_the_users_own_and_below_free_form_maps_pass() {
    passes(
        "8.2.34",
        "8.3.26",
        &json!({
            "mine": {"a": 1},
            "elasticsearch": {"mine": 1},
            "connectors": {"logging": {"level": {"mine": "DEBUG"}}, "ingress": {"annotations": {"nginx.ingress.kubernetes.io/x": "y"}}},
            "operate": {"podLabels": {"retentionPolicy": "x"}, "env": [{"name": "A", "value": "b"}]},
        }),
    );
    passes(
        "8.1.27",
        "8.2.34",
        &json!({"connectors": {"logging": {"level": {"ROOT": "DEBUG"}}}}),
    );
    passes(
        "8.3.26",
        "9.7.0",
        &json!({
            "identity": {"keycloak": {"postgresql": {"primary": {"containerSecurityContext": {"runAsGroup": 1001}}}}},
        }),
    );
}

#[test]
fn what_is_not_set_or_switched_off_passes() {
    passes(
        "9.7.0",
        "10.11.3",
        &json!({"global": {"zeebePort": null, "identity": {"image": {"tag": ""}}}}),
    );
    passes(
        "12.13.3",
        "13.12.7",
        &json!({
            "connectors": {"enabled": false, "inbound": {"mode": "oauth"}},
            "console": {"ingress": {"enabled": false, "host": "c.example.com"}},
            "executionIdentity": {"enabled": false},
        }),
    );
    passes(
        "9.7.0",
        "10.11.3",
        &json!({"global": {"zeebePort": 27500}, "zeebeGateway": {"service": {"grpcPort": 27500}}}),
    );
}

#[test]
fn what_other_rules_speak_of_is_not_said_twice() {
    passes(
        "12.13.3",
        "13.12.7",
        &json!({
            "zeebe": {"clusterSize": 5}, "zeebeGateway": {"replicas": 2}, "zeebe-gateway": {"replicas": 2},
            "operate": {"env": [{"name": "A"}]}, "tasklist": {"contextPath": "/t"}, "postgresql": {"enabled": true},
        }),
    );
    passes(
        "8.2.34",
        "8.3.26",
        &json!({
            "elasticsearch": {"imageTag": "7.17.9", "volumeClaimTemplate": {"storageClassName": "s"}},
            "retentionPolicy": {"enabled": true},
            "webModeler": {"enabled": true, "restapi": {"externalDatabase": {"host": "h", "port": 1}}},
        }),
    );
}

#[test]
fn keys_of_the_guide_that_never_shipped_are_named_until_they_are_gone() {
    let values = json!({
        "orchestration": {"importer": {"enabled": true}, "migration": {"process": {"enabled": true}, "data": {"enabled": true}}},
        "migration": {"identity": {"enabled": true, "idpApplicationId": "hidden"}},
        "camunda": {"operate": {"importerEnabled": true}},
        "camunda.tasklist.importerEnabled": true,
        "global": {"identity": {"auth": {"zeebe": {"existingSecret": "hidden"}}}},
        "identityKeycloak": {"auth": {"managementPassword": "hidden", "adminPassword": "x"}},
    });
    for (from, to) in [
        ("12.13.3", "13.12.7"),
        ("13.0.0", "13.12.7"),
        ("13.12.7", "13.12.7"),
    ] {
        let finding = warned(from, to, &values);
        assert_eq!(finding.title, "8 values have no effect in chart 13.12.7");
        let why = &finding.why[0];
        assert!(
            why.starts_with("The guide names these, but no released chart 13 reads them: "),
            "{why}"
        );
        for told in [
            "orchestration.importer.enabled (use orchestration.migration.data.enabled)",
            "orchestration.migration.process.enabled (use orchestration.migration.data.enabled)",
            "migration.identity.enabled (use orchestration.migration.identity.enabled)",
            "migration.identity.idpApplicationId (use orchestration.migration.identity.clientId)",
            "camunda.operate.importerEnabled (use orchestration.migration.data.enabled)",
            "camunda.tasklist.importerEnabled (use orchestration.migration.data.enabled)",
            "global.identity.auth.zeebe.existingSecret,",
            "identityKeycloak.auth.managementPassword",
        ] {
            assert!(why.contains(told), "{told}: {why}");
        }
        assert!(!format!("{finding:?}").contains("hidden"));
    }
    passes(
        "13.0.0",
        "13.12.7",
        &json!({"orchestration": {"migration": {"data": {"enabled": true}, "identity": {"enabled": true}}}}),
    );
    passes(
        "11.12.3",
        "12.13.3",
        &json!({"migration": {"data": {"enabled": true}}}),
    );
}

#[test]
fn values_below_an_umbrella_are_camundas() {
    let object = |version: &str| {
        let labels = format!(
            "app.kubernetes.io/part-of: camunda-platform, helm.sh/chart: camunda-platform-{version}"
        );
        let source = "# Source: umbrella/charts/bpm/templates/secret.yaml";
        format!("{source}\n{}", secret("labelled", &labels, ""))
    };
    let found = |values: &Value| {
        let scene = upgrade("12.13.3", "13.12.7", values).umbrella();
        found(
            &scene
                .running(&object("12.13.3"))
                .planned(&object("13.12.7")),
        )
    };
    let inbound = json!({"connectors": {"inbound": {"mode": "oauth"}}});
    let findings = found(&json!({
        "bpm": inbound,
        "other": {"migration": {"data": {"enabled": true}}},
        "migration": {"data": {"enabled": true}},
        "global": {"identity": {"auth": {"operate": {"clientId": "o"}}}},
    }));
    assert_eq!(findings.len(), 1);
    let told = "connectors.inbound.mode, global.identity.auth.operate.clientId.";
    assert!(findings[0].why[0].ends_with(told), "{:?}", findings[0].why);
    assert_eq!(found(&json!({"other": inbound})), []);
}

#[test]
fn what_was_taken_out_because_nothing_reads_it_is_not_asked_for_again() {
    let before = json!({"connectors": {"inbound": {"mode": "oauth"}}, "console": {"replicas": 2}});
    let dropped = |to| {
        let scene = Scene::upgrade("12.13.0", to).values(before.clone(), json!({}));
        scene.one("values-dropped").why[1].clone()
    };
    assert_eq!(dropped("13.12.7"), "  console.replicas");
    assert!(dropped("12.13.3").contains("connectors.inbound.mode"));
}
