//! An API server that takes every request and never answers.

use std::{convert::Infallible, future::pending, pin::pin, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use camunda_upgrade_guard::{
    admission::{AdmissionMetrics, Guard},
    cluster::{Cluster, LiveCluster},
    events::Events,
    metrics::Metrics,
    mutations::volume_reclaim_policy::RetainScope,
};
use futures::future::{Either, select};
use serde_json::{Value, json};
use tokio::sync::{
    mpsc::{UnboundedReceiver, unbounded_channel},
    watch,
};

use crate::{post, recorded, review};

/// A guard, and the requests that its API server leaves unanswered.
fn hanging() -> (Router, UnboundedReceiver<String>) {
    let (asked, requests) = unbounded_channel();
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        asked.send(request.uri().path().to_owned()).unwrap();
        pending::<Result<Response<Body>, Infallible>>()
    });
    let metrics = Metrics::new();
    let guard = Guard::new(
        Cluster::Live(LiveCluster::new(kube::Client::new(service, "default"))),
        RetainScope::default(),
        watch::channel(Arc::default()).1,
        AdmissionMetrics::new(&metrics),
        Events::off(&metrics),
    );
    (guard.router(), requests)
}

/// Answers a review of a webhook that waits for 1 s. The same review of a webhook that waits for 30 s has come before it and
/// is answered later, so the guard has looked at what it was told, and at no clock of the test's.
async fn answered_first(endpoint: &str, body: &Value) -> Value {
    let (router, mut requests) = hanging();
    let answer = async |timeout: &str| {
        let path = format!("/{endpoint}?timeout={timeout}");
        post(router.clone(), &path, body.to_string().into()).await
    };
    let (patient, hurried) = (pin!(answer("30s")), pin!(answer("1s")));
    let Either::Right((answer, _)) = select(patient, hurried).await else {
        panic!("the webhook that waits longer was answered first");
    };
    assert!(requests.try_recv().is_ok(), "the API server was not asked");
    answer
}

#[tokio::test]
async fn a_record_is_refused_unjudged_within_a_second() {
    let mut release = harness::record::unrelated("camunda", "prod");
    release["version"] = 2.into();
    release["chart"]["metadata"] =
        json!({"name": "camunda-platform", "version": "12.13.3", "apiVersion": "v2"});
    let record = recorded(&release, 2, "pending-upgrade");
    let answer = answered_first("validate", &review("Secret", "CREATE", &record)).await;
    assert_eq!(answer["allowed"], false, "{answer}");
    assert_eq!(answer["auditAnnotations"]["rules"], "not-checked");
    let message = answer["status"]["message"].as_str().unwrap();
    let reason = "the API server did not answer in time";
    assert!(message.contains(reason), "{message}");

    // What is not Camunda's does not depend on the API server.
    let release = harness::record::unrelated("shop", "prod");
    let record = recorded(&release, 1, "pending-install");
    let body = review("Secret", "CREATE", &record).to_string();
    let (router, _) = hanging();
    let answer = post(router, "/validate?timeout=1s", body.into()).await;
    assert_eq!(answer, json!({"uid": "the-uid", "allowed": true}));
}

#[tokio::test]
async fn an_object_is_admitted_with_a_warning_within_a_second() {
    let elasticsearch = |replicas: u64| {
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "camunda-elasticsearch-master", "labels": {
                "app.kubernetes.io/name": "elasticsearch", "app.kubernetes.io/instance": "camunda"}},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": replicas.to_string()}},
                "template": {"spec": {"containers": []}}},
        })
    };
    let mut body = review("StatefulSet", "UPDATE", &elasticsearch(2));
    body["request"]["oldObject"] = elasticsearch(3);
    let answer = answered_first("mutate", &body).await;
    assert_eq!(answer["allowed"], true, "{answer}");
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("not-checked: "), "{warning}");
    assert_eq!(answer["auditAnnotations"]["rules"], "not-checked");
}
