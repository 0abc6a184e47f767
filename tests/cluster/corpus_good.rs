//! Real upgrades that must pass, each the nearest good one to a refusal.

use harness::{Chart, Cluster, Corpus, Denial, Helm, Secrets};

use crate::{
    release::{Release, assert_silent, record},
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

#[test]
fn either_helm_changes_one_value_of_every_line() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    for (name, limit) in LINES {
        let release = Release::new(cluster, "camunda");
        release.install_record(
            Helm::V3,
            &record(cluster, &corpus, name, Secrets::ReuseLookup),
        );
        release.bind_all();
        let from = format!("cpu: {limit}");
        for (helm, to) in [(Helm::V3, "3100m"), (Helm::V4, "4100m")] {
            let changed = edited(cluster, &corpus, name, &from, &format!("cpu: {to}"));
            let upgraded = match helm {
                Helm::V3 => release.upgrade_record(helm, &changed),
                Helm::V4 => release.upgrade_record_as_checked(helm, &changed),
            };
            assert_silent(&upgraded.ok().unwrap());
            let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
            let limits =
                &brokers["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"];
            assert_eq!(limits["cpu"], to, "{name}");
            let rolled_back = cluster
                .helm(helm)
                .rollback("camunda", 1, &release.namespace, &[]);
            assert_silent(&rolled_back.ok().unwrap());
        }
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

/// Every line installs without a word; `tests/rules/corpus_ways` has every record.
#[test]
fn fresh_installs_of_every_line() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let install = |helm, name: &str| {
        let release = Release::new(cluster, "camunda");
        let chart = record(cluster, &corpus, name, Secrets::ReuseLookup);
        let args = chart.with_config();
        release.install(helm, &chart.path, &[&args[0], &args[1]])
    };
    for helm in Helm::BOTH {
        for (name, _) in LINES {
            let installed = install(helm, name);
            // A field that the API does not have is a warning to Helm 3, and an error to Helm 4.
            if helm == Helm::V4 && name == "8.3.1" {
                let text = installed.text();
                assert!(text.contains("field not declared in schema"), "{text}");
                continue;
            }
            assert_silent(&installed.ok().unwrap());
        }
        let migrates = install(helm, "13.12.7-migration");
        Denial::of(&migrates).assert_rules(&["data-migration-on-install"]);
        let text = install(helm, "10.0.2-images-of-8.4").ok().unwrap().text();
        assert!(text.contains("Warning: images-of-another-line"), "{text}");
    }
}
