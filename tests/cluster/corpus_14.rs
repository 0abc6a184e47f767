//! From real releases of 13 to real ones of 14: each way that loses something is refused, and cured as it says.

use harness::{Chart, ChartBuilder, Cluster, Corpus, Denial, Document, Helm, Secrets};
use serde_json::json;

use crate::{
    cures::finish,
    release::{Release, assert_silent, record},
    stage::guarded_with_corpus,
};

const FROM: &str = "13.12.7-identity";
const TO: &str = "14.0.0-identity";

/// A release of a chart, as it runs.
fn running<'c>(cluster: &'c Cluster, chart: &Chart) -> Release<'c> {
    let release = Release::new(cluster, "camunda");
    release.install_record(Helm::V3, chart);
    release.bind_all();
    release
}

/// A record of the corpus, changed.
fn edited(
    cluster: &Cluster,
    corpus: &Corpus,
    name: &str,
    values: serde_json::Value,
    edit: impl FnOnce(ChartBuilder<'_>) -> ChartBuilder<'_>,
) -> Chart {
    let mut record = corpus.record(name).unwrap();
    for (key, value) in values.as_object().unwrap() {
        record.config[key] = value.clone();
    }
    let dir = cluster.scratch("chart").unwrap();
    let builder = edit(record.chart(Secrets::ReuseLookup));
    builder.write(&dir).unwrap()
}

/// Upgrades to `bad`, which is refused by exactly these rules; then to `good`, with all that the refusal prints.
#[track_caller]
fn refused_and_cured(release: &Release<'_>, helm: Helm, bad: &Chart, rules: &[&str], good: &Chart) {
    let (versions, volumes) = (release.versions(), release.volumes());
    let denial = Denial::of(&release.upgrade_record(helm, bad));
    denial.assert_rules(rules);
    assert_eq!(release.versions(), versions);
    let script = denial.cure(&release.upgrade_command(good));
    let shell = release.cluster.shell(helm).unwrap();
    let cured = shell.run(&script).unwrap();
    assert!(cured.success(), "{}\n{}", denial.text, cured.report());
    assert!(release.volumes().is_superset(&volumes));
}

#[test]
fn helm_3_to_14_as_it_should_be() {
    as_it_should_be(Helm::V3);
}

#[test]
fn helm_4_to_14_as_it_should_be() {
    as_it_should_be(Helm::V4);
}

fn as_it_should_be(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    let release = running(cluster, &chart(FROM));
    let upgraded = release.upgrade_record(helm, &chart(TO)).ok().unwrap();
    assert!(!upgraded.text().contains("denied"), "{}", upgraded.report());
    assert_silent(&release.upgrade_record(helm, &chart(TO)).ok().unwrap());
}

/// 13 counted `zeebe.clusterSize` where `zeebe.enabled: true` stood beside it; 14 drops both in silence.
#[test]
fn five_brokers_to_14() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let values = || json!({"zeebe": {"enabled": true, "clusterSize": 5}});
    let five = |document: &mut Document| {
        if document.kind == "StatefulSet" && document.name == "camunda-zeebe" {
            document.text = document.text.replace("replicas: 3", "replicas: 5");
        }
    };
    let helm = Helm::V3;
    let from = edited(cluster, &corpus, FROM, values(), |chart| chart.edit(five));
    let release = running(cluster, &from);
    let bad = edited(cluster, &corpus, TO, values(), |chart| chart);
    let good = edited(cluster, &corpus, TO, values(), |chart| chart.edit(five));
    let rules = ["orchestration-values", "zeebe-brokers-reduced"];
    refused_and_cured(&release, helm, &bad, &rules, &good);
    let zeebe = release.get("statefulset", "camunda-zeebe").unwrap();
    assert_eq!(zeebe["spec"]["replicas"], 5);
}

/// 14 has Elasticsearch switched off.
#[test]
fn elasticsearch_vanishes_on_the_way_to_14() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    let helm = Helm::V4;
    let release = running(cluster, &chart(FROM));
    let off = json!({"elasticsearch": {}});
    let bad = edited(cluster, &corpus, TO, off, |chart| {
        chart.edit(|document| {
            if document.source.starts_with("charts/elasticsearch/") {
                document.text.clear();
            }
        })
    });
    let rules = ["claims-orphaned"];
    refused_and_cured(&release, helm, &bad, &rules, &chart(TO));
    let name = "camunda-elasticsearch-master";
    assert!(release.get("statefulset", name).is_some());
}

/// 14 has no migration any more: what 13 has not finished stays undone.
#[test]
fn the_migration_is_finished_before_14() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    let helm = Helm::V3;
    let release = running(cluster, &chart(FROM));
    let migrating = chart("13.12.7-migration");
    release.upgrade_record(helm, &migrating).ok().unwrap();
    let versions = release.versions();
    let denial = Denial::of(&release.upgrade_record(helm, &chart(TO)));
    denial.assert_rules(&["migration-unfinished"]);
    assert_eq!(release.versions(), versions);
    for job in ["data", "identity"] {
        finish(&release, &format!("camunda-zeebe-migration-{job}"));
    }
    release.upgrade_record(helm, &chart(TO)).ok().unwrap();
}
