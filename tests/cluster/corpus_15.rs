//! From a real release of 14 to 15, which brings no databases along: they go on running without Helm.

use std::collections::BTreeMap;

use harness::{Chart, Cluster, Corpus, Denial, Helm, Secrets};

use crate::{
    release::{Release, assert_silent, record},
    stage::guarded_with_corpus,
};

const FROM: &str = "14.0.0-identity";
const BUNDLED: [&str; 2] = ["charts/elasticsearch/", "charts/identityKeycloak/"];
const BROUGHT_ALONG: &str = "http://camunda-elasticsearch:9200";
const KEEP: &str = "helm.sh/resource-policy=keep";

/// What 15 makes of the values of 14, with Elasticsearch at an address.
fn to_15(cluster: &Cluster, corpus: &Corpus, search: &str) -> Chart {
    let record = corpus.record(FROM).unwrap();
    let dir = cluster.scratch("chart").unwrap();
    record
        .released_as("15.0.0-alpha4", "8.10")
        .chart(Secrets::ReuseLookup)
        .edit(|document| {
            if BUNDLED
                .iter()
                .any(|chart| document.source.starts_with(chart))
            {
                document.text.clear();
            }
            document.text = document.text.replace(BROUGHT_ALONG, search);
        })
        .write(&dir)
        .unwrap()
}

/// The release that is to be upgraded.
fn on_14<'c>(cluster: &'c Cluster, corpus: &Corpus) -> Release<'c> {
    let release = Release::new(cluster, "camunda");
    let old = record(cluster, corpus, FROM, Secrets::ReuseLookup);
    release.install_record(Helm::V3, &old);
    release.bind_all();
    release
}

/// The uids of what the databases are made of.
fn databases(release: &Release<'_>) -> BTreeMap<String, String> {
    let kinds = "statefulsets,services,serviceaccounts,configmaps,secrets,networkpolicies,poddisruptionbudgets";
    let objects = release.cluster.list(kinds, &release.namespace, "").unwrap();
    let names = [
        "camunda-elasticsearch",
        "camunda-postgresql",
        "camunda-keycloak",
    ];
    objects
        .iter()
        .filter_map(|object| {
            let text = |key: &str| {
                object["metadata"][key]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let name = text("name");
            let is_one = names.iter().any(|prefix| name.starts_with(prefix));
            is_one.then(|| (format!("{}/{name}", object["kind"]), text("uid")))
        })
        .collect()
}

#[test]
fn helm_3_to_15_without_databases() {
    without_databases(Helm::V3);
}

#[test]
fn helm_4_to_15_without_databases() {
    without_databases(Helm::V4);
}

fn without_databases(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = on_14(cluster, &corpus);
    let (versions, volumes, before) = (release.versions(), release.volumes(), databases(&release));
    assert!(before.len() > 15, "{before:?}");

    let target = to_15(cluster, &corpus, BROUGHT_ALONG);
    let denial = Denial::of(&release.upgrade_record(helm, &target));
    denial.assert_rules(&["component-disappears", "claims-orphaned", "claims-orphaned"]);
    assert_eq!(release.versions(), versions);

    // Of the two ways out the one that loses nothing.
    let commands = denial.commands();
    let keep: Vec<_> = commands
        .iter()
        .filter(|command| command.ends_with(KEEP))
        .cloned()
        .collect();
    assert_eq!(keep.len(), 2, "{}", denial.text);
    cluster
        .shell(helm)
        .unwrap()
        .run(&keep.join("\n"))
        .unwrap()
        .ok()
        .unwrap();
    release.upgrade_record(helm, &target).ok().unwrap();
    assert_eq!(databases(&release), before);
    assert_eq!(release.volumes(), volumes);
    assert_silent(&release.upgrade_record(helm, &target).ok().unwrap());
    assert_eq!(databases(&release), before);
}

#[test]
fn helm_3_to_15_with_elasticsearch_moved() {
    elasticsearch_moved(Helm::V3);
}

#[test]
fn helm_4_to_15_with_elasticsearch_moved() {
    elasticsearch_moved(Helm::V4);
}

/// Somebody says on each claim that what it holds was moved. The upgrade goes through once the values name the new place, too.
fn elasticsearch_moved(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = on_14(cluster, &corpus);
    let target = to_15(cluster, &corpus, BROUGHT_ALONG);
    let denial = Denial::of(&release.upgrade_record(helm, &target));
    let shell = cluster.shell(helm).unwrap();
    let typed = |wanted: &dyn Fn(&str) -> bool| {
        let (cures, given_up) = (denial.commands(), denial.given_up());
        let commands = cures.iter().map(String::as_str).chain(given_up.lines());
        let chosen: Vec<_> = commands.filter(|it| wanted(it)).collect();
        assert!(!chosen.is_empty(), "{}", denial.text);
        shell.run(&chosen.join("\n")).unwrap().ok().unwrap();
    };
    // Keycloak and its database stay.
    typed(&|it| it.ends_with(KEEP) && it.contains("statefulset/camunda-keycloak"));
    typed(&|it| it.contains("allow-orphan") && it.contains("data-camunda-elasticsearch-master"));

    let half = Denial::of(&release.upgrade_record(helm, &target));
    half.assert_rules(&["datastore-changed"]);
    let url = "http://search.example.com:9200";
    let target = to_15(cluster, &corpus, url);
    let [f, file] = target.with_config();
    let storage = format!("--set=orchestration.data.secondaryStorage.elasticsearch.url={url}");
    let volumes = release.volumes();
    let moved = release.upgrade(helm, &target.path, &[&f, &file, &storage]);
    moved.ok().unwrap();
    assert_eq!(release.volumes(), volumes);
}
