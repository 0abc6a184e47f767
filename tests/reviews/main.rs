//! Reviews as an API server, a broken proxy or an attacker may send them: every one gets a well-formed answer.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod canaries;
mod crowded;
mod gates;
mod hanging;
mod hostile;
mod received;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    admission::{AdmissionMetrics, Guard},
    cluster::{Cluster, LiveCluster, Snapshot},
    events::Events,
    metrics::Metrics,
    mutations::volume_reclaim_policy::RetainScope,
    policy::Policy,
};
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

fn router(objects: Vec<Value>, metrics: &Metrics) -> Router {
    router_telling(objects, metrics, Events::off(metrics))
}

fn router_telling(objects: Vec<Value>, metrics: &Metrics, events: Events) -> Router {
    let snapshot: Snapshot = objects.into_iter().collect();
    let cluster = Cluster::Snapshot(Arc::new(snapshot));
    Guard::new(
        cluster,
        RetainScope::default(),
        watch::channel(Arc::default()).1,
        AdmissionMetrics::new(metrics),
        events,
    )
    .router()
}

async fn post(router: Router, path: &str, body: Vec<u8>) -> Value {
    let request = Request::post(path).body(Body::from(body)).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let review: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(review["kind"], "AdmissionReview");
    assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
    review["response"].clone()
}

#[tokio::main(flavor = "current_thread")]
async fn answer(path: &str, body: Vec<u8>) -> Value {
    post(router(Vec::new(), &Metrics::new()), path, body).await
}

fn review(kind: &str, operation: &str, object: &Value) -> Value {
    let group = if kind == "StatefulSet" { "apps" } else { "" };
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "the-uid", "kind": {"group": group, "version": "v1", "kind": kind},
            "resource": {"group": group, "version": "v1", "resource": "x"},
            "namespace": "prod", "name": object["metadata"]["name"], "operation": operation,
            "userInfo": {"username": "admin"}, "object": object, "oldObject": null, "dryRun": false,
        },
    })
}

fn record(release: &str, data: &str) -> Value {
    json!({
        "type": "helm.sh/release.v1", "data": {"release": data},
        "metadata": {"name": format!("sh.helm.release.v1.{release}.v2"), "labels": {"owner": "helm"}},
    })
}

#[test]
fn what_is_no_review_is_refused_in_words() {
    for path in ["/validate?timeout=5s", "/mutate"] {
        for body in [
            "",
            "{",
            "null",
            "[]",
            "{}",
            r#"{"kind":"AdmissionReview"}"#,
            r#"{"kind":"Pod","request":null}"#,
        ] {
            let response = answer(path, body.into());
            assert_eq!(response["allowed"], false, "{body}");
            assert_eq!(response["status"]["code"], 400);
            let message = response["status"]["message"].as_str().unwrap();
            assert!(
                message.starts_with("camunda-upgrade-guard could not judge this request"),
                "{message}"
            );
        }
    }
}

#[test]
fn what_no_rule_is_about_is_admitted_with_its_uid() {
    let object = json!({"metadata": {"name": "x"}});
    for (kind, operation) in [
        ("Pod", "CREATE"),
        ("Secret", "CREATE"),
        ("Secret", "DELETE"),
        ("StatefulSet", "CONNECT"),
    ] {
        for path in ["/validate", "/mutate"] {
            let response = answer(path, review(kind, operation, &object).to_string().into());
            assert_eq!(
                response,
                json!({"uid": "the-uid", "allowed": true}),
                "{kind} {operation}"
            );
        }
    }
}

#[test]
fn a_record_that_cannot_be_read_says_which_layer() {
    for (data, reason) in [
        ("%", "is not base64"),
        ("H4sIAAAA", "is not base64"),
        ("SDRzSUFBQUE=", "does not inflate"),
        ("e30=", "is not base64"),
        ("ZTMwPQ==", "is not a Helm release"),
    ] {
        let body = review("Secret", "CREATE", &record("camunda", data)).to_string();
        let response = answer("/validate", body.into());
        assert_eq!(response["status"]["code"], 403, "{response}");
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{data}: {message}");
        let foreign = review("Secret", "CREATE", &record("shop", data)).to_string();
        assert_eq!(answer("/validate", foreign.into())["allowed"], true);
    }
}

