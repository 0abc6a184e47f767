//! What the server does to bodies that are slow, many or large.

use std::time::Duration;

use axum::http::StatusCode;
use camunda_upgrade_guard::server::{BODY_LIMIT, BodyLimits};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::limits::until_closed;
use crate::support::{Guard, hanging_is_failing};

const SHORT: Duration = Duration::from_millis(50);
const FOREVER: Duration = Duration::from_secs(3600);

/// A body that needs memory of the budget.
const LARGE: usize = 1024 * 1024;

/// Memory for two large bodies, and all the time that anybody may want.
fn patient() -> BodyLimits {
    BodyLimits {
        memory: 2 * LARGE,
        memory_timeout: FOREVER,
        rate: 1,
        lag: FOREVER,
        lag_when_scarce: FOREVER,
    }
}

async fn guard(bodies: BodyLimits) -> Guard {
    Guard::start(|args| {
        args.limits.bodies = bodies;
        args.limits.request_timeout = FOREVER;
    })
    .await
}

fn refused(guard: &Guard, reason: &str) -> String {
    guard.metric(&format!("bodies_refused_total{{reason=\"{reason}\"}}"))
}

#[tokio::test]
async fn a_body_of_seven_mebibytes_is_read_and_a_byte_more_refused() {
    let mut limits = patient();
    limits.memory = BODY_LIMIT;
    let guard = guard(limits).await;
    let mut http = guard.connect().await;

    let largest = http.post("/validate", vec![b' '; BODY_LIMIT]).await;
    assert_eq!(largest.status, StatusCode::OK);
    assert_eq!(largest.text, "7340032 bytes");

    let too_large = http.post("/validate", vec![b' '; BODY_LIMIT + 1]).await;
    assert_eq!(too_large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        too_large.text,
        "the request's body has more than 7340032 bytes\n"
    );
    assert_eq!(refused(&guard, "too_large"), "1");
}

