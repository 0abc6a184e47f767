//! `rebind` and `rebind --undo`: volumes go to their new claims and back, whatever happens on the way.

use std::{fs, path::PathBuf};

use harness::{Cluster, Fault, Helm, Output, wait_until};
use serde_json::{Value, json};

use crate::{
    charts::{REUSE, own},
    command::guard_as,
    release::Release,
    stage::{guarded, unguarded},
};

const SET: &str = "elasticsearch-master";
const OLD: [&str; 2] = [
    "elasticsearch-master-elasticsearch-master-0",
    "elasticsearch-master-elasticsearch-master-1",
];
const NEW: [&str; 2] = [
    "data-camunda-elasticsearch-master-0",
    "data-camunda-elasticsearch-master-1",
];

/// 8.2 with its claims Bound and a file in each of Elasticsearch's volumes.
struct Stage<'c> {
    release: Release<'c>,
    volumes: Vec<String>,
    files: Vec<PathBuf>,
}

impl<'c> Stage<'c> {
    fn new(cluster: &'c Cluster) -> Self {
        let release = Release::new(cluster, "camunda");
        release
            .install(Helm::V3, &own("camunda-8.2"), &[])
            .ok()
            .unwrap();
        release.bind_all();
        let volumes: Vec<_> = OLD.iter().map(|claim| release.bound(claim)).collect();
        let files = volumes.iter().map(|volume| {
            let file = cluster.volume_dir(volume).unwrap().join("index");
            fs::write(&file, volume).unwrap();
            file
        });
        Self {
            files: files.collect(),
            volumes,
            release,
        }
    }

    fn volume(&self, index: usize) -> Value {
        let name = &self.volumes[index];
        self.release.cluster.get("pv", "", name).unwrap().unwrap()
    }

    fn replicas(&self) -> Value {
        self.release.get("statefulset", SET).unwrap()["spec"]["replicas"].clone()
    }

    fn scale(&self, replicas: u64) {
        let replicas = format!("--replicas={replicas}");
        let namespace = &*self.release.namespace;
        let args = ["-n", namespace, "scale", "statefulset", SET, &replicas];
        self.release.cluster.kubectl(args).ok().unwrap();
    }

    fn wait_pods(&self, there: bool) {
        wait_until("Elasticsearch's pods", super::release::BINDING, || {
            let selector = "app=elasticsearch-master";
            let pods = self
                .release
                .cluster
                .list("pods", &self.release.namespace, selector)?;
            Ok((pods.len() == if there { 2 } else { 0 }).then_some(()))
        })
        .unwrap();
    }

