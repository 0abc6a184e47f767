//! A Camunda where everything has another name, five brokers, a hook's Secret and a StatefulSet of the user's.

use harness::{Cluster, Helm};
use serde_json::json;

use crate::{
    charts::{copied, own, replace},
    release::{Release, assert_silent},
    stage::guarded,
};

fn orders<'c>(cluster: &'c Cluster, args: &[&str]) -> Release<'c> {
    let release = Release::new(cluster, "orders");
    let installed = release.install(Helm::V3, &own("camunda-odd"), args);
    assert_silent(&installed.ok().unwrap());
    release
}

/// The hook's Secret has other random values in every record, and is nothing to an upgrade; neither is a claim that
/// became larger than its template.
#[test]
fn harmless_changes_pass_without_a_word() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = orders(cluster, &[]);
    release.bind_all();
    expand(&release, "data-order-brokers-0", "20Gi");
    expand(&release, "data-order-login-db-0", "16Gi");
    let secrets = release.secrets();
    assert!(secrets.contains_key("camunda-credentials-autogen"));
    let mut args = Vec::new();
    for (helm, arg) in [
        (Helm::V3, "--set=zeebe.podAnnotations.a=b"),
        (Helm::V4, "--set=audit.replicas=2"),
        (Helm::V3, "--set=operate.podLabels.team=a"),
        (Helm::V4, "--set=zeebe.clusterSize=6"),
    ] {
        args.push(arg);
        let upgraded = release.upgrade(helm, &own("camunda-odd"), &args);
        assert_silent(&upgraded.ok().unwrap());
        assert_eq!(release.secrets(), secrets, "{arg}");
    }
    release.bound("data-order-brokers-5");
}

/// What a claim's owner and a storage driver do between them.
fn expand(release: &Release, claim: &str, size: &str) {
    let volume = release.bound(claim);
    let request = json!({"spec": {"resources": {"requests": {"storage": size}}}});
    let capacity = json!({"spec": {"capacity": {"storage": size}}});
    let (request, capacity) = (request.to_string(), capacity.to_string());
    let (cluster, namespace) = (release.cluster, &*release.namespace);
    let patch = [
        "patch",
        "--namespace",
        namespace,
        "pvc",
        claim,
        "-p",
        &request,
    ];
    cluster.kubectl(patch).ok().unwrap();
    cluster
        .kubectl(["patch", "pv", &volume, "-p", &capacity])
        .ok()
        .unwrap();
}

#[test]
fn brokers_under_another_name_get_their_volumes() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, chart) = (orders(cluster, &[]), own("camunda-odd"));
    expand(&release, "data-order-brokers-0", "20Gi");
    let args = ["--set=global.zeebeClusterName=new-brokers"];
    let denial = release.refused(Helm::V4, &chart, &args);
    denial.assert_rules(&["claims-orphaned", "storage-shrunk"]);
    let volumes: Vec<_> = (0..5)
        .map(|ordinal| release.bound(&format!("data-order-brokers-{ordinal}")))
        .collect();
    for (ordinal, volume) in volumes.iter().enumerate() {
        let size = if ordinal == 0 { "20Gi" } else { "10Gi" };
        let line = format!("data-order-brokers-{ordinal}  on volume {volume}  {size}  policy ");
        assert!(denial.text.contains(&line), "{}", denial.text);
    }
    release.cured(Helm::V4, &denial, &chart, &args);
    for (ordinal, volume) in volumes.iter().enumerate() {
        let claim = format!("data-new-brokers-{ordinal}");
        assert_eq!(&release.bound(&claim), volume);
    }
    let sized = [args[0], "--set=zeebe.pvcSize=20Gi"];
    assert_silent(&release.upgrade(Helm::V3, &chart, &sized).ok().unwrap());
}

