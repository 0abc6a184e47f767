//! `check RELEASE` after an upgrade that came to no end: it speaks of what runs.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    check::Check,
    cluster::Cluster,
    policy::Policy,
    report::{Format, Report},
};
use serde_json::{Value, json};

use crate::reports::printed;

fn workload(name: &str, chart: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "prod", "labels": {
            "app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/instance": "camunda",
            "app.kubernetes.io/component": name, "helm.sh/chart": format!("camunda-platform-{chart}")}},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "image": format!("camunda/{name}:{chart}")}]}}},
    })
}

fn record(revision: u64, status: &str, chart: &str) -> Value {
    let manifest: String = ["optimize", "connectors"]
        .map(|name| format!("---\n{}\n", workload(name, chart)))
        .concat();
    let release = json!({
        "name": "camunda", "namespace": "prod", "version": revision, "info": {"status": status},
        "chart": {"metadata": {"name": "camunda-platform", "version": chart}}, "manifest": manifest,
    });
    let data = STANDARD.encode(harness::record::encode(&release).unwrap());
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": data},
        "metadata": {"name": format!("sh.helm.release.v1.camunda.v{revision}"), "namespace": "prod",
            "uid": format!("record-{revision}"), "resourceVersion": "1",
            "labels": {"owner": "helm", "name": "camunda", "status": status, "version": revision.to_string()}},
    })
}

#[tokio::main(flavor = "current_thread")]
async fn looked_at(records: &[Value], live: [&str; 2]) -> Report {
    let live = [
        workload("optimize", live[0]),
        workload("connectors", live[1]),
    ];
    let objects = records.iter().cloned().chain(live);
    let cluster = Cluster::Snapshot(Arc::new(objects.collect()));
    let check = Check::new(cluster, Policy::default(), Duration::from_secs(60));
    check.deployed("prod", "camunda").await.unwrap()
}

fn text(report: &Report) -> String {
    let text = printed(report, Format::Text, false);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn failed(status: &str) -> [Value; 2] {
    [
        record(3, "deployed", "13.12.7"),
        record(4, status, "14.0.0"),
    ]
}

#[test]
fn a_failed_revision_is_named_and_what_runs_is_told_by_what_is_live() {
    let all = text(&looked_at(&failed("failed"), ["14.0.0", "14.0.0"]));
    assert!(
        all.starts_with("release camunda (namespace prod) on camunda-platform 14.0.0: as it runs"),
        "{all}"
    );
    let says = "Revision 4 (camunda-platform 14.0.0) failed: what runs is of this revision.";
    assert!(all.contains(says), "{all}");

    let part = text(&looked_at(&failed("failed"), ["14.0.0", "13.12.7"]));
    let says = "in part: 1 of 2 workloads; Deployment connectors as deployed before (camunda-platform 13.12.7)";
    assert!(part.contains(says), "{part}");

    let none = text(&looked_at(&failed("failed"), ["13.12.7", "13.12.7"]));
    assert!(
        none.contains("on camunda-platform 13.12.7: as it runs"),
        "{none}"
    );
    assert!(
        none.contains("failed: what runs is what was deployed before"),
        "{none}"
    );

    let cut_off = text(&looked_at(&failed("pending-upgrade"), ["14.0.0", "14.0.0"]));
    assert!(
        cut_off.contains("is at work on it still or was cut off"),
        "{cut_off}"
    );
}

#[test]
fn an_install_that_failed_has_nothing_before_it() {
    let first = text(&looked_at(
        &[record(1, "failed", "14.0.0")],
        ["14.0.0", "14.0.0"],
    ));
    assert!(
        first.contains("failed: no revision before it is deployed"),
        "{first}"
    );
}

/// The nearest good case: what failed was made good, or is over.
#[test]
fn a_failure_that_is_over_is_not_spoken_of() {
    for records in [
        [
            record(3, "failed", "13.12.7"),
            record(4, "deployed", "14.0.0"),
        ],
        [
            record(3, "superseded", "13.12.7"),
            record(4, "deployed", "14.0.0"),
        ],
    ] {
        let report = looked_at(&records, ["14.0.0", "14.0.0"]);
        assert_eq!(report.findings, [], "{}", text(&report));
        assert!(text(&report).contains("nothing is left to be done"));
    }
}
