//! `rebind` and `rebind --undo`: volumes go to their new claims and back, whatever happens on the way.

mod interrupted;

use std::{fs, path::PathBuf};

use harness::{Cluster, Denial, Helm, wait_until};
use serde_json::{Value, json};

use crate::{
    charts::{REUSE, own},
    command::{guard_as, says},
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

    let declined = release.guard_on_terminal("rebind", "n\n");
    says(&declined, 1, "Proceed? [y/N]");
    assert_eq!(stage.versions(), before);
    let accepted = release.guard_on_terminal("rebind camunda", "y\n");
    says(&accepted, 0, "4/4 done: ");
    stage.assert_handed_over();
    says(&release.guard(&["rebind", "--yes"]), 0, "Nothing to do");

    let denial = release.upgrade(Helm::V4, &own("camunda-8.3"), &args);
    let denial = Denial::of(&denial);
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
