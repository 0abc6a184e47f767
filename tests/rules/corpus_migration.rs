//! What the rules of the migration say to the real charts of 12, 13 and 14, without a cluster.

use camunda_upgrade_guard::{
    change::{Change, Facts, Rendered},
    finding::Finding,
    helm::{manifest, release::Release},
    kubernetes::{Kind, Object},
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

/// The rules that this is about.
const RULES: [&str; 7] = [
    IMPORTERS,
    DISABLED,
    UNFINISHED,
    AGAIN,
    "migration-without-data",
    AFTER,
    "immutable-field-changed",
];
const IMPORTERS: &str = "importers-disabled";
const DISABLED: &str = "data-migration-disabled";
const UNFINISHED: &str = "migration-unfinished";
const AGAIN: &str = "data-migration-on-install";
const AFTER: &str = "after-upgrade";

/// How the live Jobs are.
type Ended<'a> = Option<&'a str>;

fn release(corpus: &Corpus, name: &str, status: &str) -> Release {
    let mut raw = corpus.record(name).unwrap().raw;
    raw["info"] = json!({"status": status});
    serde_json::from_value(raw).unwrap()
}

/// All that a release has on the cluster, with claims that are Bound.
fn live(release: &Release, ended: Ended<'_>) -> Facts {
    let mut facts = Facts::default();
    for document in manifest::split(&release.manifest) {
        let Some(mut object) = document.parse().unwrap() else {
            continue;
        };
        let Some(kind) = object["kind"].as_str().and_then(Kind::from_name) else {
            continue;
        };
        object["metadata"]["namespace"] = "camunda".into();
        if let (Kind::Job, Some(ended)) = (kind, ended) {
            object["status"] = json!({"conditions": [{"type": ended, "status": "True"}]});
        }
        if kind == Kind::StatefulSet {
            let claim = json!({
                "metadata": {
                    "name": format!("data-{}-0", object["metadata"]["name"].as_str().unwrap()),
                    "namespace": "camunda",
                },
                "status": {"phase": "Bound"},
            });
            facts.insert(Kind::PersistentVolumeClaim, Object(claim).into());
        }
        facts.insert(kind, Object(object).into());
    }
    facts
}

fn findings(running: &Release, planned: &Release, facts: &Facts) -> Vec<Finding> {
    let running = Rendered::of(running, None);
    let rendered = Rendered::of(planned, Some(&running));
    let change = Change::of_release(planned, &rendered, Some(&running)).unwrap();
    let mut findings = rules::judge(&change, facts);
    findings.retain(|finding| RULES.contains(&finding.rule.name()));
    findings
}

#[track_caller]
fn finds(corpus: &Corpus, from: &str, to: &str, ended: Ended<'_>, rules: &[&str]) -> Vec<Finding> {
    let running = release(corpus, from, "deployed");
    let planned = release(corpus, to, "pending-upgrade");
    let findings = findings(&running, &planned, &live(&running, ended));
    let ids: Vec<_> = findings.iter().map(|finding| finding.rule.name()).collect();
    assert_eq!(ids, rules, "{from} to {to}: {findings:#?}");
    findings
}

#[test]
fn the_way_to_13_brings_the_migration_along() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to, expected) in [
        ("12.13.3", "13.12.7-defaults", &[IMPORTERS, DISABLED][..]),
        (
            "12.13.3-defaults",
            "13.12.7-guides-line",
            &[IMPORTERS, DISABLED],
        ),
        (
            "12.13.3-defaults",
            "13.12.7-identity",
            &[IMPORTERS, DISABLED],
        ),
        ("12.13.3", "13.12.7-migration-full", &[]),
        ("12.13.3-defaults", "13.12.7-migration", &[]),
        // Its brokers' claims would be smaller.
        (
            "12.13.3-five-brokers",
            "13.12.7-five-brokers-dropped",
            &["immutable-field-changed"],
        ),
        ("12.13.3-defaults", "13.12.7-reuse-old-secrets", &[]),
        ("10.0.2", "12.13.3", &[]),
    ] {
        finds(&corpus, from, to, None, expected);
    }
}

