//! What people do to brokers, databases, claims and volumes by hand, and in which upgrades, on the real API server.

use std::path::Path;

use harness::{Cluster, Denial, Helm, Output};
use serde_json::{Value, json};

use crate::{
    charts::{copied, own, replace},
    release::{Release, assert_silent},
    stage::guarded,
};

const OLD_CLAIM: &str = "elasticsearch-master-elasticsearch-master-0";
const NEW_CLAIM: &str = "data-camunda-elasticsearch-master-0";
const DATABASE_CLAIM: &str = "data-camunda-postgresql-0";
const REDUCED: &str = "zeebe-brokers-reduced";

fn installed<'c>(cluster: &'c Cluster, chart: &Path) -> Release<'c> {
    let release = Release::new(cluster, "camunda");
    release.install(Helm::V3, chart, &[]).ok().unwrap();
    release.bind_all();
    release
}

fn kubectl(release: &Release, args: &[&str]) -> Output {
    let namespace = ["-n", &*release.namespace];
    release.cluster.kubectl(namespace.iter().chain(args))
}

/// Asserts that a command is refused by a rule, and gives the refusal's text.
#[track_caller]
fn refused(output: Output, rule: &str) -> String {
    let refused = output.refused().unwrap();
    let text = refused.text();
    assert!(text.contains(rule), "{}", refused.report());
    text
}

/// The commands of a refusal that hold a word, as they are to be pasted.
fn told(text: &str, word: &str) -> String {
    // Whoever gives data up takes the comment sign away.
    let lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("#").trim_start());
    let commands: Vec<_> = lines
        .filter(|line| line.starts_with("kubectl ") && line.contains(word))
        .collect();
    assert!(!commands.is_empty(), "no {word}: {text}");
    commands.join("\n")
}

fn paste(release: &Release, script: &str) {
    let shell = release.cluster.shell(Helm::V3).unwrap();
    shell.run(script).unwrap().ok().unwrap();
}

#[test]
fn brokers_are_not_scaled_below_their_data() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = installed(cluster, &own("camunda-12"));
    let scale = |number: &str| {
        let replicas = format!("--replicas={number}");
        kubectl(
            &release,
            &["scale", "statefulset", "camunda-zeebe", &replicas],
        )
    };
    refused(scale("2"), REDUCED);
    let patch = [
        "patch",
        "statefulset",
        "camunda-zeebe",
        "-p",
        r#"{"spec":{"replicas":2}}"#,
    ];
    refused(kubectl(&release, &patch), REDUCED);
    let args = ["--set", "zeebe.clusterSize=1"];
    for helm in Helm::BOTH {
        let denial = release.refused(helm, &own("camunda-12"), &args);
        denial.assert_rules(&[REDUCED]);
        assert_eq!(denial.flags(), ["--set zeebe.clusterSize=3"]);
        let because = "Your values set zeebe.clusterSize to 1.";
        assert!(denial.text.contains(because), "{}", denial.text);
    }

    // Maintenance, and all of them back; others may be scaled as ever.
    assert_silent(&scale("0").ok().unwrap());
    refused(scale("1"), REDUCED);
    assert_silent(&scale("3").ok().unwrap());
    let others = ["scale", "statefulset", "camunda-postgresql", "--replicas=0"];
    assert_silent(&kubectl(&release, &others).ok().unwrap());

    let text = refused(scale("2"), REDUCED);
    paste(&release, &told(&text, "allow-brokers=2"));
    refused(scale("1"), REDUCED);
    assert_silent(&scale("2").ok().unwrap());
    let args = ["--set", "zeebe.clusterSize=2"];
    let upgraded = release.upgrade(Helm::V4, &own("camunda-12"), &args);
    assert_silent(&upgraded.ok().unwrap());
    let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
    assert_eq!(brokers["spec"]["replicas"], 2);
}

#[test]
fn elasticsearch_is_not_scaled_below_its_data() {
    const RULE: &str = "elasticsearch-nodes-reduced";
    const SET: &str = "camunda-elasticsearch-master";
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = installed(cluster, &own("camunda-12"));
    release.bound("data-camunda-elasticsearch-master-2");
    let scale = |number: &str| {
        let replicas = format!("--replicas={number}");
        kubectl(&release, &["scale", "statefulset", SET, &replicas])
    };
    refused(scale("2"), RULE);
    let patch = [
        "patch",
        "statefulset",
        SET,
        "-p",
        r#"{"spec":{"replicas":2}}"#,
    ];
    refused(kubectl(&release, &patch), RULE);
    let args = ["--set", "elasticsearch.master.replicaCount=2"];
    for helm in Helm::BOTH {
        let denial = release.refused(helm, &own("camunda-12"), &args);
        denial.assert_rules(&[RULE]);
        assert_eq!(
            denial.flags(),
            ["--set elasticsearch.master.replicaCount=3"]
        );
    }

    // Maintenance, and all of them back.
    assert_silent(&scale("0").ok().unwrap());
    refused(scale("1"), RULE);
    assert_silent(&scale("3").ok().unwrap());

    // Drained, as far as no container has to run.
    let text = refused(scale("2"), RULE);
    paste(&release, &told(&text, "allow-orphan="));
    refused(scale("1"), RULE);
    assert_silent(&scale("2").ok().unwrap());
    let upgraded = release.upgrade(Helm::V4, &own("camunda-12"), &args);
    let told = upgraded.ok().unwrap().text();
    assert!(told.contains("is left behind on purpose"), "{told}");
    let set = release.get("statefulset", SET).unwrap();
    assert_eq!(set["spec"]["replicas"], 2);
}