#[test]
fn a_patch_sets_what_is_missing_and_is_counted() {
    let metrics = Metrics::new();
    let object = json!({
        "metadata": {"name": "camunda-zeebe", "labels": {
            "app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/component": "zeebe-broker"}},
        "spec": {"template": {"spec": {"containers": [{"image": "camunda/zeebe:8.3.1"}]}}},
    });
    let body = review("StatefulSet", "CREATE", &object).to_string();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let response = runtime.block_on(post(router(Vec::new(), &metrics), "/mutate", body.into()));
    assert_eq!(response["patchType"], "JSONPatch");
    let patch = STANDARD
        .decode(response["patch"].as_str().unwrap())
        .unwrap();
    let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
    let mut patched = object;
    json_patch::patch(&mut patched, &patch).unwrap();
    let context = json!({"fsGroup": 1000, "fsGroupChangePolicy": "OnRootMismatch"});
    assert_eq!(
        patched["spec"]["template"]["spec"]["securityContext"],
        context
    );
    assert_eq!(response["auditAnnotations"]["mutations"], "zeebe-fs-group");

    let page = metrics.encode().unwrap();
    assert!(
        page.contains("camunda_upgrade_guard_mutations_total{mutation=\"zeebe-fs-group\"} 1"),
        "{page}"
    );
    assert!(
        page.contains(
            "camunda_upgrade_guard_reviews_total{endpoint=\"mutate\",verdict=\"admitted\"} 1"
        ),
        "{page}"
    );
    assert!(
        page.contains(
            "camunda_upgrade_guard_findings_total{rule=\"claims-orphaned\",action=\"deny\"} 0"
        ),
        "{page}"
    );
}

/// Elasticsearch's labels leave open whether its release is Camunda's: without an API server nobody knows.
#[tokio::test]
async fn an_object_that_could_not_be_judged_is_admitted_with_a_warning() {
    let address = "http://127.0.0.1:1".parse().unwrap();
    let client = kube::Client::try_from(kube::Config::new(address)).unwrap();
    let metrics = Metrics::new();
    let guard = Guard::new(
        Cluster::Live(LiveCluster::new(client)),
        RetainScope::default(),
        watch::channel(Arc::default()).1,
        AdmissionMetrics::new(&metrics),
        Events::off(&metrics),
    );
    let set = |app: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "es", "labels": {"app.kubernetes.io/name": "elasticsearch", "app.kubernetes.io/instance": "a"}},
            "spec": {"selector": {"matchLabels": {"app": app}}, "template": {"spec": {"containers": []}}},
        })
    };
    let mut body = review("StatefulSet", "UPDATE", &set("new"));
    body["request"]["oldObject"] = set("old");
    let response = post(
        guard.router(),
        "/mutate?timeout=1s",
        body.to_string().into(),
    )
    .await;
    assert_eq!(response["allowed"], true);
    let warning = response["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("not-checked: "), "{warning}");
    assert_eq!(response["auditAnnotations"]["rules"], "not-checked");
    let counted = r#"facts_errors_total{kind="Deployment",error="unreachable"} 1"#;
    assert!(metrics.encode().unwrap().contains(counted));
}

