//! What the server does to clients that are slow or many.

use std::time::Duration;

use axum::http::StatusCode;
use camunda_upgrade_guard::server::raise_limit;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

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
}

#[tokio::test]
async fn whoever_connects_has_to_send_a_request() {
    let guard = Guard::start(|args| {
        args.limits.header_timeout = SHORT;
        args.limits.idle_timeout = FOREVER;
    })
    .await;
    let mut unused = guard.connect_tls().await;
    assert_eq!(until_closed(&mut unused).await, "");
}

#[tokio::test]
async fn the_first_request_s_header_gains_no_time_byte_by_byte() {
    let guard = Guard::start(|args| {
        args.limits.header_timeout = SHORT;
        args.limits.idle_timeout = FOREVER;
    })
    .await;
    let mut slow = guard.connect_tls().await;
    let trickle = async {
        for byte in b"GET / HTTP/1.1\r\nHost: guard\r\nX: "
            .iter()
            .chain([&b'x'; 10_000])
        {
            let sent = slow.write_all(&[*byte]).await;
            if sent.is_err() || slow.flush().await.is_err() {
                return;
            }
            sleep(SHORT / 10).await;
        }
        panic!("a header may take as long as it likes");
    };
    hanging_is_failing(trickle).await;
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
async fn no_more_connections_than_the_cap_while_all_are_busy() {
    let guard = Guard::start(|args| args.limits.connections = 2).await;
    let held = [guard.hold().await, guard.hold().await];
    let mut admin = guard.admin().await;
    let mut third = std::pin::pin!(guard.connect());
    for _ in 0..20 {
        tokio::select! {
            biased;
            _ = &mut third => panic!("a third connection was let in"),
            answer = admin.get("/healthz") => assert_eq!(answer.status, StatusCode::OK),
        }
    }
    assert_eq!(guard.metric("connections_total"), "2");
    assert_eq!(guard.metric("connections_limit"), "2");
    assert_eq!(guard.metric("connections_shed_total"), "0");

    guard.holding.add_permits(2);
    for held in held {
        assert_eq!(held.await.unwrap().status, StatusCode::OK);
    }
    let mut third: Http = third.await;
    assert_eq!(third.post("/validate", "").await.status, StatusCode::OK);
    assert_eq!(guard.metric("connections_total"), "3");
}

#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    let guard = Guard::start(|args| {
        args.limits.connections = 3;
        args.limits.header_timeout = FOREVER;
        args.limits.handshake_timeout = FOREVER;
        args.limits.idle_timeout = FOREVER;
    })
    .await;
    let held = guard.hold().await;
    let mut silent = TcpStream::connect(guard.addr).await.unwrap();
    until(|| guard.metric("connections_open") == "2").await;
    let mut idle = guard.connect().await;
    idle.post("/validate", "").await;

    // The silent one has had nothing to say for longer than the idle one.
    let mut fourth = guard.connect().await;
    assert_eq!(fourth.post("/validate", "").await.status, StatusCode::OK);
    assert_eq!(until_closed(&mut silent).await, "");
    assert_eq!(guard.metric("connections_shed_total"), "1");
    assert_eq!(idle.post("/validate", "").await.status, StatusCode::OK);

    let mut fifth = guard.connect().await;
    assert_eq!(fifth.post("/validate", "").await.status, StatusCode::OK);
    fourth.closed().await;
    assert_eq!(guard.metric("connections_shed_total"), "2");
    assert_eq!(idle.post("/validate", "").await.status, StatusCode::OK);

    // A request on its way is never cut off.
    guard.holding.add_permits(1);
    assert_eq!(held.await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn probes_are_answered_beside_a_thousand_open_connections() {
    raise_limit();
    let guard = Guard::start(|args| {
        args.limits.admin_header_timeout = FOREVER;
        args.limits.admin_idle_timeout = FOREVER;
    })
    .await;
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(TcpStream::connect(guard.admin_addr).await.unwrap());
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(guard.admin().await.get(path).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_admin_port_has_less_patience() {
    let guard = Guard::start(|args| {
        args.limits.header_timeout = FOREVER;
        args.limits.idle_timeout = FOREVER;
        args.limits.admin_header_timeout = SHORT;
        args.limits.admin_idle_timeout = SHORT;
    })
    .await;
    let mut silent = TcpStream::connect(guard.admin_addr).await.unwrap();
    assert_eq!(until_closed(&mut silent).await, "");
    let mut idle = guard.admin().await;
    assert_eq!(idle.get("/healthz").await.status, StatusCode::OK);
    idle.closed().await;
}

/// What still came before the server closed the connection, in whatever way.
pub async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut rest = Vec::new();
    _ = hanging_is_failing(stream.read_to_end(&mut rest)).await;
    String::from_utf8(rest).unwrap()
}
