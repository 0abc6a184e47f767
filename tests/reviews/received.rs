//! Reviews that are not received to their end.

use std::{convert::Infallible, iter};

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode},
    response::Response,
};
use camunda_upgrade_guard::{metrics::Metrics, server::BODY_LIMIT};
use futures::stream;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::router;

/// Posts a body whose length is not told.
async fn streamed(beginning: &'static str, spaces: usize) -> Response {
    let piece = Bytes::from(vec![b' '; 1024]);
    let pieces = iter::once(beginning.into()).chain(iter::repeat_n(piece, spaces / 1024));
    let body = Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)));
    let request = Request::post("/validate").body(body).unwrap();
    let response = router(Vec::new(), &Metrics::new()).oneshot(request).await;
    response.unwrap()
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

#[tokio::test]
async fn a_review_that_is_cut_off_is_answered_by_its_uid() {
    let beginning = r#"{"kind":"AdmissionReview","request":{"uid":"the-uid","object":"#;
    let response = streamed(beginning, BODY_LIMIT).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(response.headers()["connection"], "close");
    let review: Value = serde_json::from_str(&text(response).await).unwrap();
    let answer = &review["response"];
    assert_eq!(answer["uid"], "the-uid");
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["status"]["code"], 413);
    assert_eq!(
        answer["status"]["message"],
        "camunda-upgrade-guard could not judge this request: the request's body has more than 7340032 bytes"
    );

    let within = streamed(beginning, BODY_LIMIT / 2).await;
    assert_eq!(within.status(), StatusCode::OK);
    assert!(text(within).await.contains("is not an AdmissionReview"));
}

#[tokio::test]
async fn without_a_uid_or_with_a_told_length_it_is_only_a_status() {
    let said = "the request's body has more than 7340032 bytes\n";
    let response = streamed("", BODY_LIMIT + 1024).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text(response).await, said);

    let told = Body::from(vec![b' '; BODY_LIMIT + 1]);
    let request = Request::post("/mutate").body(told).unwrap();
    let router = router(Vec::new(), &Metrics::new());
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text(response).await, said);
}
