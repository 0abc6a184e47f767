//! A variable that stands twice in a container: what the API server makes of it, and what the guard says before.

use std::fs;

use harness::{Cluster, Denial, Helm};
use serde_json::json;

use crate::{charts::own, release::Release, stage::guarded};

const RULE: &str = "duplicate-environment";

/// A values file in which one variable of Connectors stands twice.
fn twice(cluster: &Cluster) -> String {
    let env = json!([{"name": "ACME", "value": "a"}, {"name": "ACME", "value": "b"}]);
    let file = cluster.scratch("values").unwrap().join("twice.yaml");
    fs::write(&file, json!({"connectors": {"env": env}}).to_string()).unwrap();
    file.display().to_string()
}

#[test]
fn server_side_apply_refuses_it_and_the_guard_says_so_before() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let chart = own("camunda-13");
    let values = twice(cluster);
    let release = Release::new(cluster, "camunda");
    release.install(Helm::V4, &chart, &[]).ok().unwrap();
    let refused = Denial::of(&release.upgrade(Helm::V4, &chart, &["-f", &values]));
    assert_eq!(refused.rules, [RULE], "{}", refused.text);
    // The API server would have refused it, too, in the middle.
    let manifest =
        cluster
            .helm(Helm::V4)
            .template(release.name, &chart, &release.namespace, &["-f", &values]);
    let manifest = manifest.ok().unwrap().stdout;
    let applied = cluster.admin().run_with_input(
        [
            "-n",
            &release.namespace,
            "apply",
            "--server-side",
            "--dry-run=server",
            "--force-conflicts",
            "-f",
            "-",
        ],
        &manifest,
    );
    assert!(
        !applied.success() && applied.text().contains("duplicate"),
        "{}",
        applied.report()
    );
}

#[test]
fn where_helm_merges_the_last_one_counts() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let chart = own("camunda-13");
    let values = twice(cluster);
    let release = Release::new(cluster, "camunda");
    release.install(Helm::V3, &chart, &[]).ok().unwrap();
    let upgraded = release
        .upgrade(Helm::V3, &chart, &["-f", &values])
        .ok()
        .unwrap();
    assert!(upgraded.text().contains(RULE), "{}", upgraded.report());
}
