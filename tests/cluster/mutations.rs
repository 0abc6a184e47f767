//! What the guard sets itself, as the API server stores it.

use std::{fs, path::Path};

use harness::{Cluster, Helm, StorageClass, wait_until};
use serde_json::{Value, json};

use crate::{
    charts::own,
    release::{Release, assert_silent},
    stage::{guarded, unguarded},
};

const OLD_CLAIM: &str = "elasticsearch-master-elasticsearch-master-0";
const NEW_CLAIM: &str = "data-camunda-elasticsearch-master-0";

fn policy(cluster: &Cluster, volume: &str) -> Value {
    let volume = cluster.get("pv", "", volume).unwrap().unwrap();
    volume["spec"]["persistentVolumeReclaimPolicy"].clone()
}

/// 8.2 with its claims Bound, and Elasticsearch's first volume.
fn installed(cluster: &'static Cluster) -> (Release<'static>, String) {
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    release.bind_all();
    let volume = release.bound(OLD_CLAIM);
    (release, volume)
}

#[test]
fn volumes_of_elasticsearch_are_retained_and_others_left_alone() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, volume) = installed(cluster);
    assert_eq!(policy(cluster, &volume), "Retain");
    let zeebe = release.bound("data-camunda-zeebe-0");
    assert_eq!(policy(cluster, &zeebe), "Delete");

    let delete = r#"{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}"#;
    let set_back = cluster
        .kubectl(["patch", "pv", &volume, "-p", delete])
        .ok()
        .unwrap();
    assert!(
        set_back.text().contains("reclaim policy Retain was set"),
        "{}",
        set_back.report()
    );
    assert_eq!(policy(cluster, &volume), "Retain");
    let on_purpose = "camunda-upgrade-guard/allow-reclaim-policy=Delete";
    cluster
        .kubectl(["annotate", "pv", &volume, on_purpose])
        .ok()
        .unwrap();
    assert_silent(
        &cluster
            .kubectl(["patch", "pv", &volume, "-p", delete])
            .ok()
            .unwrap(),
    );
    assert_eq!(policy(cluster, &volume), "Delete");

    let foreign = cluster.namespace("foreign").unwrap();
    let name = "elasticsearch-master-elasticsearch-master-0";
    cluster.claim(&foreign, name, None).unwrap();
    let volume = cluster.wait_bound(&foreign, name).unwrap();
    assert_eq!(policy(cluster, &volume), "Delete");
}

#[test]
fn a_volume_is_handed_over_only_when_that_loses_nothing() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, volume) = installed(cluster);
    let namespace = &*release.namespace;
    let rebind = |target: &str| {
        let annotation = format!("camunda-upgrade-guard/rebind-to={target}");
        cluster.kubectl(["annotate", "--overwrite", "pv", &volume, &annotation])
    };
    let refused = |target: &str, because: &str| {
        let text = rebind(target).refused().unwrap().text();
        assert!(text.contains(because), "{text}");
        text
    };
    let target = format!("{namespace}/{NEW_CLAIM}");
    refused(NEW_CLAIM, "must be NAMESPACE/CLAIM");
    refused(&format!("default/{NEW_CLAIM}"), "is in namespace");
    refused(
        &format!("{namespace}/data-camunda-elasticsearch-master-1"),
        "not of the same ordinal",
    );
    let text = refused(&target, "is in use by elasticsearch-master-0");

    let commands: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("kubectl "))
        .collect();
    let shell = cluster.shell(Helm::V3).unwrap();
    shell.run(&commands.join("\n")).unwrap().ok().unwrap();
    for _ in 0..2 {
        rebind(&target).ok().unwrap();
        let now = cluster.get("pv", "", &volume).unwrap().unwrap();
        assert_eq!(now["spec"]["persistentVolumeReclaimPolicy"], "Retain");
        assert_eq!(now["spec"]["claimRef"]["name"], NEW_CLAIM);
        assert_eq!(now["spec"]["claimRef"]["uid"], Value::Null);
        let annotations = &now["metadata"]["annotations"];
        assert_eq!(annotations["camunda-upgrade-guard/rebind-to"], Value::Null);
        assert_eq!(
            annotations["camunda-upgrade-guard/rebound-from"],
            format!("{namespace}/{OLD_CLAIM}")
        );
    }
    claim_of_another_class(&release);
    assert_eq!(release.bound(NEW_CLAIM), volume);
}

/// A claim whose class and size differ would be given a new volume, if it were not told which is its own.
fn claim_of_another_class(release: &Release) {
    let class = release.cluster.unique("other");
    release
        .cluster
        .storage_class(&StorageClass::named(&class))
        .unwrap();
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": NEW_CLAIM, "namespace": &*release.namespace, "labels": {
            "app.kubernetes.io/name": "elasticsearch", "app.kubernetes.io/instance": "camunda"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
            "resources": {"requests": {"storage": "900Gi"}}},
    });
    release.cluster.apply(&claim).unwrap();
}

/// The guide's own option two, with its old claim tidied away too early.
#[test]
fn a_volume_that_was_handed_over_by_hand_is_found() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, volume) = installed(cluster);
    let namespace = &*release.namespace;
    let delete = [
        "-n",
        namespace,
        "delete",
        "statefulset",
        "elasticsearch-master",
    ];
    cluster.kubectl(delete).ok().unwrap();
    let gone = [
        "-n",
        namespace,
        "wait",
        "--for=delete",
        "pod",
        "elasticsearch-master-0",
        "--timeout=60s",
    ];
    cluster.kubectl(gone).ok().unwrap();
    let value = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": NEW_CLAIM, "namespace": namespace});
    let patch = json!([{"op": "replace", "path": "/spec/claimRef", "value": value}]).to_string();
    cluster
        .kubectl(["patch", "pv", &volume, "--type=json", "-p", &patch])
        .ok()
        .unwrap();
    cluster
        .kubectl(["-n", namespace, "delete", "pvc", OLD_CLAIM])
        .ok()
        .unwrap();
    claim_of_another_class(&release);
    assert_eq!(release.bound(NEW_CLAIM), volume);
}

