//! `rebind` killed, cut off and kept waiting: nothing is lost on the way, and run again it goes on.

use harness::Fault;

use super::{OLD, Stage};
use crate::{
    command::{guard_as, says},
    stage::unguarded,
};

/// Killed after any of its lines, there and back: nothing is lost, and run again it goes on.
#[test]
fn it_can_be_killed_anywhere_and_run_again() {
    let Some(cluster) = unguarded() else {
        return;
    };
    let stage = Stage::new(cluster);
    let release = &stage.release;
    for step in ["1/6", "3/6", "5/6"] {
        release.guard_killed(&["rebind", "--yes"], step);
        stage.assert_safe();
        release.guard(&["rebind", "--yes"]).ok().unwrap();
        stage.assert_handed_over();
        release.guard_killed(&["rebind", "--undo", "--yes"], step);
        stage.assert_safe();
        let undone = release.guard(&["rebind", "--undo", "--yes"]);
        undone.ok().unwrap();
        stage.assert_as_before();
        stage.scale(2);
        stage.wait_pods(true);
    }
    let undone = release.guard(&["rebind", "--undo", "--yes"]);
    says(&undone, 0, "Nothing to do");
}

/// A pod that is about to go still writes.
#[test]
fn it_waits_for_pods_and_gives_no_volume_away_before() {
    let Some(cluster) = unguarded() else {
        return;
    };
    let stage = Stage::new(cluster);
    let release = &stage.release;
    let pod = |patch: &str| {
        let namespace = &*release.namespace;
        let args = ["-n", namespace, "patch", "pod", "elasticsearch-master-0"];
        let patch = ["--type=merge", "-p", patch];
        cluster.kubectl(args.iter().chain(&patch)).ok().unwrap();
    };
    pod(r#"{"metadata":{"finalizers":["example.com/still-writing"]}}"#);
    release.guard_killed(&["rebind", "--yes"], "4/6 wait");
    let waited = release.guard(&["rebind", "--yes", "--timeout=0s"]);
    says(&waited, 1, "still in use by elasticsearch-master-0");
    assert_eq!(stage.replicas(), 0);
    for (index, old) in OLD.iter().enumerate() {
        assert_eq!(stage.volume(index)["spec"]["claimRef"]["name"], *old);
    }
    pod(r#"{"metadata":{"finalizers":null}}"#);
    release.guard(&["rebind", "--yes"]).ok().unwrap();
    stage.assert_handed_over();

    // Tidied away too early, as the guide has it only after the upgrade.
    release.wait_phase(OLD[0], "Lost");
    release.delete_lost_claims();
    release.guard_killed(&["rebind", "--undo", "--yes"], "1/");
    stage.assert_safe();
    release.guard(&["rebind", "--undo", "--yes"]).ok().unwrap();
    stage.assert_as_before();
    let labels = &release.get("pvc", OLD[0]).unwrap()["metadata"]["labels"];
    assert_eq!(labels["release"], "camunda");
    stage.scale(2);
    stage.wait_pods(true);
    release.guard(&["rebind", "--yes"]).ok().unwrap();
    stage.assert_handed_over();
    // Somebody starts Elasticsearch before its volumes are back.
    stage.scale(2);
    stage.wait_pods(true);
    release.guard(&["rebind", "--undo", "--yes"]).ok().unwrap();
    stage.assert_as_before();
}

/// An API server that stops answering half-way leaves the rest to the next run.
#[test]
fn it_goes_on_after_the_api_server_failed() {
    let Some(cluster) = unguarded() else {
        return;
    };
    let stage = Stage::new(cluster);
    let namespace = &*stage.release.namespace;
    let account = ["-n", namespace, "create", "serviceaccount", "operator"];
    cluster.kubectl(account).ok().unwrap();
    let user = format!("--serviceaccount={namespace}:operator");
    let name = cluster.unique("operator");
    let role = "--clusterrole=cluster-admin";
    let binding = ["create", "clusterrolebinding", &name, role, &user];
    cluster.kubectl(binding).ok().unwrap();
    let server = cluster.faulty_server().unwrap();
    let kubeconfig = cluster.kubeconfig_through(&server, namespace, "operator");
    let kubeconfig = kubeconfig.unwrap();
    let rebind = |undo: &[&str]| {
        let args = ["rebind", "--yes", "-n", namespace];
        guard_as(&kubeconfig, &[&args, undo].concat())
    };

    for (path, fault, step) in [
        (
            "/statefulsets/elasticsearch-master/scale",
            Fault::Status(500, None),
            "step 3/6",
        ),
        ("/persistentvolumeclaims/data-", Fault::Cut, "step 1/2"),
    ] {
        server.set(&[(path, fault)]);
        says(&rebind(&[]), 1, step);
        stage.assert_safe();
        server.set(&[]);
        if step == "step 3/6" {
            stage.scale(0);
            stage.wait_pods(false);
        }
    }
    server.set(&[]);
    rebind(&[]).ok().unwrap();
    stage.assert_handed_over();
    server.set(&[("/persistentvolumeclaims/elasticsearch-", Fault::Forbidden)]);
    says(&rebind(&["--undo"]), 1, "step 3/6");
    stage.assert_safe();
    server.set(&[]);
    rebind(&["--undo"]).ok().unwrap();
    stage.assert_as_before();
    server.set(&[("", Fault::Gone)]);
    says(&rebind(&[]), 1, "can't list ");
}
