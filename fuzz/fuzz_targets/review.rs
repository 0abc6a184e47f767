//! Whatever is sent to an endpoint gets an answer for its own uid, and what a patch made is not patched again.

#![no_main]

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    admission::{AdmissionMetrics, Guard},
    cluster::{Cluster, Snapshot},
    events::Events,
    metrics::Metrics,
    mutations::volume_reclaim_policy::RetainScope,
};
use http_body_util::BodyExt;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::watch};
use tower::ServiceExt;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap_or_else(|error| panic!("{error}"))
});

/// A guard over a volume that waits for a claim of Elasticsearch's.
static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": "v", "annotations": {"camunda-upgrade-guard/rebind-to": "prod/data-camunda-elasticsearch-master-0"}},
        "spec": {"persistentVolumeReclaimPolicy": "Delete", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]},
    });
    let snapshot: Snapshot = [volume].into_iter().collect();
    let metrics = Metrics::new();
    let (_, policy) = watch::channel(Arc::default());
    Guard::new(
        Cluster::Snapshot(Arc::new(snapshot)),
        RetainScope::default(),
        policy,
        AdmissionMetrics::new(&metrics),
        Events::off(&metrics),
    )
    .router()
});

fuzz_target!(|data: &[u8]| {
    for path in ["/validate?timeout=1s", "/mutate?timeout=1s"] {
        let Some(response) = answer(path, data) else {
            continue;
        };
        let Some(patch) = response["patch"].as_str() else {
            continue;
        };
        assert_eq!(response["allowed"], true);
        // What the guard does not read may not even be text.
        let Ok(review) = serde_json::from_slice(data) else {
            continue;
        };
        let again = patched(review, patch);
        let response = answer(path, again.to_string().as_bytes());
        assert_eq!(
            response.map(|it| it["patch"].clone()),
            Some(Value::Null),
            "{again}"
        );
    }
});

fn answer(path: &str, body: &[u8]) -> Option<Value> {
    let request = Request::post(path).body(Body::from(body.to_vec()));
    let request = request.unwrap_or_else(|error| panic!("{error}"));
    let response = RUNTIME.block_on(async {
        let response = ROUTER.clone().oneshot(request).await;
        let response = response.unwrap_or_else(|never| match never {});
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body().collect().await
    });
    let bytes = response
        .unwrap_or_else(|error| panic!("{error}"))
        .to_bytes();
    let review: Value = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(review["kind"], "AdmissionReview");
    let response = review["response"].clone();
    let asked: Option<Value> = serde_json::from_slice(body).ok();
    let is_judged = response["status"]["code"] != 400;
    if let Some(asked) = asked.filter(|_| is_judged) {
        assert_eq!(response["uid"], asked["request"]["uid"]);
    }
    is_judged.then_some(response)
}

/// The review of the object as the patch leaves it.
fn patched(mut review: Value, patch: &str) -> Value {
    let patch = STANDARD
        .decode(patch)
        .unwrap_or_else(|error| panic!("{error}"));
    let patch: json_patch::Patch =
        serde_json::from_slice(&patch).unwrap_or_else(|error| panic!("{error}"));
    json_patch::patch(&mut review["request"]["object"], &patch)
        .unwrap_or_else(|error| panic!("{error}"));
    review
}