#[test]
fn a_database_under_another_name_gets_its_volume() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, chart) = (orders(cluster, &[]), own("camunda-odd"));
    let args = ["--set=identityKeycloak.postgresql.fullnameOverride=new-db"];
    let denial = release.refused(Helm::V3, &chart, &args);
    denial.assert_rules(&["claims-orphaned", "credential-source-changed"]);
    for name in [
        "StatefulSet new-db takes the place of order-login-db",
        "data-order-login-db-0",
    ] {
        assert!(denial.text.contains(name), "{}", denial.text);
    }
    let (volume, secrets) = (release.bound("data-order-login-db-0"), release.secrets());
    release.cured(Helm::V3, &denial, &chart, &args);
    assert_eq!(release.bound("data-new-db-0"), volume);
    assert_eq!(release.secrets()["new-db"], secrets["order-login-db"]);
}

#[test]
fn another_name_override_changes_every_selector() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, chart) = (orders(cluster, &[]), own("camunda-odd"));
    let args = ["--set=nameOverride=engine,operate.nameOverride=cockpit"];
    let denial = release.refused(Helm::V3, &chart, &args);
    denial.assert_rules(&["immutable-field-changed"]);
    let namespace = &*release.namespace;
    assert_eq!(
        denial.commands(),
        [
            format!(
                "kubectl -n {namespace} delete deployment orders-tasklist orders-optimize \
                 orders-zeebe-gateway order-identity orders-cockpit orders-connectors --ignore-not-found"
            ),
            format!("kubectl -n {namespace} delete statefulset order-brokers --ignore-not-found"),
        ]
    );
    let volumes = (release.volumes(), release.bound("data-order-brokers-4"));
    release.cured(Helm::V3, &denial, &chart, &args);
    assert_eq!(
        (release.volumes(), release.bound("data-order-brokers-4")),
        volumes
    );
}

#[test]
fn a_statefulset_of_the_users_own_with_another_claim_template() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, chart) = (orders(cluster, &[]), own("camunda-odd"));
    let args = ["--set=audit.size=2Gi"];
    let denial = release.refused(Helm::V4, &chart, &args);
    denial.assert_rules(&["immutable-field-changed"]);
    assert!(
        denial
            .text
            .contains("StatefulSet orders-audit: volumeClaimTemplates"),
        "{}",
        denial.text
    );
    let volume = release.bound("journal-orders-audit-0");
    release.cured(Helm::V4, &denial, &chart, &args);
    assert_eq!(release.bound("journal-orders-audit-0"), volume);
}

/// The claims of such a StatefulSet go with it, unless it is told otherwise before.
#[test]
fn a_statefulset_that_would_take_its_claims_with_it() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let chart = copied(cluster, "camunda-odd");
    let brokers = "charts/common/templates/_workloads.tpl";
    replace(
        &chart,
        brokers,
        "  podManagementPolicy: Parallel\n",
        "  podManagementPolicy: Parallel\n  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}\n",
    );
    let policy = "--set=identityKeycloak.postgresql.primary.persistentVolumeClaimRetentionPolicy.whenDeleted=Delete,\
                  identityKeycloak.postgresql.primary.persistentVolumeClaimRetentionPolicy.whenScaled=Retain,\
                  identityKeycloak.postgresql.primary.persistentVolumeClaimRetentionPolicy.enabled=true";
    let release = Release::new(cluster, "orders");
    let installed = release.install(Helm::V3, &chart, &[policy]);
    assert_silent(&installed.ok().unwrap());
    release.bind_all();
    let claims = [
        "data-order-brokers-0",
        "data-order-brokers-4",
        "data-order-login-db-0",
    ];
    for claim in claims {
        let owners = &release.get("pvc", claim).unwrap()["metadata"]["ownerReferences"];
        assert_eq!(owners[0]["kind"], "StatefulSet", "{claim}");
    }
    let uids = || claims.map(|claim| release.get("pvc", claim).unwrap()["metadata"]["uid"].clone());
    let args = [
        policy,
        "--set=identityKeycloak.postgresql.primary.persistence.size=9Gi,zeebe.pvcSize=11Gi",
    ];
    let denial = release.refused(Helm::V3, &chart, &args);
    denial.assert_rules(&["immutable-field-changed"]);
    let before = (uids(), release.volumes());
    release.cured(Helm::V3, &denial, &chart, &args);
    release.bind_all();
    assert_eq!((uids(), release.volumes()), before);
    for claim in claims {
        let claim = release.get("pvc", claim).unwrap();
        assert_eq!(claim["metadata"].get("deletionTimestamp"), None);
    }
}