#[test]
fn a_database_keeps_its_major_or_is_moved() {
    const RULE: &str = "postgresql-major-upgrade";
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = installed(cluster, &own("camunda-12"));
    let set_image = |tag: &str| {
        let image = format!("postgresql=docker.io/bitnamilegacy/postgresql:{tag}");
        kubectl(
            &release,
            &["set", "image", "statefulset/camunda-postgresql", &image],
        )
    };
    refused(set_image("16.4.0"), RULE);
    assert_silent(&set_image("15.13.0").ok().unwrap());

    let next = ["--set", "identityKeycloak.postgresql.image.tag=16.4.0"];
    let denial = release.refused(Helm::V3, &own("camunda-12"), &next);
    denial.assert_rules(&[RULE]);
    // Method 1.
    let pinned = "--set-string identityKeycloak.postgresql.image.tag=15.13.0";
    assert_eq!(denial.flags(), [pinned]);
    let (flag, value) = pinned.split_once(' ').unwrap();
    let upgraded = release.upgrade(Helm::V3, &own("camunda-12"), &[flag, value]);
    assert_silent(&upgraded.ok().unwrap());

    // Method 2, as far as no container has to run.
    let line = denial.others().join("\n");
    let idle: Vec<_> = line
        .split(" && ")
        .filter(|part| part.starts_with("kubectl "))
        .filter(|part| !part.contains(" exec ") && !part.contains("rollout status"))
        .collect();
    assert_eq!(idle.len(), 8, "{line}");
    let volume = release.bound(DATABASE_CLAIM);
    paste(&release, &idle.join("\n"));
    assert_ne!(release.bound(DATABASE_CLAIM), volume);
    let upgraded = release.upgrade(Helm::V3, &own("camunda-12"), &next);
    assert_silent(&upgraded.ok().unwrap());
}

#[test]
fn claims_and_volumes_with_data_are_not_deleted() {
    const RULE: &str = "claim-deleted";
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = installed(cluster, &own("camunda-12"));
    let stop = [
        "delete",
        "statefulset",
        "camunda-postgresql",
        "camunda-zeebe",
    ];
    kubectl(&release, &stop).ok().unwrap();
    let volume = release.bound(DATABASE_CLAIM);
    let brokers = release.bound("data-camunda-zeebe-0");
    let text = refused(kubectl(&release, &["delete", "pvc", DATABASE_CLAIM]), RULE);
    refused(kubectl(&release, &["delete", "pvc", "--all"]), RULE);
    refused(cluster.kubectl(["delete", "pv", &brokers]), RULE);

    paste(&release, &told(&text, "allow-deletion"));
    let delete = ["delete", "pvc", DATABASE_CLAIM, "--timeout=60s"];
    assert_silent(&kubectl(&release, &delete).ok().unwrap());

    // What is retained goes without a word.
    let text = refused(
        kubectl(&release, &["delete", "pvc", "data-camunda-zeebe-0"]),
        RULE,
    );
    paste(&release, &told(&text, "Retain"));
    let delete = ["delete", "pvc", "data-camunda-zeebe-0", "--timeout=60s"];
    assert_silent(&kubectl(&release, &delete).ok().unwrap());
    assert!(cluster.get("pv", "", &brokers).unwrap().is_some());

    let foreign = cluster.namespace("foreign").unwrap();
    cluster.claim(&foreign, DATABASE_CLAIM, None).unwrap();
    cluster.wait_bound(&foreign, DATABASE_CLAIM).unwrap();
    let delete = ["-n", &*foreign, "delete", "pvc", DATABASE_CLAIM];
    assert_silent(&cluster.kubectl(delete).ok().unwrap());

    // A namespace takes all with it, and nobody stands in its way.
    release.bound("data-camunda-zeebe-1");
    let gone = ["delete", "namespace", &*release.namespace, "--timeout=120s"];
    cluster.kubectl(gone).ok().unwrap();
    assert_ne!(volume, brokers);
}

