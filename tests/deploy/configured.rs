//! The guard's own configuration, written where it is installed.

use harness::{Cluster, Output, wait_until};

use crate::{
    beside::{Beside, PATIENCE},
    rendered::NAME,
};

const WEBHOOK: &str = "configuration.observed.camunda-upgrade-guard";
const MISTYPED: &str = "rules: {relase-notes: warn}";

fn patch(cluster: &Cluster, name: &str, patch: &str, flag: &str) -> Output {
    let args = ["-n", NAME, "patch", "configmap", name, "-p", patch, flag];
    cluster.kubectl(args)
}

fn write(cluster: &Cluster, text: &str, flag: &str) -> Output {
    let data = format!(r#"{{"data": {{"config.yaml": "{text}"}}}}"#);
    patch(cluster, NAME, &data, flag)
}

fn calls(cluster: &Cluster) -> u64 {
    let calls = cluster.webhook_calls().unwrap();
    let calls = calls.iter().filter(|call| call.webhook == WEBHOOK);
    calls.map(|call| call.count).sum()
}

/// What the guard could not read is refused, with its place; nothing else of its namespace is asked about.
pub fn is_read_when_it_is_written(cluster: &Cluster) {
    const DRY_RUN: &str = "--dry-run=server";
    let refused = write(cluster, MISTYPED, "--dry-run=none").refused();
    let text = refused.unwrap().text();
    for told in [
        "is no configuration of camunda-upgrade-guard: config.yaml at rules.relase-notes: line 1 column 9",
        "there is no rule \"relase-notes\"",
        "The guard goes on with what it has read before.",
    ] {
        assert!(text.contains(told), "{text}");
    }
    wait_until("the Event", PATIENCE, || {
        let events = cluster.list("events.events.k8s.io", NAME, "")?;
        let mut reasons = events.iter().map(|event| &event["reason"]);
        Ok(reasons.any(|it| it == "ConfigurationRefused").then_some(()))
    })
    .unwrap();
    write(cluster, "rules: {release-notes: warn}", DRY_RUN)
        .ok()
        .unwrap();
    // An upgrade of the guard writes the configuration of the next version first.
    let next = format!(
        r#"{{"metadata": {{"labels": {{"app.kubernetes.io/version": "99.0.0"}}}}, "data": {{"config.yaml": "{MISTYPED}"}}}}"#
    );
    let admitted = patch(cluster, NAME, &next, DRY_RUN).ok().unwrap();
    let text = admitted.text();
    assert!(text.contains("admitted for version 99.0.0"), "{text}");

    let before = calls(cluster);
    assert!(before >= 3, "{before}");
    let label = r#"{"metadata": {"labels": {"a": "b"}}}"#;
    patch(cluster, NAME, label, DRY_RUN).ok().unwrap();
    let other = [
        "-n",
        NAME,
        "create",
        "configmap",
        "another",
        "--from-literal=config.yaml=rule",
        DRY_RUN,
    ];
    cluster.kubectl(other).ok().unwrap();
    assert_eq!(calls(cluster), before);
}

/// A guard that is gone does not keep its configuration from being repaired; when it comes back over one that it
/// can't read, it guards by the defaults and says so.
pub fn is_written_without_a_guard(cluster: &Cluster) {
    write(cluster, MISTYPED, "--dry-run=none").ok().unwrap();
    let guard = Beside::start(cluster);
    let log = guard.log();
    assert!(
        log.contains("relase-notes") && log.contains("the defaults count"),
        "{log}"
    );
    guard.kill();
    write(cluster, "{}", "--dry-run=none").ok().unwrap();
}