#[test]
fn the_importers_of_the_chart_are_switched_off_by_its_own_configuration() {
    let Some(corpus) = Corpus::find() else { return };
    let running = release(&corpus, "12.13.3", "deployed");
    let mut planned = release(&corpus, "13.12.7-migration-full", "pending-upgrade");
    let on = "CAMUNDA_OPERATE_IMPORTER_ENABLED: \"true\"";
    assert!(planned.manifest.contains(on));
    planned.manifest = planned.manifest.replace(on, &on.replace("true", "false"));
    let findings = findings(&running, &planned, &live(&running, None));
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].title, "The importer of Operate would not run");
}

#[test]
fn the_migration_is_neither_cut_off_nor_repeated() {
    let Some(corpus) = Corpus::find() else { return };
    let complete = Some("Complete");
    for (from, to, ended, expected) in [
        ("13.12.7-migration", "13.12.7-migration", None, &[][..]),
        (
            "13.12.7-migration-full",
            "13.12.7-migration-full",
            None,
            &[],
        ),
        ("13.12.7-migration", "13.12.7-migration", complete, &[AFTER]),
        ("13.12.7-migration", "13.12.7-identity", None, &[UNFINISHED]),
        ("13.12.7-migration", "13.12.7-identity", complete, &[]),
        ("13.12.7-migration", "14.0.0-identity", None, &[UNFINISHED]),
        ("13.12.7-migration", "14.0.0-identity", complete, &[]),
        ("13.12.7-identity", "13.12.7-identity", None, &[]),
        ("13.12.7-identity", "13.12.7-migration", None, &[]),
        ("13.12.7-identity", "14.0.0-identity", None, &[]),
        ("14.0.0-identity", "14.0.0-identity", None, &[]),
    ] {
        finds(&corpus, from, to, ended, expected);
    }
}

#[test]
fn a_patch_changes_the_jobs() {
    let Some(corpus) = Corpus::find() else { return };
    let running = release(&corpus, "13.12.7-migration", "deployed");
    let mut planned = release(&corpus, "13.12.7-migration", "pending-upgrade");
    planned.manifest = planned.manifest.replace("8.8.35", "8.8.36");
    let judged = |ended| findings(&running, &planned, &live(&running, ended));
    let commands = |findings: &[Finding]| -> Vec<String> {
        let fixes = findings.iter().flat_map(|finding| &finding.fixes);
        let commands = fixes.flat_map(|fix| &fix.commands);
        commands.map(|command| command.text().to_owned()).collect()
    };
    let data = "--set orchestration.migration.data.enabled=false";
    let identity = "--set orchestration.migration.identity.enabled=false";
    let wait = |job: &str| {
        format!(
            "kubectl -n camunda wait --for=condition=Complete job/camunda-zeebe-migration-{job} --timeout=1h"
        )
    };
    assert_eq!(commands(&judged(Some("Complete"))), [data, identity]);
    assert_eq!(
        commands(&judged(None)),
        [&wait("data"), &wait("identity"), data, identity]
    );
    let failed = judged(Some("Failed"));
    assert_eq!(
        commands(&failed)[..1],
        [
            "kubectl -n camunda delete job camunda-zeebe-migration-data camunda-zeebe-migration-identity --ignore-not-found"
        ]
    );
}

#[test]
fn a_first_installation_has_nothing_to_migrate() {
    let Some(corpus) = Corpus::find() else { return };
    let judged = |name: &str, facts: &Facts| -> Vec<&str> {
        let planned = release(&corpus, name, "pending-install");
        let rendered = Rendered::of(&planned, None);
        let change = Change::of_release(&planned, &rendered, None).unwrap();
        let findings = rules::judge(&change, facts);
        let ids = findings.iter().map(|finding| finding.rule.name());
        ids.filter(|id| RULES.contains(id)).collect()
    };
    for name in corpus.names().unwrap() {
        let migrates = corpus.record(&name).unwrap().raw["manifest"]
            .as_str()
            .is_some_and(|manifest| manifest.contains("bin/data-migration"));
        let expected: &[&str] = if migrates { &[AGAIN] } else { &[] };
        assert_eq!(judged(&name, &Facts::default()), expected, "{name}");
    }
    let mut over_data = Facts::default();
    let claim: Value = json!({
        "metadata": {"name": "data-camunda-zeebe-0", "namespace": "camunda"}, "status": {"phase": "Bound"},
    });
    over_data.insert(Kind::PersistentVolumeClaim, Object(claim).into());
    assert!(judged("13.12.7-migration", &over_data).is_empty());
}
