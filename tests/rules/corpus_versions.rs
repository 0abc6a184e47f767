//! The rules about versions over what real charts render, with everything live as the running manifest says.

use std::collections::BTreeMap;

use camunda_upgrade_guard::{
    change::{Change, Facts, Rendered},
    finding::{Action, Finding},
    helm::{manifest, release::Release},
    kubernetes::{Kind, Mounts, Object},
    rules,
};
use harness::corpus::Corpus;
use serde_json::{Value, json};

use crate::corpus_volumes::newest;

/// The rules of this table; those that need a preparation are proved elsewhere.
const RULES: [&str; 17] = [
    "upgrade-path-skipped",
    "downgrade",
    "chart-8.3.0-not-recommended",
    "component-versions-differ",
    "optimize-pairing",
    "elasticsearch-version",
    "datastore-changed",
    "upgrade-path-not-latest-patch",
    "helm-cli-version",
    "values-dropped",
    "backup-first",
    "keycloak-major-upgrade",
    "user-id-changed",
    "gateway-authentication-enabled",
    "console-role",
    "gateway-renamed",
    "release-notes",
];

fn release(corpus: &Corpus, name: &str, status: &str) -> Release {
    let mut raw = corpus.record(name).unwrap().raw;
    raw["info"]["status"] = status.into();
    serde_json::from_value(raw).unwrap()
}

/// The cluster as a release leaves it: all pods ready, all claims Bound to volumes of a CSI driver (or of `source`).
fn live(release: &Release, source: &Value) -> Facts {
    let mut facts = Facts::default();
    for document in manifest::split(&release.manifest) {
        let Some(mut value) = document.parse().unwrap() else {
            continue;
        };
        let Some(kind) = value["kind"].as_str().and_then(Kind::from_name) else {
            continue;
        };
        value["metadata"]["namespace"] = release.namespace.as_str().into();
        if matches!(kind, Kind::StatefulSet | Kind::Deployment) {
            let replicas = value["spec"]["replicas"].clone();
            value["status"] = json!({"replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas});
        }
        let object = Object(value);
        if kind == Kind::StatefulSet {
            claims(&mut facts, &object, source);
        }
        facts.insert(kind, object.into());
    }
    facts
}

fn claims(facts: &mut Facts, statefulset: &Object, source: &Value) {
    let mounts = Mounts::of(statefulset);
    for template in &mounts.templates {
        for ordinal in 0..mounts.replicas {
            let name = mounts.claim(template, ordinal);
            let namespace = statefulset.namespace();
            let mut volume = json!({
                "metadata": {"name": format!("volume-{name}")},
                "spec": {"claimRef": {"namespace": namespace, "name": name}},
            });
            for (key, value) in source.as_object().unwrap() {
                volume["spec"][key] = value.clone();
            }
            let claim = json!({
                "metadata": {"name": name, "namespace": namespace, "uid": name},
                "spec": {"volumeName": format!("volume-{name}")}, "status": {"phase": "Bound"},
            });
            facts.insert(Kind::PersistentVolume, Object(volume).into());
            facts.insert(Kind::PersistentVolumeClaim, Object(claim).into());
        }
    }
}

/// The change between two records, and the cluster as the first leaves it.
pub fn change(
    corpus: &Corpus,
    from: &str,
    to: &str,
    status: &str,
    source: &Value,
) -> (Change, Facts) {
    let running = release(corpus, from, "deployed");
    let next = release(corpus, to, status);
    let facts = live(&running, source);
    let running = Rendered::of(&running, None);
    let running = (status != "pending-install").then_some(&running);
    let mut change = Change::of_release(&next, &Rendered::of(&next, running), running).unwrap();
    change.newest_patches = newest();
    (change, facts)
}

fn findings(corpus: &Corpus, from: &str, to: &str, status: &str, source: &Value) -> Vec<Finding> {
    let (change, facts) = change(corpus, from, to, status, source);
    let mut findings = rules::judge(&change, &facts);
    findings.retain(|finding| RULES.contains(&finding.rule.name()));
    findings
}

pub fn csi() -> Value {
    json!({"csi": {"driver": "ebs.csi.aws.com"}})
}

/// How often each rule finds something.
fn counted(findings: &[Finding]) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.rule.name()).or_insert(0) += 1;
    }
    counts
        .into_iter()
        .map(|(rule, count)| match count {
            1 => rule.to_owned(),
            _ => format!("{rule} x{count}"),
        })
        .collect()
}

