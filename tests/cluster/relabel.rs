//! `relabel`: Elasticsearch's claims get the labels of 8.0.13, and its StatefulSet goes while its pods stay.

use harness::Helm;
use serde_json::Value;

use crate::{
    charts::{REUSE, copied, replace},
    command::says,
    release::{Release, assert_silent},
    stage::guarded,
};

const CLAIMS: [&str; 2] = [
    "elasticsearch-master-elasticsearch-master-0",
    "elasticsearch-master-elasticsearch-master-1",
];

/// What the pods are, and which claims they have.
fn pods(release: &Release) -> Vec<Value> {
    let selector = "app=elasticsearch-master";
    let pods = release.cluster.list("pods", &release.namespace, selector);
    let uid = |pod: Value| pod["metadata"]["uid"].clone();
    pods.unwrap().into_iter().map(uid).collect()
}

#[test]
fn claims_get_their_labels_and_the_upgrade_goes_through() {
    const RULE: &str = "elasticsearch-claim-labels";
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let old = copied(cluster, "camunda-8.2");
    replace(&old, "Chart.yaml", "8.2.34", "8.0.12");
    let template = "charts/elasticsearch/templates/statefulset.yaml";
    let labels = "labels: {{- include \"elastic.labels\" . | nindent 10 }}";
    replace(&old, template, labels, "");
    let new = copied(cluster, "camunda-8.2");
    replace(&new, "Chart.yaml", "8.2.34", "8.0.14");
    let release = Release::new(cluster, "camunda");
    release.install(Helm::V3, &old, &[]).ok().unwrap();
    let denial = release.refused(Helm::V3, &new, &[REUSE]);
    denial.assert_rules(&[RULE]);
    let volumes = CLAIMS.map(|claim| release.bound(claim));
    // A volume that somebody wanted deleted with its claim.
    let policy = [
        &[
            "annotate",
            "pv",
            &volumes[0],
            "camunda-upgrade-guard/allow-reclaim-policy=Delete",
        ][..],
        &[
            "patch",
            "pv",
            &volumes[0],
            "-p",
            r#"{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}"#,
        ],
    ];
    for args in policy {
        cluster.kubectl(args).ok().unwrap();
    }

    let before = (release.versions(), pods(&release));
    says(&release.guard(&["relabel"]), 2, "--yes");
    says(&release.guard(&["relabel", "--dry-run"]), 0, "4/4 dry run");
    says(
        &release.guard(&["relabel", "other", "--yes"]),
        1,
        "no Camunda release other",
    );
    assert_eq!((release.versions(), pods(&release)), before);
    release.guard_killed(&["relabel", "--yes"], "2/4 ");
    release
        .guard(&["relabel", "camunda", "--yes"])
        .ok()
        .unwrap();
    assert!(release.get("statefulset", "elasticsearch-master").is_none());
    assert_eq!(pods(&release), before.1);
    for (claim, volume) in CLAIMS.iter().zip(&volumes) {
        assert_eq!(release.bound(claim), *volume);
        let labels = &release.get("pvc", claim).unwrap()["metadata"]["labels"];
        assert_eq!(labels["release"], "camunda");
        assert_eq!(labels["chart"], "elasticsearch");
        assert_eq!(labels["app"], "elasticsearch-master");
        let volume = cluster.get("pv", "", volume).unwrap().unwrap();
        assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    }
    says(&release.guard(&["relabel", "--yes"]), 0, "Nothing to do");

    let upgraded = release.upgrade(Helm::V3, &new, &[REUSE]);
    assert_silent(&upgraded.ok().unwrap());
    for (claim, volume) in CLAIMS.iter().zip(&volumes) {
        assert_eq!(release.bound(claim), *volume);
    }
    says(&release.guard(&["relabel"]), 0, "Nothing to do");
}