#[test]
fn claims_are_not_tied_to_their_statefulset() {
    const RULE: &str = "claim-retention-policy";
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = installed(cluster, &own("camunda-12"));
    let patch = |when: &str| {
        let policy =
            json!({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": when}}});
        let policy = policy.to_string();
        kubectl(
            &release,
            &["patch", "statefulset", "camunda-zeebe", "-p", &policy],
        )
    };
    refused(patch("Delete"), RULE);
    assert_silent(&patch("Retain").ok().unwrap());
}

fn repoint(cluster: &Cluster, volume: &str, claim_ref: &Value) -> Output {
    let patch = json!([{"op": "replace", "path": "/spec/claimRef", "value": claim_ref}]);
    let patch = patch.to_string();
    cluster.kubectl(["patch", "pv", volume, "--type=json", "-p", &patch])
}

#[test]
fn a_volume_is_pointed_at_another_claim_only_when_that_loses_nothing() {
    const RULE: &str = "volume-rebind-while-running";
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = installed(cluster, &own("camunda-8.2"));
    let volume = release.bound(OLD_CLAIM);
    let old = release.get("pvc", OLD_CLAIM).unwrap();
    let mut claim_ref = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": NEW_CLAIM,
        "namespace": &*release.namespace});
    let text = refused(repoint(cluster, &volume, &claim_ref), RULE);
    assert!(
        text.contains("is in use by elasticsearch-master-0"),
        "{text}"
    );
    paste(&release, &told(&text, " "));

    claim_ref["uid"] = old["metadata"]["uid"].clone();
    let text = refused(repoint(cluster, &volume, &claim_ref), RULE);
    paste(&release, &told(&text, "rebind-to"));
    let now = cluster.get("pv", "", &volume).unwrap().unwrap();
    assert_eq!(now["spec"]["claimRef"]["name"], NEW_CLAIM);
    assert_eq!(now["spec"]["claimRef"]["uid"], Value::Null);

    // The other one by hand, as the guide has it.
    let other = "elasticsearch-master-elasticsearch-master-1";
    let volume = release.bound(other);
    claim_ref["name"] = NEW_CLAIM.replace("-0", "-1").into();
    claim_ref.as_object_mut().unwrap().remove("uid");
    assert_silent(&repoint(cluster, &volume, &claim_ref).ok().unwrap());
}

#[test]
fn a_running_elasticsearch_is_not_cloned() {
    const RULE: &str = "elasticsearch-clone-while-running";
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = installed(cluster, &own("camunda-8.2"));
    let clone = |name: &str| {
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": &*release.namespace},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Gi"}},
                "dataSource": {"kind": "PersistentVolumeClaim", "name": OLD_CLAIM}},
        });
        let create = ["create", "-f", "-"];
        cluster.admin().run_with_input(create, &claim.to_string())
    };
    let text = refused(clone(NEW_CLAIM), RULE);
    assert_silent(&clone("backup-elasticsearch-master-0").ok().unwrap());
    paste(&release, &told(&text, " "));
    assert_silent(&clone(NEW_CLAIM).ok().unwrap());
}

/// The Elasticsearch of up to 8.0.12 gave its claims no labels.
#[test]
fn elasticsearchs_claims_get_their_labels() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let old = copied(cluster, "camunda-8.2");
    replace(&old, "Chart.yaml", "8.2.34", "8.0.12");
    let template = "charts/elasticsearch/templates/statefulset.yaml";
    let labels = "labels: {{- include \"elastic.labels\" . | nindent 10 }}";
    replace(&old, template, labels, "");
    // The pods' labels become the claims', but only those of the selector.
    let new = copied(cluster, "camunda-8.2");
    replace(&new, "Chart.yaml", "8.2.34", "8.0.14");
    for helm in Helm::BOTH {
        let release = installed(cluster, &old);
        let volume = release.bound(OLD_CLAIM);
        let args = ["--set", "global.secretsMode=reuseLookup"];
        let denial = release.refused(helm, &new, &args);
        denial.assert_rules(&["elasticsearch-claim-labels"]);
        release.cured(helm, &denial, &new, &args);
        let claim = release.get("pvc", OLD_CLAIM).unwrap();
        assert_eq!(claim["metadata"]["labels"]["release"], "camunda");
        assert_eq!(release.bound(OLD_CLAIM), volume);
        assert_silent(&release.upgrade(helm, &new, &args).ok().unwrap());
    }
}

/// A size that the new chart no longer reads.
#[test]
fn claims_that_take_over_data_are_as_large() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let size = "elasticsearch.volumeClaimTemplate.resources.requests.storage=200Gi";
    let installed = release.install(Helm::V3, &own("camunda-8.2"), &["--set", size]);
    installed.ok().unwrap();
    let args = [
        "--set",
        size,
        "--set=global.secretsMode=reuseLookup,global.identity.auth.console.existingSecret=new",
    ];
    let denial: Denial = release.refused(Helm::V3, &own("camunda-8.3"), &args);
    denial.assert_rules(&[
        "elasticsearch-claims-orphaned",
        "elasticsearch-values-8.3",
        "immutable-field-changed",
        "storage-shrunk",
    ]);
    let volume = release.bound(OLD_CLAIM);
    release.cured(Helm::V3, &denial, &own("camunda-8.3"), &args);
    assert_eq!(release.bound(NEW_CLAIM), volume);
    let claim = release.get("pvc", NEW_CLAIM).unwrap();
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "200Gi");
}
