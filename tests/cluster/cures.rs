//! Cures that the charts' usual upgrades do not print: clones, Jobs, claim templates.

use harness::{Denial, Helm, StorageClass};
use serde_json::json;

use crate::{
    charts::own,
    release::{Release, assert_silent},
    stage::guarded,
};

fn upgrade(release: &Release, chart: &str, args: &str) -> String {
    format!(
        "helm upgrade {} '{}' -n {} {args}",
        release.name,
        own(chart).display(),
        &*release.namespace
    )
}

/// Option one of the guide, where the class has a CSI driver: the printed clones wait for their pods, and that is enough.
#[test]
fn claims_of_a_csi_driver_can_be_cloned() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let class = cluster.unique("csi");
    let driver = format!("{class}.example.com");
    for object in [
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": driver}}),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": class},
            "provisioner": driver, "volumeBindingMode": "WaitForFirstConsumer"}),
    ] {
        cluster.apply(&object).unwrap();
    }
    let claims = [
        "elasticsearch-master-elasticsearch-master-0",
        "elasticsearch-master-elasticsearch-master-1",
    ];
    for claim in claims {
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": cluster.unique("volume")},
            "spec": {"capacity": {"storage": "64Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": class,
                "persistentVolumeReclaimPolicy": "Delete", "csi": {"driver": driver, "volumeHandle": claim},
                "claimRef": {"namespace": &*release.namespace, "name": claim}},
        });
        cluster.apply(&volume).unwrap();
    }
    let args = format!("--set elasticsearch.volumeClaimTemplate.storageClassName={class}");
    let shell = cluster.shell(Helm::V3).unwrap();
    shell
        .run(&upgrade(&release, "camunda-8.2", &args).replace("upgrade", "upgrade --install"))
        .unwrap()
        .ok()
        .unwrap();
    for claim in claims {
        release.bound(claim);
    }
    let next = upgrade(
        &release,
        "camunda-8.3",
        "--set global.secretsMode=reuseLookup,global.identity.auth.console.existingSecret=new",
    );
    let denial = Denial::of(&shell.run(&next).unwrap());
    denial.assert_rules(&["elasticsearch-claims-orphaned", "immutable-field-changed"]);
    assert!(
        denial
            .text
            .contains(&format!("if the driver {driver} supports cloning")),
        "{}",
        denial.text
    );
    let cloning = denial.others();
    let clones = cloning.iter().filter(|it| it.contains("dataSource"));
    assert_eq!(clones.count(), 2, "{cloning:?}");
    let rebinding = denial.cure(&next);
    let rest = rebinding.lines().filter(|line| !line.contains("rebind-to"));
    let rest: Vec<_> = rest.collect();
    let script = format!("{}\n{}", cloning.join("\n"), rest.join("\n"));
    let admitted = shell.run(&script).unwrap();
    admitted.ok().unwrap();
    let clone = release
        .get("pvc", "data-camunda-elasticsearch-master-0")
        .unwrap();
    assert_eq!(clone["spec"]["dataSource"]["name"], claims[0]);
    assert_eq!(clone["spec"]["storageClassName"], class.as_str());
}

