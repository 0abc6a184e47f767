//! What Helm deletes last: what its record was admitted with does not fail then, half of an upgrade being done.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    admission::{AdmissionMetrics, Guard},
    cluster::Cluster,
    events::Events,
    metrics::Metrics,
    mutations::volume_reclaim_policy::RetainScope,
    policy::Policy,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

const CLAIM: &str = "camunda-optimize-data";

fn labels() -> Value {
    json!({"app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/instance": "camunda",
        "app.kubernetes.io/component": "optimize"})
}

/// The claim as Helm made it.
fn claim() -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": CLAIM, "namespace": "prod", "uid": "the-claim", "labels": labels(), "annotations": {
            "meta.helm.sh/release-name": "camunda", "meta.helm.sh/release-namespace": "prod"}},
        "spec": {"volumeName": "volume"}, "status": {"phase": "Bound"},
    })
}

fn volume() -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "volume"},
        "spec": {"claimRef": {"namespace": "prod", "name": CLAIM}, "capacity": {"storage": "10Gi"},
            "persistentVolumeReclaimPolicy": "Delete"},
    })
}

/// Optimize with the claim mounted at these paths.
fn optimize(paths: &[&str]) -> Value {
    let mounts: Vec<_> = paths
        .iter()
        .map(|path| json!({"name": "data", "mountPath": path}))
        .collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "camunda-optimize", "namespace": "prod", "labels": labels()},
        "spec": {"replicas": 1, "template": {"spec": {
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
            "containers": [{"name": "optimize", "image": "camunda/optimize:8.8.0", "volumeMounts": mounts}]}}},
    })
}

/// A record of these objects.
fn record(revision: u64, status: &str, objects: &[&Value]) -> Value {
    let manifest: String = objects
        .iter()
        .map(|object| format!("---\n{object}\n"))
        .collect();
    let release = json!({
        "name": "camunda", "namespace": "prod", "version": revision, "info": {"status": status},
        "chart": {"metadata": {"name": "camunda-platform", "version": "13.12.7"}}, "manifest": manifest,
    });
    let data = STANDARD.encode(harness::record::encode(&release).unwrap());
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": data},
        "metadata": {"name": format!("sh.helm.release.v1.camunda.v{revision}"), "namespace": "prod",
            "uid": format!("record-{revision}"), "resourceVersion": "1",
            "labels": {"owner": "helm", "name": "camunda", "status": status, "version": revision.to_string()}},
    })
}

/// What the guard answers to the deletion of the claim, with these objects live.
#[tokio::main(flavor = "current_thread")]
async fn deletion(objects: Vec<Value>, policy: &str) -> Value {
    let metrics = Metrics::new();
    let cluster = Cluster::Snapshot(Arc::new(
        objects.into_iter().chain([claim(), volume()]).collect(),
    ));
    let policy = match policy {
        "" => Policy::default(),
        text => Policy::parse(text).unwrap(),
    };
    let guard = Guard::new(
        cluster,
        RetainScope::default(),
        watch::channel(Arc::new(policy)).1,
        AdmissionMetrics::new(&metrics),
        Events::off(&metrics),
    );
    let router: Router = guard.router();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "the-uid", "kind": {"group": "", "version": "v1", "kind": "PersistentVolumeClaim"},
            "resource": {"group": "", "version": "v1", "resource": "persistentvolumeclaims"},
            "namespace": "prod", "name": CLAIM, "operation": "DELETE",
            "userInfo": {"username": "admin"}, "object": null, "oldObject": claim(), "dryRun": false,
        },
    });
    let request = Request::post("/validate?timeout=10s").body(Body::from(review.to_string()));
    let response = router.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let review: Value = serde_json::from_slice(&bytes).unwrap();
    review["response"].clone()
}

#[track_caller]
fn refused(objects: Vec<Value>, rule: &str) -> String {
    let response = deletion(objects, "");
    assert_eq!(response["allowed"], false, "{response:#}");
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.contains(&format!("[{rule}]")), "{message}");
    message.to_owned()
}

