//! The server over real TLS on loopback: protocol, admin port. Its other sides are the modules.

#![allow(clippy::unwrap_used)]

#[path = "server/bodies.rs"]
mod bodies;
#[path = "server/certificates.rs"]
mod certificates;
#[path = "server/limits.rs"]
mod limits;
#[path = "server/pki.rs"]
mod pki;
#[path = "server/stopping.rs"]
mod stopping;
#[path = "server/support.rs"]
mod support;

use axum::http::StatusCode;
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use pki::client_config;
use support::{Guard, Http, connect_with, until};

#[tokio::test]
async fn speaks_tls_1_2_and_1_3_and_http_1_1() {
    let guard = Guard::start(|_| {}).await;
    for version in [&TLS12, &TLS13] {
        let config = client_config(&guard.pki, &[version]);
        let stream = connect_with(config, guard.addr).await.unwrap();
        let session = stream.get_ref().1;
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));

        let answer = Http::over(stream).await.post("/validate", "a review").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.text, "8 bytes");
    }
}

#[tokio::test]
async fn resumes_sessions() {
    let guard = Guard::start(|_| {}).await;
    for version in [&TLS12, &TLS13] {
        let config = client_config(&guard.pki, &[version]);
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let stream = connect_with(config.clone(), guard.addr).await.unwrap();
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(expected));
            // The tickets come with the first answer.
            Http::over(stream).await.get("/").await;
        }
    }
}

#[tokio::test]
async fn requests_share_a_kept_connection() {
    let guard = Guard::start(|_| {}).await;
    let mut http = guard.connect().await;
    for endpoint in ["/validate", "/mutate", "/validate"] {
        assert_eq!(http.post(endpoint, "").await.status, StatusCode::OK);
    }
    assert_eq!(
        http.get("/nothing-here").await.status,
        StatusCode::NOT_FOUND
    );

    assert_eq!(guard.metric("connections_total"), "1");
    assert_eq!(guard.metric("connections_open"), "1");
    let counted = |labels| guard.metric(&format!("requests_total{{{labels}}}"));
    assert_eq!(counted(r#"endpoint="validate",code="200""#), "2");
    assert_eq!(counted(r#"endpoint="mutate",code="200""#), "1");
    assert_eq!(counted(r#"endpoint="other",code="404""#), "1");

    drop(http);
    until(|| guard.metric("connections_open") == "0").await;
}

#[tokio::test]
async fn plain_http_to_the_tls_port_is_only_a_failed_handshake() {
    let guard = Guard::start(|_| {}).await;
    let mut plain = TcpStream::connect(guard.addr).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: guard\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    // Reset or closed, both are an end.
    _ = plain.read_to_end(&mut answer).await;

    assert!(!answer.starts_with(b"HTTP"));
    until(|| guard.metric("handshake_failures_total") == "1").await;
    assert_eq!(
        guard.connect().await.get("/").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_connection_lives_on() {
    let guard = Guard::start(|_| {}).await;
    let mut http = guard.connect().await;

    let answer = http.get("/panic").await;

    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        answer.text,
        "camunda-upgrade-guard panicked over this request; its log says where\n"
    );
    assert_eq!(http.post("/validate", "").await.status, StatusCode::OK);
    assert_eq!(guard.metric("connections_total"), "1");
}

#[tokio::test]
async fn readyz_names_every_unmet_condition() {
    let guard = Guard::start(|_| {}).await;
    guard.readiness.ready().await;
    let mut admin = guard.admin().await;
    let answer = admin.get("/readyz").await;
    assert_eq!((answer.status, &*answer.text), (StatusCode::OK, "ready\n"));

    guard
        .readiness
        .unmet("api-server", "connection refused by 10.0.0.1:443");
    guard.readiness.unmet("config", "rule x is unknown");
    let answer = admin.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.text,
        "api-server: connection refused by 10.0.0.1:443\nconfig: rule x is unknown\n"
    );
    let health = admin.get("/healthz").await;
    assert_eq!((health.status, &*health.text), (StatusCode::OK, "ok\n"));

    guard.readiness.met("api-server");
    assert_eq!(
        admin.get("/readyz").await.text,
        "config: rule x is unknown\n"
    );
    guard.readiness.met("config");
    assert_eq!(admin.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_are_open_metrics_text() {
    let guard = Guard::start(|_| {}).await;
    until(|| guard.metric("certificate_expiry_timestamp_seconds") != "0").await;

    let answer = guard.admin().await.get("/metrics").await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(answer.text.ends_with("# EOF\n"));
    for line in [
        "camunda_upgrade_guard_connections_limit 1024",
        "camunda_upgrade_guard_handshake_failures_total 0",
        "camunda_upgrade_guard_certificate_reloads_total{outcome=\"failed\"} 0",
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line}");
    }
}