/// 13's migration Jobs can't change; one that has not finished is waited for, and then it is switched off.
#[test]
fn a_migration_job_is_awaited_before_it_is_switched_off() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let migrating = "--set orchestration.migration.data.enabled=true";
    let shell = cluster.shell(Helm::V3).unwrap();
    let install = |values| {
        let command = upgrade(&release, "camunda-13", values);
        shell
            .run(&command.replace("upgrade", "upgrade --install"))
            .unwrap()
    };
    let off = "--set orchestration.migration.data.enabled=false";
    let denial = Denial::of(&install(migrating));
    denial.assert_rules(&["data-migration-on-install"]);
    assert_eq!(denial.flags(), [off]);
    assert_silent(&install("").ok().unwrap());
    assert_silent(
        &shell
            .run(&upgrade(&release, "camunda-13", migrating))
            .unwrap()
            .ok()
            .unwrap(),
    );

    let changed = upgrade(
        &release,
        "camunda-13",
        &format!("{migrating} --set orchestration.image.tag=8.8.36"),
    );
    let denial = Denial::of(&shell.run(&changed).unwrap());
    denial.assert_rules(&["immutable-field-changed"]);
    let job = "camunda-zeebe-migration-data";
    let namespace = &*release.namespace;
    assert_eq!(
        denial.commands(),
        [format!(
            "kubectl -n {namespace} wait --for=condition=Complete job/{job} --timeout=1h"
        ),]
    );
    assert_eq!(denial.flags(), [off]);
    let without = upgrade(&release, "camunda-13", off);
    let denial = Denial::of(&shell.run(&without).unwrap());
    denial.assert_rules(&["migration-unfinished"]);
    finish(&release, job);
    let again = shell.run(&upgrade(&release, "camunda-13", migrating));
    assert!(again.unwrap().text().contains("after-upgrade"));
    let denial = Denial::of(&shell.run(&changed).unwrap());
    denial.assert_rules(&["data-migration-on-install"]);
    assert_eq!(denial.flags(), [off]);
    shell.run(&denial.cure(&changed)).unwrap().ok().unwrap();
    assert!(release.get("job", job).is_none());
    let next = format!("{changed} {off}");
    assert_silent(&shell.run(&next).unwrap().ok().unwrap());
}

/// Ends the Job's pod, as a kubelet would report it, and waits for the Job to be Complete.
pub fn finish(release: &Release, job: &str) {
    let cluster = release.cluster;
    let pods = cluster
        .list("pods", &release.namespace, &format!("job-name={job}"))
        .unwrap();
    let pod = pods[0]["metadata"]["name"].as_str().unwrap();
    let status = r#"{"status":{"phase":"Succeeded"}}"#;
    let args = [
        "-n",
        &release.namespace,
        "patch",
        "pod",
        pod,
        "--subresource=status",
        "-p",
        status,
    ];
    cluster.kubectl(args).ok().unwrap();
    let job = format!("job/{job}");
    let args = [
        "-n",
        &release.namespace,
        "wait",
        "--for=condition=Complete",
        &job,
        "--timeout=60s",
    ];
    cluster.kubectl(args).ok().unwrap();
}

/// A larger size in the values changes the template, not the claims that are there.
#[test]
fn a_claim_template_that_grows_asks_for_its_statefulset_to_be_deleted() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-12"), &[])
        .ok()
        .unwrap();
    let volume = release.bound("data-camunda-zeebe-0");
    let next = upgrade(&release, "camunda-12", "--set zeebe.pvcSize=100Gi");
    let shell = cluster.shell(Helm::V4).unwrap();
    let denial = Denial::of(&shell.run(&next).unwrap());
    denial.assert_rules(&["immutable-field-changed"]);
    assert!(
        denial
            .text
            .contains("StatefulSet camunda-zeebe: volumeClaimTemplates"),
        "{}",
        denial.text
    );
    shell.run(&denial.cure(&next)).unwrap().ok().unwrap();
    assert_eq!(release.bound("data-camunda-zeebe-0"), volume);
}

/// A class of which nothing is a CSI driver has no clones.
#[test]
fn other_classes_are_not_told_to_clone() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    cluster
        .storage_class(&StorageClass::named("plain"))
        .unwrap();
    let release = Release::new(cluster, "camunda");
    let class = "elasticsearch.volumeClaimTemplate.storageClassName=plain";
    release
        .install(Helm::V3, &own("camunda-8.2"), &["--set", class])
        .ok()
        .unwrap();
    release.bind_all();
    let refused = release.upgrade(
        Helm::V3,
        &own("camunda-8.3"),
        &[
            "--set",
            "global.secretsMode=reuseLookup,global.identity.auth.console.existingSecret=new",
        ],
    );
    let denial = Denial::of(&refused);
    assert!(!denial.text.contains("dataSource"), "{}", denial.text);
}