#[track_caller]
fn admitted(objects: Vec<Value>, policy: &str) -> String {
    let response = deletion(objects, policy);
    assert_eq!(response["allowed"], true, "{response:#}");
    response["warnings"].to_string()
}

/// A release whose upgrade, at work now, leaves the claim out.
fn upgrading(mounted_at: &[&str]) -> Vec<Value> {
    let old = optimize(mounted_at);
    vec![
        record(1, "deployed", &[&claim(), &old]),
        record(2, "pending-upgrade", &[&optimize(&[])]),
        optimize(&[]),
    ]
}

#[test]
fn a_delete_that_an_admitted_record_names_passes() {
    let told = admitted(upgrading(&[]), "");
    assert!(told.contains("claim-removed"), "{told}");
    let told = admitted(upgrading(&["/tmp"]), "");
    assert!(told.contains("is only mounted at /tmp"), "{told}");
}

/// The guard was down when the record came: the data is not lost for that.
#[test]
fn a_delete_that_no_guard_would_have_admitted_is_refused() {
    let message = refused(upgrading(&["/camunda"]), "claim-removed");
    assert!(
        message.contains("\n)\n\nThen run the upgrade again.\n"),
        "{message}"
    );
    assert!(message.contains("kubectl patch pv volume "), "{message}");
}

/// What counts at the record counts here: an override of one rule is no override of another.
#[test]
fn what_an_admin_has_set_or_overridden_for_the_record_counts() {
    let upgrading = || upgrading(&["/camunda"]);
    for policy in [
        "rules: {claim-removed: warn}",
        "rules: {claim-removed: 'off'}",
    ] {
        admitted(upgrading(), policy);
    }
    let over = |revision: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "camunda-upgrade-guard-override-camunda", "namespace": "prod",
                "labels": {"camunda-upgrade-guard/override": "camunda"}},
            "data": {"revision": revision, "rules": "claim-removed", "reason": "a rehearsal",
                "expires": (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(5)).to_string()},
        })
    };
    let told = admitted(upgrading().into_iter().chain([over("2")]).collect(), "");
    assert!(told.contains("Overridden (a rehearsal)"), "{told}");
    let other = upgrading().into_iter().chain([over("1")]).collect();
    refused(other, "claim-removed");
}

/// Whoever deletes the claim on their own has announced nothing.
#[test]
fn a_delete_that_no_record_names_is_refused_as_ever() {
    let of = |records: Vec<Value>| {
        let objects = records.into_iter().chain([optimize(&[])]).collect();
        refused(objects, "claim-deleted");
    };
    let with = [&claim(), &optimize(&[])];
    of(Vec::new());
    of(vec![record(1, "deployed", &with)]);
    // It stays in the new manifest.
    of(vec![
        record(1, "deployed", &with),
        record(2, "pending-upgrade", &with),
    ]);
    // It was in none.
    of(vec![
        record(1, "deployed", &with[1..]),
        record(2, "pending-upgrade", &with[1..]),
    ]);
    // Helm is done with it, or announces no such thing.
    for status in ["failed", "deployed", "uninstalling", "pending-install"] {
        of(vec![
            record(1, "superseded", &with),
            record(2, status, &with[1..]),
        ]);
    }
    let mut broken = record(2, "pending-upgrade", &with[1..]);
    broken["data"]["release"] = "bm8gcmVjb3Jk".into();
    of(vec![record(1, "deployed", &with), broken]);
}

#[test]
fn a_rollback_from_a_revision_that_failed_is_known_by_that_revision() {
    let (old, new) = (optimize(&[]), optimize(&["/camunda"]));
    let records = || {
        vec![
            record(1, "deployed", &[&old]),
            record(2, "failed", &[&claim(), &new]),
            record(3, "pending-rollback", &[&old]),
        ]
    };
    let with = |ready: u64| {
        let mut live = new.clone();
        live["status"] = json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": ready});
        records().into_iter().chain([live]).collect()
    };
    let told = admitted(with(0), "");
    assert!(told.contains("came with a revision that failed"), "{told}");
    let message = refused(with(1), "claim-removed");
    assert!(
        message.contains("\n)\n\nThen run the rollback again.\n"),
        "{message}"
    );
}
