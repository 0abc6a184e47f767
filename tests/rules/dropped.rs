//! `values-dropped`, through the names that values have in the new line (`CAMUNDA_CORPUS` for real charts).

use camunda_upgrade_guard::finding::{Action, Finding};
use harness::Corpus;
use serde_json::{Value, json};

use crate::{
    live::Upgrade,
    scene::{Scene, commands},
};

const RULE: &str = "values-dropped";

fn to_13(before: Value, now: Value) -> Scene {
    Scene::upgrade("12.13.3", "13.12.7").values(before, now)
}

fn names(finding: &Finding) -> Vec<&str> {
    let lines = finding.why.iter().skip(1);
    lines.map(|line| line.trim()).collect()
}

#[test]
fn a_value_is_looked_for_under_its_new_name() {
    let before = json!({
        "zeebe": {
            "extraVolumeClaimTemplates": [{"metadata": {"name": "exports"}}],
            "env": [{"name": "A", "value": "hunter2"}],
            "resources": {"limits": {"cpu": "2", "memory": "4Gi"}},
            "service": {"httpPort": 9601},
        },
        "operate": {"env": [{"name": "B", "value": "b"}], "resources": {"limits": {"cpu": "1"}}},
        "tasklist": {"enabled": false},
        "postgresql": {"primary": {"persistence": {"size": "20Gi"}}},
        "identity": {"users": [{"username": "jane"}]},
    });
    let finding = to_13(before.clone(), json!({})).one(RULE);
    assert_eq!(finding.action, Action::Warn);
    assert_eq!(
        names(&finding),
        [
            "identity.users",
            "operate.env (now orchestration.env)",
            "postgresql.primary.persistence.size (now webModelerPostgresql.primary.persistence.size)",
            "tasklist.enabled (now orchestration.profiles.tasklist)",
            "zeebe.resources.limits.{cpu, memory} (now orchestration.resources.limits.{cpu, memory})",
            "zeebe.service.httpPort (now orchestration.service.managementPort)",
            "zeebe.{env, extraVolumeClaimTemplates} (now orchestration.{env, extraVolumeClaimTemplates})",
        ]
    );
    assert!(!format!("{finding:?}").contains("hunter2"));
    assert_eq!(commands(&finding), ["helm get values camunda -n prod"]);

    // Given again under the new names, or left under the old ones, of which other rules speak.
    let now = json!({
        "orchestration": {
            "extraVolumeClaimTemplates": [{"metadata": {"name": "exports"}}],
            "env": [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}],
            "resources": {"limits": {"cpu": "2", "memory": "4Gi"}},
            "service": {"managementPort": 9601}, "profiles": {"tasklist": false},
        },
        "webModelerPostgresql": {"primary": {"persistence": {"size": "20Gi"}}},
        "identity": {"users": []},
    });
    for given in [now, before.clone()] {
        assert!(!to_13(before.clone(), given).rules().contains(&RULE));
    }
}

#[test]
fn the_new_charts_own_default_is_not_lost() {
    let before = json!({"zeebe": {"clusterSize": 3, "pvcSize": "64Gi"}, "connectors": {"replicas": 1, "env": []}});
    let defaults = json!({"orchestration": {"clusterSize": "3", "pvcSize": "32Gi"}, "connectors": {"replicas": 1}});
    let finding = to_13(before.clone(), json!({}))
        .defaults(defaults.clone())
        .one(RULE);
    assert_eq!(
        names(&finding),
        ["zeebe.pvcSize (now orchestration.pvcSize)"]
    );
    // The same under an umbrella's name for the chart.
    let default = json!({"connectors": {"replicas": 2}});
    let scene = Scene::upgrade("12.0.0", "12.13.3")
        .values(default.clone(), json!({}))
        .defaults(default);
    assert!(!scene.rules().contains(&RULE));
    // Nobody knows them.
    let unknown = to_13(before, json!({})).one(RULE);
    assert_eq!(
        unknown.title,
        "3 values that were set before are not set any more"
    );
}

#[test]
fn all_are_named_however_many() {
    let many: serde_json::Map<_, _> = (0..40).map(|n| (format!("KEY{n}"), json!("x"))).collect();
    let scene = Scene::upgrade("12.0.0", "12.13.3")
        .values(json!({"connectors": {"podLabels": many}}), json!({}));
    let text = scene.one(RULE).why.join(" ");
    for n in 0..40 {
        assert!(text.contains(&format!("KEY{n}")), "{n}: {text}");
    }
}

#[test]
fn real_charts_name_all_that_is_lost() {
    let Some(corpus) = Corpus::find() else { return };
    let named = |from: &str, to: &str| -> String {
        let upgrade = Upgrade::between(&corpus, from, to);
        let mut findings = upgrade.findings();
        findings.retain(|finding| finding.rule.name() == RULE);
        let finding = findings.pop().map_or_else(Vec::new, |finding| finding.why);
        finding.join("\n")
    };
    let lost = named("12.13.3-secrets-in-values", "13.12.7-migration-full");
    for key in [
        "connectors.extraConfiguration.private.pem",
        "global.license.key",
        "identity.{clients, env, users}",
        "operate.extraConfiguration.oauth.yaml (now orchestration.extraConfiguration)",
        "tasklist.sidecars (now orchestration.sidecars)",
        "webModeler.restapi.env",
        "webModeler.restapi.mail.smtpPassword",
        "zeebe.{env, initContainers, javaOpts} (now orchestration.{env, initContainers, javaOpts})",
    ] {
        assert!(lost.contains(key), "{key}: {lost}");
    }
    assert!(!lost.contains("CANARY"), "{lost}");
    let lost = named("12.13.3-broker-volumes", "13.12.7-migration");
    assert!(lost.contains("extraVolumeClaimTemplates"), "{lost}");
    assert_eq!(named("12.13.3", "13.12.7-migration-full"), "");
    assert_eq!(named("12.13.3-defaults", "13.12.7-migration"), "");
    assert_eq!(named("11.0.1", "12.13.3-after-11.0.1"), "");
}