/// A pod that is about to go still writes: the printed wait lasts until it is gone.
#[test]
fn a_terminating_pod_keeps_its_volume() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, volume) = installed(cluster);
    let namespace = &*release.namespace;
    let pod = |patch: &str| {
        let args = [
            "-n",
            namespace,
            "patch",
            "pod",
            "elasticsearch-master-0",
            "--type=merge",
            "-p",
            patch,
        ];
        cluster.kubectl(args).ok().unwrap();
    };
    pod(r#"{"metadata":{"finalizers":["example.com/still-writing"]}}"#);
    let scale = [
        "-n",
        namespace,
        "scale",
        "statefulset",
        "elasticsearch-master",
        "--replicas=0",
    ];
    cluster.kubectl(scale).ok().unwrap();
    let wait = |timeout: &str| {
        cluster.kubectl([
            "-n",
            namespace,
            "wait",
            "--for=delete",
            "pod",
            "elasticsearch-master-0",
            timeout,
        ])
    };
    wait("--timeout=1s").refused().unwrap();
    let annotation = format!("camunda-upgrade-guard/rebind-to={namespace}/{NEW_CLAIM}");
    let rebind = || cluster.kubectl(["annotate", "pv", &volume, &annotation]);
    let refused = rebind().refused().unwrap();
    assert!(
        refused.text().contains("volume-rebind-while-running"),
        "{}",
        refused.report()
    );
    pod(r#"{"metadata":{"finalizers":null}}"#);
    wait("--timeout=60s").ok().unwrap();
    rebind().ok().unwrap();
}

#[test]
fn a_foreign_volume_is_not_handed_over() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = cluster.namespace("foreign").unwrap();
    cluster.claim(&namespace, "data-db-0", None).unwrap();
    let volume = cluster.wait_bound(&namespace, "data-db-0").unwrap();
    let annotation = format!(
        "camunda-upgrade-guard/rebind-to={}/data-other-0",
        &*namespace
    );
    let refused = cluster
        .kubectl(["annotate", "pv", &volume, &annotation])
        .refused()
        .unwrap();
    assert!(
        refused
            .text()
            .contains("does not belong to a Camunda release"),
        "{}",
        refused.report()
    );
}

#[test]
fn brokers_get_a_group_that_can_write_their_volumes() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    for helm in Helm::BOTH {
        let release = Release::new(cluster, "camunda");
        let args = ["--set", "zeebe.podSecurityContext=null"];
        let installed = release
            .install(helm, &own("camunda-8.3"), &args)
            .ok()
            .unwrap();
        assert!(
            installed.text().contains("fsGroup 1000 was set"),
            "{}",
            installed.report()
        );
        let pod = |release: &Release| {
            let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
            brokers["spec"]["template"]["spec"]["securityContext"].clone()
        };
        assert_eq!(pod(&release)["fsGroup"], 1000);
        assert_eq!(pod(&release)["fsGroupChangePolicy"], "OnRootMismatch");
        let scaled = release.cluster.kubectl([
            "-n",
            &*release.namespace,
            "scale",
            "statefulset",
            "camunda-zeebe",
            "--replicas=4",
        ]);
        assert_silent(&scaled.ok().unwrap());
    }
    let release = Release::new(cluster, "camunda");
    let group = ["--set", "zeebe.podSecurityContext.fsGroup=1234"];
    assert_silent(
        &release
            .install(Helm::V3, &own("camunda-8.3"), &group)
            .ok()
            .unwrap(),
    );
    let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
    assert_eq!(
        brokers["spec"]["template"]["spec"]["securityContext"]["fsGroup"],
        1234
    );
}

/// The same upgrade where no guard is: the new claims are empty, and a deleted old claim takes its files along.
#[test]
fn without_the_guard_the_data_is_gone() {
    let Some(cluster) = unguarded() else {
        return;
    };
    let (release, volume) = installed(cluster);
    let file = write_index(cluster, &volume);
    let args = ["--set", "global.secretsMode=generateAnew"];
    release
        .upgrade(Helm::V3, &own("camunda-8.3"), &args)
        .refused()
        .unwrap();
    assert_eq!(release.revisions().last().unwrap().1, "failed");
    let new = release.bound(NEW_CLAIM);
    assert_ne!(new, volume);
    assert_eq!(
        fs::read_dir(cluster.volume_dir(&new).unwrap())
            .unwrap()
            .count(),
        0
    );

    cluster
        .kubectl([
            "-n",
            &*release.namespace,
            "delete",
            "statefulset",
            "elasticsearch-master",
            "--ignore-not-found",
        ])
        .ok()
        .unwrap();
    cluster
        .kubectl([
            "-n",
            &*release.namespace,
            "delete",
            "pvc",
            OLD_CLAIM,
            "--wait=false",
        ])
        .ok()
        .unwrap();
    wait_until(
        "the volume's files to be gone",
        std::time::Duration::from_secs(60),
        || Ok((!file.exists()).then_some(())),
    )
    .unwrap();
}

fn write_index(cluster: &Cluster, volume: &str) -> std::path::PathBuf {
    let file = Path::new(&cluster.volume_dir(volume).unwrap()).join("index");
    fs::write(&file, "data").unwrap();
    file
}