#[tokio::test]
async fn a_length_above_the_limit_is_refused_before_the_body_comes() {
    let guard = guard(patient()).await;
    let answer = after(&guard, "Content-Length: 1073741824\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_body_of_untold_length_is_cut_at_the_limit() {
    let mut limits = patient();
    limits.memory = 2 * BODY_LIMIT;
    let guard = guard(limits).await;
    let chunk = format!("{LARGE:x}\r\n{}\r\n", " ".repeat(LARGE));
    let head = "Transfer-Encoding: chunked\r\n\r\n";

    let whole = format!("{head}{}0\r\n\r\n", chunk.repeat(7));
    let mut connection = guard.connect_tls().await;
    send(&mut connection, &format!("Connection: close\r\n{whole}")).await;
    let answer = until_closed(&mut connection).await;
    assert!(answer.ends_with("7340032 bytes"), "{answer}");

    let endless = format!("{head}{}1\r\n", chunk.repeat(7));
    let answer = after(&guard, &format!("{endless} ")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_body_that_stalls_is_refused_and_so_is_one_that_trickles() {
    let guard = guard(BodyLimits {
        lag: SHORT,
        rate: 1024 * 1024,
        ..patient()
    })
    .await;
    let answer = after(&guard, "Content-Length: 900\r\n\r\n{").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        answer.ends_with("the request's body comes too slowly\n"),
        "{answer}"
    );
    assert_eq!(refused(&guard, "too_slow"), "1");

    let mut slow = guard.connect_tls().await;
    send(&mut slow, "Content-Length: 100000\r\n\r\n").await;
    let trickle = async {
        while slow.write_all(b" ").await.is_ok() && slow.flush().await.is_ok() {
            sleep(SHORT / 10).await;
        }
    };
    hanging_is_failing(trickle).await;
    assert_eq!(refused(&guard, "too_slow"), "2");
}

#[tokio::test]
async fn without_memory_a_large_body_is_refused_and_a_small_one_judged() {
    let guard = guard(BodyLimits {
        memory_timeout: SHORT,
        ..patient()
    })
    .await;
    let kept = [guard.keep(LARGE).await, guard.keep(LARGE).await];
    let mut http = guard.connect().await;

    let large = http.post("/validate", vec![b' '; LARGE]).await;
    assert_eq!(large.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(large.text, "too many large requests at once; try again\n");
    assert_eq!(large.headers["retry-after"], "1");
    assert_eq!(refused(&guard, "no_memory"), "1");
    let mut http = guard.connect().await;
    let small = http.post("/validate", vec![b' '; 16 * 1024]).await;
    assert_eq!(small.status, StatusCode::OK);

    // What was answered has given its memory back.
    guard.holding.add_permits(2);
    for kept in kept {
        assert_eq!(kept.await.unwrap().text, "1048576 bytes kept");
    }
    let large = http.post("/validate", vec![b' '; 2 * LARGE]).await;
    assert_eq!(large.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_stalls_gives_its_memory_to_one_that_waits() {
    let guard = guard(BodyLimits {
        lag_when_scarce: SHORT,
        ..patient()
    })
    .await;
    let mut stalling = guard.connect_tls().await;
    let most = " ".repeat(2 * LARGE - 1);
    let request = format!("Content-Length: {}\r\n\r\n{most}", 2 * LARGE);
    send(&mut stalling, &request).await;
    let mut idle = guard.connect_tls().await;
    send(&mut idle, "Content-Length: 900\r\n\r\n{").await;

    let mut http = guard.connect().await;
    let answer = http.post("/validate", vec![b' '; LARGE]).await;
    assert_eq!(answer.status, StatusCode::OK);
    // Whoever was second had to wait, unless it came first.
    let first = until_closed(&mut stalling).await;
    assert!(first.starts_with("HTTP/1.1 408"), "{first}");
    // A small body holds nothing that others wait for.
    idle.write_all(&[b' '; 899]).await.unwrap();
    idle.flush().await.unwrap();
    assert_eq!(
        guard.metric("requests_total{endpoint=\"validate\",code=\"408\"}"),
        "1"
    );
}

#[tokio::test]
async fn bodies_that_stall_keep_no_connection_out() {
    let guard = Guard::start(|args| {
        args.limits.bodies = BodyLimits {
            lag_when_scarce: SHORT,
            ..patient()
        };
        args.limits.connections = 3;
    })
    .await;
    let kept = guard.keep(LARGE).await;
    let mut stalling = [guard.connect_tls().await, guard.connect_tls().await];
    for connection in &mut stalling {
        send(connection, "Content-Length: 900\r\n\r\n{").await;
    }
    let mut http = guard.connect().await;
    assert_eq!(http.post("/validate", "").await.status, StatusCode::OK);

    // What was received is judged to its end.
    guard.holding.add_permits(1);
    assert_eq!(kept.await.unwrap().text, "1048576 bytes kept");
}

#[tokio::test]
async fn memory_is_waited_for() {
    let guard = guard(patient()).await;
    let kept = guard.keep(2 * LARGE).await;
    let mut http = guard.connect().await;
    let waiting = tokio::spawn(async move { http.post("/validate", vec![b' '; LARGE]).await });
    for _ in 0..20 {
        let small = guard.connect().await.post("/validate", "").await;
        assert_eq!(small.status, StatusCode::OK);
        assert!(!waiting.is_finished());
    }
    guard.holding.add_permits(1);
    assert_eq!(kept.await.unwrap().status, StatusCode::OK);
    assert_eq!(waiting.await.unwrap().status, StatusCode::OK);
}

/// Sends the rest of a request after its first lines, and returns all that is answered.
async fn after(guard: &Guard, rest: &str) -> String {
    let mut connection = guard.connect_tls().await;
    send(&mut connection, rest).await;
    until_closed(&mut connection).await
}

async fn send(connection: &mut (impl AsyncWriteExt + Unpin), rest: &str) {
    let request = format!("POST /validate HTTP/1.1\r\nHost: guard\r\n{rest}");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.flush().await.unwrap();
}