/// An annotation of somebody's is an order, not an idea of the guard's.
#[tokio::test]
async fn audit_mode_hands_over_the_volume_that_somebody_annotated() {
    let claim = json!({
        "kind": "PersistentVolumeClaim", "spec": {"volumeName": "pv-0"}, "status": {"phase": "Bound"},
        "metadata": {"name": "old-0", "namespace": "prod", "labels": {"app.kubernetes.io/part-of": "camunda-platform"}},
    });
    let mut volume = json!({
        "metadata": {"name": "pv-0", "annotations": {"camunda-upgrade-guard/rebind-to": "prod/new-0"}},
        "spec": {"persistentVolumeReclaimPolicy": "Delete", "claimRef": {"namespace": "prod", "name": "old-0"}},
    });
    let snapshot: Snapshot = [claim].into_iter().collect();
    let metrics = Metrics::new();
    let audit = Policy::parse("mode: audit").unwrap();
    let guard = Guard::new(
        Cluster::Snapshot(Arc::new(snapshot)),
        RetainScope::All,
        watch::channel(Arc::new(audit)).1,
        AdmissionMetrics::new(&metrics),
        Events::off(&metrics),
    );
    let body = review("PersistentVolume", "UPDATE", &volume).to_string();
    let response = post(guard.router(), "/mutate", body.into()).await;
    let patch = STANDARD
        .decode(response["patch"].as_str().unwrap())
        .unwrap();
    let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
    json_patch::patch(&mut volume, &patch).unwrap();
    assert_eq!(volume["spec"]["claimRef"]["name"], "new-0", "{response}");
    assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    assert_eq!(
        response["auditAnnotations"]["mutations"],
        "volume-claim-ref"
    );
}

/// A Scale says nothing of the StatefulSet but its name and a number.
#[tokio::test]
async fn a_scale_is_judged_by_the_statefulset_and_its_claims() {
    let labels = json!({"app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/instance": "camunda",
        "app.kubernetes.io/component": "zeebe-broker"});
    let claims = (0..3).map(|ordinal| {
        json!({"kind": "PersistentVolumeClaim", "status": {"phase": "Bound"}, "metadata":
            {"name": format!("data-camunda-zeebe-{ordinal}"), "namespace": "prod", "labels": labels}})
    });
    let set = json!({
        "kind": "StatefulSet",
        "metadata": {"name": "camunda-zeebe", "namespace": "prod", "labels": labels},
        "spec": {"replicas": 3, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]},
    });
    let objects: Vec<_> = claims.chain([set]).collect();
    let scale = |name: &str, spec: Value| {
        let selector = "app.kubernetes.io/component=zeebe-broker";
        scaled(objects.clone(), selector.to_owned(), name.to_owned(), spec)
    };
    let refused = scale("camunda-zeebe", json!({"replicas": 2})).await;
    let message = refused["status"]["message"].as_str().unwrap();
    assert!(message.contains("[zeebe-brokers-reduced]"), "{message}");
    for (name, spec) in [
        ("camunda-zeebe", json!({})),
        ("camunda-zeebe", json!({"replicas": 3})),
        ("camunda-zeebe", json!({"replicas": "x"})),
        ("no-such-set", json!({"replicas": 1})),
        ("", json!(null)),
    ] {
        assert_eq!(scale(name, spec.clone()).await["allowed"], true, "{spec}");
    }
}

/// Elasticsearch of either chart, under any name.
#[tokio::test]
async fn a_scale_of_elasticsearch_is_judged_too() {
    let bitnamis = |name: &str| {
        let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/instance": "camunda",
            "app.kubernetes.io/component": "master"});
        let selector = format!(
            "app.kubernetes.io/component=master,app.kubernetes.io/instance=camunda,app.kubernetes.io/name={name}"
        );
        (labels, selector)
    };
    let elastics = |app: &str| {
        let labels = json!({"chart": "elasticsearch", "release": "camunda", "app": app});
        (labels, format!("app={app}"))
    };
    // What makes the release known to be Camunda's.
    let own = json!({"kind": "Deployment", "metadata": {"name": "camunda-operate", "namespace": "prod", "labels":
        {"app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/instance": "camunda"}}});
    for (labels, selector) in [
        bitnamis("elasticsearch"),
        bitnamis("search"),
        elastics("elasticsearch-master"),
        elastics("es-master"),
    ] {
        let claims = (0..3).map(|ordinal| {
            json!({"kind": "PersistentVolumeClaim", "status": {"phase": "Bound"}, "metadata":
                {"name": format!("data-es-{ordinal}"), "namespace": "prod", "labels": labels}})
        });
        let set = json!({
            "kind": "StatefulSet",
            "metadata": {"name": "es", "namespace": "prod", "labels": labels},
            "spec": {"replicas": 3, "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
                "template": {"spec": {"containers": [{"name": "es", "image": "registry/elasticsearch:8.18.0"}]}}},
        });
        let objects: Vec<_> = claims.chain([set, own.clone()]).collect();
        let scale = |replicas: u64| {
            let (objects, selector) = (objects.clone(), selector.clone());
            scaled(
                objects,
                selector,
                "es".to_owned(),
                json!({"replicas": replicas}),
            )
        };
        let refused = scale(2).await;
        let message = refused["status"]["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("[elasticsearch-nodes-reduced]"),
            "{selector}: {refused}"
        );
        for replicas in [0, 3, 4] {
            assert_eq!(
                scale(replicas).await["allowed"],
                true,
                "{selector}: {replicas}"
            );
        }
    }
}

