//! What the server does to clients that are slow, many or large.

use std::time::Duration;

use axum::http::StatusCode;
use camunda_upgrade_guard::server::BODY_LIMIT;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Guard, Http, hanging_is_failing, until};

const SHORT: Duration = Duration::from_millis(50);
const FOREVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_silent_handshake_is_ended() {
    let guard = Guard::start(|args| args.limits.handshake_timeout = SHORT).await;
    let mut silent = TcpStream::connect(guard.addr).await.unwrap();
    assert_eq!(until_closed(&mut silent).await, "");
    until(|| guard.metric("handshake_failures_total") == "1").await;
}

#[tokio::test]
async fn a_slow_header_is_ended_and_an_idle_connection_is_not() {
    let guard = Guard::start(|args| {
        args.limits.header_timeout = SHORT;
        args.limits.idle_timeout = FOREVER;
    })
    .await;
    let mut idle = guard.connect().await;
    idle.post("/validate", "").await;

    let mut slow = guard.connect_tls().await;
    slow.write_all(b"POST /validate HTTP/1.1\r\nHo")
        .await
        .unwrap();
    slow.flush().await.unwrap();
    assert_eq!(until_closed(&mut slow).await, "");

    // By now it has been idle for longer than a header may take.
    assert_eq!(idle.post("/validate", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_second_request_s_header_is_limited_too() {
    let guard = Guard::start(|args| {
        args.limits.header_timeout = SHORT;
        args.limits.idle_timeout = FOREVER;
    })
    .await;
    let mut slow = guard.connect_tls().await;
    let request = b"GET / HTTP/1.1\r\nHost: guard\r\n\r\nGET / HT";
    slow.write_all(&request[..request.len() - 8]).await.unwrap();
    slow.flush().await.unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");

    slow.write_all(&request[request.len() - 8..]).await.unwrap();
    slow.flush().await.unwrap();
    until_closed(&mut slow).await;
}

#[tokio::test]
async fn an_idle_connection_is_ended_in_the_end() {
    let guard = Guard::start(|args| {
        args.limits.header_timeout = FOREVER;
        args.limits.idle_timeout = SHORT;
    })
    .await;
    let mut idle = guard.connect().await;
    idle.post("/validate", "").await;
    idle.closed().await;

    let mut unused = guard.connect_tls().await;
    assert_eq!(until_closed(&mut unused).await, "");
}

#[tokio::test]
async fn a_body_that_never_comes_is_answered() {
    let guard = Guard::start(|args| args.limits.request_timeout = SHORT).await;
    let mut slow = guard.connect_tls().await;
    let request = "POST /validate HTTP/1.1\r\nHost: guard\r\nContent-Length: 900\r\n\r\n{";
    slow.write_all(request.as_bytes()).await.unwrap();
    slow.flush().await.unwrap();

    let answer = until_closed(&mut slow).await;

    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(
        answer.ends_with("the request was not complete, or not answered, in time\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn no_more_connections_than_the_cap() {
    let guard = Guard::start(|args| args.limits.connections = 2).await;
    let (mut first, mut second) = (guard.connect().await, guard.connect().await);
    let mut third = std::pin::pin!(guard.connect());
    for _ in 0..20 {
        tokio::select! {
            biased;
            _ = &mut third => panic!("a third connection was let in"),
            answer = first.post("/validate", "") => assert_eq!(answer.status, StatusCode::OK),
        }
        assert_eq!(second.post("/validate", "").await.status, StatusCode::OK);
    }
    assert_eq!(guard.metric("connections_total"), "2");
    assert_eq!(guard.metric("connections_limit"), "2");

    drop(first);
    let mut third: Http = third.await;
    assert_eq!(third.post("/validate", "").await.status, StatusCode::OK);
    assert_eq!(guard.metric("connections_total"), "3");
}

#[tokio::test]
async fn a_body_of_seven_mebibytes_is_read_and_a_byte_more_refused() {
    let guard = Guard::start(|_| {}).await;
    let mut http = guard.connect().await;

    let largest = http.post("/validate", vec![b' '; BODY_LIMIT]).await;
    assert_eq!(largest.status, StatusCode::OK);
    assert_eq!(largest.text, "7340032 bytes");

    let too_large = http.post("/validate", vec![b' '; BODY_LIMIT + 1]).await;
    assert_eq!(too_large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// What still came before the server closed the connection, in whatever way.
async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut rest = Vec::new();
    _ = hanging_is_failing(stream.read_to_end(&mut rest)).await;
    String::from_utf8(rest).unwrap()
}
