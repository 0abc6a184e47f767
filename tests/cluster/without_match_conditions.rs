//! API servers before Kubernetes 1.28 know no matchConditions: the guard is asked about more, and says no more for it.

use camunda_upgrade_guard::webhooks::{ENFORCE, IGNORE};
use harness::{Cluster, ClusterOptions, GuardOptions, Helm};

use crate::{
    blast_radius,
    charts::own,
    release::{Release, assert_silent},
    stage::BINARY,
};

const DROPPED: &str = "--set=identityKeycloak.enabled=false";

#[test]
fn without_match_conditions_the_same_is_judged() {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let cluster = Cluster::start(ClusterOptions::default()).unwrap();
    let mut options = GuardOptions::new(BINARY);
    options.webhooks = vec!["--no-match-conditions".to_owned()];
    let filter = "info,camunda_upgrade_guard::admission=debug";
    options.env = vec![("CAMUNDA_UPGRADE_GUARD_LOG".to_owned(), filter.to_owned())];
    let mut guard = cluster.guard(options).unwrap();
    for kind in ["validating", "mutating"] {
        let kind = format!("{kind}webhookconfiguration");
        let registered = cluster.get(&kind, "", "camunda-upgrade-guard").unwrap();
        assert!(!registered.unwrap().to_string().contains("matchConditions"));
    }
    blast_radius::another_chart(&cluster, &guard);
    blast_radius::a_foreign_postgresql(&cluster, &guard);
    blast_radius::camunda(&cluster, &guard);

    let namespace = cluster.namespace_with_labels("enforced", &[(ENFORCE, "true")]);
    let release = Release::in_namespace(&cluster, namespace.unwrap(), "camunda");
    let installed = release.install(Helm::V4, &own("camunda-12"), &[]);
    assert_silent(&installed.ok().unwrap());
    release
        .refused(Helm::V3, &own("camunda-12"), &[DROPPED])
        .assert_rules(&["claims-orphaned", "identity-secret-removed"]);
    let namespace = &*release.namespace;
    let scale = |replicas: &str| {
        let set = ["scale", "statefulset", "camunda-zeebe", replicas];
        cluster.kubectl([&set[..], &["-n", namespace]].concat())
    };
    assert!(
        scale("--replicas=1")
            .refused()
            .unwrap()
            .text()
            .contains("zeebe-brokers-reduced")
    );
    blast_radius::other_writes_go_on(&release);
    everything_else(&cluster, namespace);

    guard.kill();
    // Only records and overrides wait for a guard.
    release
        .upgrade(Helm::V3, &own("camunda-12"), &[])
        .refused()
        .unwrap();
    scale("--replicas=1").ok().unwrap();
    everything_else(&cluster, namespace);
    let label = ["label", "namespace", namespace, &format!("{IGNORE}=true")];
    cluster.kubectl(label).ok().unwrap();
    guard.start_again().unwrap();
    // The controllers delete what is guarded.
    let delete = ["delete", "namespace", namespace, "--timeout=120s"];
    assert_silent(&cluster.kubectl(delete).ok().unwrap());
}

/// What the conditions keep from the guard, and an old API server brings.
#[track_caller]
fn everything_else(cluster: &Cluster, namespace: &str) {
    let status = r#"{"status":{"replicas":3,"observedGeneration":1}}"#;
    for args in [
        &[
            "patch",
            "statefulset",
            "camunda-zeebe",
            "--subresource=status",
            "--type=merge",
            "-p",
            status,
        ][..],
        &[
            "create",
            "secret",
            "generic",
            "pass",
            "--from-literal=password=a",
        ],
        &[
            "patch",
            "secret",
            "pass",
            "-p",
            r#"{"stringData":{"password":"b"}}"#,
        ],
        &["delete", "secret", "pass"],
        &["annotate", "--overwrite", "pvc", "--all", "note=kept"],
        &["annotate", "--overwrite", "pv", "--all", "note=kept"],
        &[
            "annotate",
            "--overwrite",
            "namespace",
            namespace,
            "note=kept",
        ],
    ] {
        let output = cluster
            .kubectl([&["-n", namespace], args].concat())
            .ok()
            .unwrap();
        assert!(!output.text().contains("Warning"), "{}", output.report());
    }
}