#[test]
fn each_line_is_entered_with_nothing_above_a_warning() {
    let Some(corpus) = Corpus::find() else { return };
    let (patch, backup) = ("upgrade-path-not-latest-patch", "backup-first");
    let (keycloak, dropped) = ("keycloak-major-upgrade", "values-dropped");
    let notes = |count: u32| match count {
        1 => "release-notes".to_owned(),
        _ => format!("release-notes x{count}"),
    };
    for (from, to, sections, expected) in [
        ("8.0.12", "8.1.27", 0, &[backup, patch][..]),
        (
            "8.1.27",
            "8.2.34",
            3,
            &[backup, "gateway-authentication-enabled", keycloak],
        ),
        ("8.2.34", "8.3.1", 2, &[backup, keycloak, patch, dropped]),
        (
            "8.2.34-defaults",
            "8.3.1-defaults",
            2,
            &[backup, keycloak, patch],
        ),
        ("8.3.1", "9.3.7", 3, &[backup, patch]),
        ("9.3.7", "10.0.2", 1, &[backup, keycloak, patch]),
        ("12.13.3", "13.12.7-migration-full", 3, &[backup]),
        ("12.13.3-defaults", "13.12.7-migration", 3, &[backup]),
        ("13.12.7-identity", "14.0.0-identity", 1, &[backup, patch]),
    ] {
        let findings = findings(&corpus, from, to, "pending-upgrade", &csi());
        let warned = findings
            .iter()
            .all(|finding| finding.action == Action::Warn);
        assert!(warned, "{from} to {to}: {findings:#?}");
        let mut expected: Vec<_> = expected.iter().map(|rule| (*rule).to_owned()).collect();
        expected.extend((sections > 0).then(|| notes(sections)));
        expected.sort();
        assert_eq!(counted(&findings), expected, "{from} to {to}");
    }
}

#[test]
fn a_volume_that_keeps_its_owner_is_told_of_where_the_user_changes() {
    let Some(corpus) = Corpus::find() else { return };
    let host = json!({"hostPath": {"path": "/var/data"}});
    for (from, to, sets) in [
        ("8.1.27", "8.2.34", &[][..]),
        (
            "8.2.34",
            "8.3.1",
            &["camunda-elasticsearch-master", "camunda-zeebe"],
        ),
        ("8.3.1", "9.3.7", &[]),
        ("9.3.7", "10.0.2", &["camunda-zeebe"]),
        ("12.13.3", "13.12.7-migration-full", &[]),
    ] {
        let findings = findings(&corpus, from, to, "pending-upgrade", &host);
        let mut told: Vec<_> = findings
            .iter()
            .filter(|finding| finding.rule.name() == "user-id-changed")
            .map(|finding| finding.objects[0].name.as_str())
            .collect();
        told.sort_unstable();
        assert_eq!(told, sets, "{from} to {to}");
    }
}

#[test]
fn the_same_version_again_and_a_first_install_are_not_worth_a_word() {
    let Some(corpus) = Corpus::find() else { return };
    let host = json!({"hostPath": {"path": "/var/data"}});
    for name in corpus.names().unwrap() {
        for status in ["pending-upgrade", "pending-rollback", "pending-install"] {
            let findings = findings(&corpus, &name, &name, status, &host);
            assert_eq!(findings, [], "{name} {status}");
        }
    }
    for (from, to) in [
        ("12.13.3-defaults", "12.13.3-five-brokers"),
        ("12.13.3-defaults", "12.13.3-autogenerated"),
        ("13.12.7-identity", "13.12.7-migration"),
        ("13.12.7-identity", "13.12.7-five-brokers-dropped"),
    ] {
        let findings = findings(&corpus, from, to, "pending-upgrade", &host);
        assert_eq!(findings, [], "{from} to {to}");
    }
    let findings = findings(
        &corpus,
        "12.13.3-five-brokers",
        "12.13.3-defaults",
        "pending-upgrade",
        &host,
    );
    assert_eq!(counted(&findings), ["values-dropped"]);
}

#[test]
fn jumps_and_ways_back_are_refused() {
    let Some(corpus) = Corpus::find() else { return };
    let denied = |from: &str, to: &str, status: &str| -> Vec<_> {
        findings(&corpus, from, to, status, &csi())
            .iter()
            .filter(|finding| finding.action == Action::Deny)
            .map(|finding| finding.rule.name())
            .collect()
    };
    for (from, to) in [
        ("8.0.12", "8.2.34"),
        ("8.1.27", "8.3.1"),
        ("10.0.2", "12.13.3"),
        ("12.13.3-defaults", "14.0.0-identity"),
    ] {
        assert_eq!(
            denied(from, to, "pending-upgrade"),
            ["upgrade-path-skipped"],
            "{from} to {to}"
        );
    }
    for (from, to, more) in [
        ("8.2.34", "8.1.27", Some("elasticsearch-version")),
        ("8.3.1", "8.2.34", Some("elasticsearch-version")),
        ("9.3.7", "8.3.1", Some("elasticsearch-version")),
        (
            "13.12.7-migration-full",
            "12.13.3",
            Some("elasticsearch-version"),
        ),
        ("14.0.0-identity", "13.12.7-identity", None),
    ] {
        let expected: Vec<_> = ["downgrade"].into_iter().chain(more).collect();
        for status in ["pending-upgrade", "pending-rollback"] {
            assert_eq!(denied(from, to, status), expected, "{from} to {to}");
        }
    }
}
