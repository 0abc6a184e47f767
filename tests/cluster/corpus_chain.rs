//! One release through every line of the corpus, unprepared at each step, cured each time by what the refusal prints.

use harness::{Cluster, Corpus, Denial, Helm, Secrets};

use crate::{
    release::{Release, assert_silent, record},
    stage::guarded_with_corpus,
};

const REGENERATED: &str = "identity-secret-regenerated";
const IMMUTABLE: &str = "immutable-field-changed";
const ORPHANED: &str = "claims-orphaned";

/// Each record with the rules that stop the way to it.
const STEPS: [(&str, &[&str]); 8] = [
    ("8.1.27", &[REGENERATED, IMMUTABLE]),
    ("8.2.34", &[REGENERATED]),
    (
        "8.3.1",
        &[REGENERATED, IMMUTABLE, "elasticsearch-claims-orphaned"],
    ),
    ("9.3.7", &[REGENERATED]),
    ("10.0.2", &[REGENERATED, IMMUTABLE]),
    ("12.13.3", &[REGENERATED]),
    (
        "13.12.7-migration-full",
        &["identity-secret-removed", "credentials-secret-incomplete"],
    ),
    // Without Web Modeler, whose database has a volume.
    ("14.0.0-identity", &[ORPHANED]),
];

#[test]
fn helm_3_through_every_line() {
    through_every_line(Helm::V3);
}

#[test]
fn helm_4_through_every_line() {
    through_every_line(Helm::V4);
}

fn through_every_line(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let first = record(cluster, &corpus, "8.0.12", Secrets::GenerateAnew);
    release.install_record(Helm::V3, &first);
    release.bound("elasticsearch-master-elasticsearch-master-1");
    release.bound("data-camunda-postgresql-0");
    for (name, rules) in STEPS {
        step(cluster, &corpus, &release, helm, name, rules);
    }
}

fn step(
    cluster: &Cluster,
    corpus: &Corpus,
    release: &Release,
    helm: Helm,
    name: &str,
    rules: &[&str],
) {
    let (versions, last) = (release.versions(), release.revisions().pop());
    let target = record(cluster, corpus, name, Secrets::GenerateAnew);
    let denial = Denial::of(&release.upgrade_record(helm, &target));
    denial.assert_rules(rules);
    assert_eq!(release.versions(), versions, "{name}");
    assert_eq!(release.revisions().pop(), last, "{name}");

    let shell = cluster.shell(helm).unwrap();
    let cured = shell
        .run(&denial.cure(&release.upgrade_command(&target)))
        .unwrap();
    cured.ok().unwrap();
    // What was cured stays cured: the values that are live now are looked up.
    let again = record(cluster, corpus, name, Secrets::ReuseLookup);
    assert_silent(&release.upgrade_record(helm, &again).ok().unwrap());
    let claims: Vec<_> = cluster.list("pvc", &release.namespace, "").unwrap();
    for claim in claims
        .iter()
        .filter(|claim| claim["status"]["phase"] == "Pending")
    {
        release.bound(claim["metadata"]["name"].as_str().unwrap());
    }
}