/// What the guard says to a Scale of a StatefulSet with three pods.
async fn scaled(objects: Vec<Value>, selector: String, name: String, spec: Value) -> Value {
    let scale =
        |spec| json!({"metadata": {"name": name}, "spec": spec, "status": {"selector": selector}});
    let mut body = review("Scale", "UPDATE", &scale(spec));
    body["request"]["oldObject"] = scale(json!({"replicas": 3}));
    body["request"]["kind"]["group"] = "autoscaling".into();
    body["request"]["resource"] =
        json!({"group": "apps", "version": "v1", "resource": "statefulsets"});
    body["request"]["subResource"] = "scale".into();
    let router = router(objects, &Metrics::new());
    post(router, "/validate", body.to_string().into()).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_get_an_answer(body: Vec<u8>) {
        let response = answer("/validate", body);
        prop_assert_eq!(&response["allowed"], &json!(false));
    }

    #[test]
    fn any_record_gets_an_answer(data in "[A-Za-z0-9+/=]{0,64}", kind in "Secret|ConfigMap") {
        let body = review(&kind, "CREATE", &record("camunda", &data)).to_string();
        prop_assert_eq!(&answer("/validate", body.into())["uid"], &json!("the-uid"));
    }

    #[test]
    fn any_object_gets_an_answer(
        kind in "Secret|StatefulSet|Deployment|Job|PersistentVolume|PersistentVolumeClaim|Namespace|Scale",
        operation in "CREATE|UPDATE|DELETE",
        path in "/mutate|/validate",
        spec in prop_oneof![Just(json!(null)), Just(json!([])), Just(json!("x")), Just(json!({"template": [1], "claimRef": 7, "selector": "y"}))],
        metadata in prop_oneof![Just(json!(null)), Just(json!({"name": 1, "labels": []})), Just(json!({"name": "x", "annotations": {"camunda-upgrade-guard/rebind-to": "a/b"}}))],
    ) {
        let object = json!({"metadata": metadata, "spec": spec, "data": 3});
        let mut body = review(&kind, &operation, &object);
        body["request"]["oldObject"] = object;
        let response = answer(&path, body.to_string().into());
        prop_assert!(response["allowed"].is_boolean());
    }
}

/// A StatefulSet of release `camunda` that reads a password from a Secret's key.
fn reading(name: &str, label: &str, variable: &str, secret: &str, key: &str) -> Value {
    let labels = json!({
        "app.kubernetes.io/name": label, "app.kubernetes.io/instance": "camunda",
        "app.kubernetes.io/part-of": (label == "camunda-platform").then_some("camunda-platform"),
        "helm.sh/chart": (label == "camunda-platform").then_some("camunda-platform-12.13.3"),
    });
    let env =
        json!({"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}});
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "namespace": "prod", "labels": labels},
        "spec": {
            "template": {"spec": {"containers": [{"name": "c", "env": [env]}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
        },
    })
}

fn secret(name: &str, data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<_, _> = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into()))
        .collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "prod"}, "data": data})
}

