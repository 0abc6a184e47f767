//! Real upgrades that must pass, each the nearest good one to a refusal.

use harness::{Chart, Cluster, Corpus, Denial, Helm, Secrets};

use crate::{
    release::{Release, assert_silent, assert_told_of, record},
    stage::guarded_with_corpus,
};

#[test]
fn helm_3_repeats_an_upgrade_with_the_same_secrets() {
    repeats(Helm::V3, "8.2.34", Secrets::ReuseLookup);
}

#[test]
fn helm_4_repeats_an_upgrade_with_the_same_secrets() {
    repeats(Helm::V4, "8.2.34", Secrets::ReuseLookup);
}

fn repeats(helm: Helm, name: &str, secrets: Secrets) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = record(cluster, &corpus, name, secrets);
    release.install_record(Helm::V3, &chart);
    release.bind_all();
    let before = release.secrets();
    for _ in 0..2 {
        let upgraded = release.upgrade_record(helm, &chart).ok().unwrap();
        assert_silent(&upgraded);
    }
    let after = release.secrets();
    assert_eq!(before["camunda-postgresql"], after["camunda-postgresql"]);
}

/// A record of each line, and the limit of its brokers' processor time.
const LINES: [(&str, &str); 9] = [
    ("8.0.12", "960m"),
    ("8.1.27", "960m"),
    ("8.2.34", "960m"),
    ("8.3.1", "960m"),
    ("9.3.7", "960m"),
    ("10.0.2", "960m"),
    ("12.13.3", "960m"),
    ("13.12.7-identity", "2000m"),
    ("14.0.0-identity", "2000m"),
];

/// By turns with each Helm, over what the other one has applied. `tests/rules/corpus_ways` installs every record.
#[test]
fn every_line_is_installed_changed_and_rolled_back_without_a_word() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let turns = [(Helm::V4, Helm::V3), (Helm::V3, Helm::V4)];
    for ((name, limit), (first, second)) in LINES.into_iter().zip(turns.into_iter().cycle()) {
        let release = Release::new(cluster, "camunda");
        let chart = record(cluster, &corpus, name, Secrets::ReuseLookup);
        // This chart brings an alpha by default.
        let told: &[&str] = match name {
            "14.0.0-identity" => &["pre-release"],
            _ => &[],
        };
        assert_told_of(&release.install_record(first, &chart), told);
        release.bind_all();
        let from = format!("cpu: {limit}");
        let changed = edited(cluster, &corpus, name, &from, "cpu: 4100m");
        let upgraded = release.upgrade_record_as_checked(second, &changed);
        assert_silent(&upgraded.ok().unwrap());
        let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
        let limits = &brokers["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"];
        assert_eq!(limits["cpu"], "4100m", "{name}");
        let helm = cluster.helm(first);
        let rolled_back = helm.rollback("camunda", 1, &release.namespace, &[]);
        assert_silent(&rolled_back.ok().unwrap());
    }
}

fn edited(cluster: &Cluster, corpus: &Corpus, name: &str, from: &str, to: &str) -> Chart {
    let dir = cluster.scratch("chart").unwrap();
    let record = corpus.record(name).unwrap();
    let (from, to) = (from.to_owned(), to.to_owned());
    let edit = move |document: &mut harness::Document| {
        if document.kind == "StatefulSet" && document.name == "camunda-zeebe" {
            assert!(document.text.contains(&from));
            document.text = document.text.replace(&from, &to);
        }
    };
    record
        .chart(Secrets::ReuseLookup)
        .edit(edit)
        .write(&dir)
        .unwrap()
}

#[test]
fn what_a_fresh_install_is_told() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let install = |helm, name: &str| {
        let release = Release::new(cluster, "camunda");
        let chart = record(cluster, &corpus, name, Secrets::ReuseLookup);
        let args = chart.with_config();
        release.install(helm, &chart.path, &[&args[0], &args[1]])
    };
    // A field that the API does not have is a warning to Helm 3, and an error to Helm 4.
    let text = install(Helm::V4, "8.3.1").refused().unwrap().text();
    assert!(text.contains("field not declared in schema"), "{text}");
    for helm in Helm::BOTH {
        let migrates = install(helm, "13.12.7-migration");
        Denial::of(&migrates).assert_rules(&["data-migration-on-install"]);
        let text = install(helm, "10.0.2-images-of-8.4").ok().unwrap().text();
        assert!(text.contains("Warning: images-of-another-line"), "{text}");
    }
}