    /// Whatever was interrupted: nothing has happened to any volume before all of them were retained, and the data is there.
    #[track_caller]
    fn assert_safe(&self) {
        let volumes = [self.volume(0), self.volume(1)];
        let retained = volumes
            .iter()
            .all(|volume| volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain");
        let owned = volumes.iter().zip(OLD).all(|(volume, old)| {
            let claim = self.release.get("pvc", old);
            let uid = claim.map(|claim| claim["metadata"]["uid"].clone());
            uid == Some(volume["spec"]["claimRef"]["uid"].clone())
        });
        assert!(retained || owned, "{volumes:#?}");
        self.assert_data();
    }

    #[track_caller]
    fn assert_data(&self) {
        for (file, volume) in self.files.iter().zip(&self.volumes) {
            assert_eq!(fs::read_to_string(file).unwrap(), *volume);
        }
    }

    #[track_caller]
    fn assert_handed_over(&self) {
        for index in 0..2 {
            let volume = self.volume(index);
            let expected = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": &*self.release.namespace, "name": NEW[index]});
            assert_eq!(volume["spec"]["claimRef"], expected);
            assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Retain");
            assert_eq!(
                volume["metadata"]["annotations"]["camunda-upgrade-guard/rebound-from"],
                format!("{}/{}", &*self.release.namespace, OLD[index])
            );
        }
        assert_eq!(self.replicas(), 0);
    }

    #[track_caller]
    fn assert_as_before(&self) {
        for (index, old) in OLD.iter().enumerate() {
            assert_eq!(self.release.bound(old), self.volumes[index]);
            let volume = self.volume(index);
            assert_eq!(volume["status"]["phase"], "Bound");
            assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Delete");
            let annotations = volume["metadata"]["annotations"].to_string();
            assert!(
                !annotations.contains("camunda-upgrade-guard"),
                "{annotations}"
            );
        }
        self.assert_data();
    }

    /// What a change of anything that the command could touch would change.
    fn versions(&self) -> Vec<Value> {
        let statefulset = self.release.get("statefulset", SET).unwrap();
        [self.volume(0), self.volume(1)]
            .into_iter()
            .map(|volume| volume["metadata"]["resourceVersion"].clone())
            .chain([statefulset["metadata"]["generation"].clone()])
            .collect()
    }
}

#[track_caller]
fn says(output: &Output, code: i32, text: &str) {
    assert_eq!(output.code, Some(code), "{}", output.report());
    assert!(output.text().contains(text), "{}", output.report());
}

/// The way of the guide with a guard that watches: refused, handed over, upgraded, and then there is no way back.
#[test]
fn an_upgrade_that_was_refused_goes_through_with_the_data() {
    const ORPHANED: &str = "elasticsearch-claims-orphaned";
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let stage = Stage::new(cluster);
    let release = &stage.release;
    let args = [
        REUSE,
        "--set=global.identity.auth.console.existingSecret=of-its-own",
    ];
    let denial = release.refused(Helm::V3, &own("camunda-8.3"), &args);
    assert!(denial.rules.iter().any(|rule| rule == ORPHANED));

    let before = stage.versions();
    says(&release.guard(&["rebind"]), 2, "--yes");
    let tried = release.guard(&["rebind", "camunda", "--dry-run"]);
    says(&tried, 0, "nothing was changed");
    let later = "not tried: volume ";
    assert_eq!(tried.stdout.matches(later).count(), 2, "{}", tried.report());
    assert_eq!(stage.versions(), before);

    says(&release.guard(&["rebind", "--yes"]), 0, "4/4 done: ");
    stage.assert_handed_over();
    says(&release.guard(&["rebind", "--yes"]), 0, "Nothing to do");

    let denial = release.upgrade(Helm::V4, &own("camunda-8.3"), &args);
    let denial = harness::Denial::of(&denial);
    assert!(!denial.rules.iter().any(|rule| rule == ORPHANED));
    release.cured(Helm::V3, &denial, &own("camunda-8.3"), &args);
    for (new, volume) in NEW.iter().zip(&stage.volumes) {
        assert_eq!(release.bound(new), *volume);
    }
    stage.assert_data();
    let undo = release.guard(&["rebind", "--undo", "--yes"]);
    says(&undo, 1, "has had volume");
    says(&release.guard(&["rebind", "--yes"]), 0, "Nothing to do");
    release.delete_lost_claims();
    says(&release.guard(&["rebind", "--yes"]), 0, "Nothing to do");
    stage.assert_data();
}

/// Killed after any of its lines, there and back: nothing is lost, and run again it goes on.
#[test]
fn it_can_be_killed_anywhere_and_run_again() {
    let Some(cluster) = unguarded() else {
        return;
    };
    let stage = Stage::new(cluster);
    let release = &stage.release;
    for (there, back) in [
        ("1/6", "1/6"),
        ("2/6", "2/6"),
        ("3/6", "3/6"),
        ("5/6", "5/6"),
    ] {
        release.guard_killed(&["rebind", "--yes"], there);
        stage.assert_safe();
        release.guard(&["rebind", "--yes"]).ok().unwrap();
        stage.assert_handed_over();
        release.guard_killed(&["rebind", "--undo", "--yes"], back);
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

    // Lost for good, one of them tidied away; the other way round with a claim that came in between.
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
    stage.scale(2);
    stage.wait_pods(true);
    let used = release.guard(&["rebind", "--undo", "--yes"]);
    used.ok().unwrap();
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
        let faults: &[(&'static str, Fault)] = &[];
        server.set(faults);
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

/// Nothing is begun by somebody who may not end it.
#[test]
fn what_is_missing_is_said_before_anything_is_changed() {
    let Some(cluster) = unguarded() else {
        return;
    };
    let stage = Stage::new(cluster);
    let namespace = &*stage.release.namespace;
    let before = stage.versions();
    let may = |user: &str, verb: &str, resources: &str| {
        let (verb, resources) = (format!("--verb={verb}"), format!("--resource={resources}"));
        let name = cluster.unique("role");
        let role = ["create", "clusterrole", &name, &verb, &resources];
        cluster.kubectl(role).ok().unwrap();
        let (role, user) = (format!("--clusterrole={name}"), format!("--user={user}"));
        let binding = ["create", "clusterrolebinding", &name, &role, &user];
        cluster.kubectl(binding).ok().unwrap();
    };
    let user = cluster.unique("reader");
    let kubeconfig = cluster.kubeconfig_of_user(&user, &[]).unwrap();
    let rebind = || guard_as(&kubeconfig, &["rebind", "--yes", "-n", namespace]);
    says(&rebind(), 1, "can't list ");
    let namespaced = "persistentvolumeclaims,statefulsets.apps,deployments.apps,pods";
    may(&user, "get,list", namespaced);
    let output = rebind();
    says(&output, 1, "can't list persistentvolumes: ");
    says(&output, 1, "cannot list resource \"persistentvolumes\"");
    may(&user, "get,list", "persistentvolumes");
    let output = rebind();
    says(
        &output,
        1,
        "nothing was changed: you may not patch persistentvolumes",
    );
    says(&output, 1, "patch statefulsets.apps/scale in namespace ");
    may(&user, "patch", "persistentvolumes");
    let output = rebind();
    says(
        &output,
        1,
        "you may not patch statefulsets.apps/scale in namespace ",
    );
    assert_eq!(stage.versions(), before);
    may(&user, "patch", "statefulsets.apps/scale");
    rebind().ok().unwrap();
    stage.assert_handed_over();
}

#[test]
fn what_is_asked_for_has_to_be_there_once() {
    let Some(cluster) = unguarded() else {
        return;
    };
    let stage = Stage::new(cluster);
    let release = &stage.release;
    says(
        &release.guard(&["rebind", "other"]),
        1,
        "no Camunda release other, only camunda",
    );
    let empty = Release::new(cluster, "camunda");
    says(
        &empty.guard(&["rebind"]),
        1,
        "no Camunda release in namespace ",
    );
    let nowhere = cluster.scratch("nowhere").unwrap().join("config");
    says(&guard_as(&nowhere, &["rebind"]), 1, "no cluster: ");

    let second = Release::in_namespace(cluster, release.namespace.clone(), "second");
    let own_name = "--set=elasticsearch.clusterName=second";
    let installed = second.install(Helm::V3, &own("camunda-8.2"), &[own_name]);
    installed.ok().unwrap();
    second.bind_all();
    let output = release.guard(&["rebind", "--yes"]);
    says(&output, 1, "2 releases in namespace ");
    says(&output, 1, "camunda, second");

    // Another chart may have made the new claim already.
    cluster.claim(&release.namespace, NEW[1], None).unwrap();
    release.bound(NEW[1]);
    let before = stage.versions();
    let output = release.guard(&["rebind", "camunda", "--yes"]);
    says(&output, 1, &format!("Claim {} exists already", NEW[1]));
    assert_eq!(stage.versions(), before);
    let output = release.guard(&["rebind", "second", "--statefulset=es", "--yes"]);
    says(
        &output,
        0,
        "from claim second-master-second-master-1 to data-es-1",
    );
}