/// What the guard answers about a Secret of the user's, whichever way it comes to a release that runs.
#[test]
fn secrets_of_the_users_own_are_told_by_what_reads_them() {
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Bound"},
        "metadata": {"name": "data-camunda-postgresql-0", "namespace": "prod",
            "labels": {"app.kubernetes.io/name": "postgresql", "app.kubernetes.io/instance": "camunda"}},
    });
    let mine = |value: &str| secret("mine", &[("db-password", value)]);
    let runs = vec![
        reading("camunda-zeebe", "camunda-platform", "X", "none", "none"),
        reading(
            "camunda-postgresql",
            "postgresql",
            "POSTGRES_PASSWORD",
            "mine",
            "db-password",
        ),
        reading(
            "camunda-keycloak",
            "keycloak",
            "KC_BOOTSTRAP_ADMIN_PASSWORD",
            "other",
            "admin",
        ),
        secret("other", &[("admin", "of-the-administrator")]),
        mine("of-the-database"),
        claim,
    ];
    let updated = |objects: &[Value], old: &Value, new: &Value| {
        let mut review = review("Secret", "UPDATE", new);
        review["request"]["oldObject"] = old.clone();
        asked(objects, &review)
    };
    let old = mine("of-the-database");
    let over = updated(&runs, &old, &mine("of-the-administrator"));
    assert_eq!(over["allowed"], false, "{over:#}");
    let text = over["status"]["message"].as_str().unwrap();
    assert!(text.contains("identity-secret-regenerated"), "{text}");
    assert!(!over.to_string().contains("of-the-"), "{over:#}");

    let rotated = updated(&runs, &old, &mine("rotated"));
    assert_eq!(rotated["allowed"], true, "{rotated:#}");
    let warned = rotated["warnings"].to_string();
    assert!(warned.contains("identity-secret-regenerated"), "{warned}");

    let controlled = |value: &str| {
        let mut secret = mine(value);
        secret["metadata"]["ownerReferences"] =
            json!([{"kind": "ExternalSecret", "controller": true}]);
        secret
    };
    let owner = updated(
        &runs,
        &controlled("of-the-database"),
        &controlled("of-the-administrator"),
    );
    let elsewhere = updated(&[], &old, &mine("of-the-administrator"));
    for silent in [owner, elsewhere] {
        assert_eq!(silent["allowed"], true, "{silent:#}");
        assert!(silent["warnings"].is_null(), "{silent:#}");
    }

    // Nothing reads it yet.
    let key = "identity-orchestration-client-token";
    let created = |value: &str| {
        let secret = secret("camunda-credentials", &[(key, value)]);
        asked(&runs, &review("Secret", "CREATE", &secret))
    };
    let unfilled = created("<its value>");
    assert_eq!(unfilled["allowed"], true, "{unfilled:#}");
    let warned = unfilled["warnings"].to_string();
    assert!(warned.contains("credential-placeholder"), "{warned}");
    assert!(created("real")["warnings"].is_null());
}

#[tokio::main(flavor = "current_thread")]
async fn asked(objects: &[Value], review: &Value) -> Value {
    let router = router(objects.to_vec(), &Metrics::new());
    post(router, "/validate?timeout=5s", review.to_string().into()).await
}

/// A release record as Helm's own Secret.
fn recorded(record: &Value, revision: u64, status: &str) -> Value {
    let mut release = record.clone();
    release["version"] = revision.into();
    release["info"] = json!({"status": status});
    release["namespace"] = "prod".into();
    let data = STANDARD.encode(STANDARD.encode(release.to_string()));
    let name = format!("sh.helm.release.v1.camunda.v{revision}");
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": data},
        "metadata": {"name": name, "namespace": "prod", "uid": name, "resourceVersion": "1",
            "labels": {"owner": "helm", "name": "camunda", "status": status, "version": revision.to_string()}},
    })
}
