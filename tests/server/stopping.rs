//! The order of a shutdown.

use std::process::{Command, id};
use std::time::Duration;

use axum::http::StatusCode;
use camunda_upgrade_guard::server::{Shutdown, Stopped};
use futures::FutureExt;
use tokio::net::TcpStream;

use crate::support::{Guard, hanging_is_failing, until};

const FOREVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn while_draining_it_is_not_ready_but_still_accepts() {
    let guard = Guard::start(|args| args.drain_delay = FOREVER).await;
    guard.readiness.ready().await;
    let mut kept = guard.connect().await;
    assert!(
        !kept
            .post("/validate", "")
            .await
            .headers
            .contains_key("connection")
    );

    guard.trigger.drain();
    until(|| !guard.readiness.is_ready()).await;

    let readyz = guard.admin().await.get("/readyz").await;
    assert_eq!(readyz.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        readyz.text,
        "draining: told to stop, finishing what was begun\n"
    );
    assert_eq!(
        guard.admin().await.get("/healthz").await.status,
        StatusCode::OK
    );

    // Clients are sent elsewhere, one answer at a time.
    for mut http in [kept, guard.connect().await] {
        let answer = http.post("/validate", "").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["connection"], "close");
        http.closed().await;
    }
}

#[tokio::test]
async fn a_request_in_flight_is_finished_and_new_connections_are_refused() {
    let guard = Guard::start(|_| {}).await;
    let mut idle = guard.connect().await;
    idle.post("/validate", "").await;
    let held = guard.hold().await;

    guard.trigger.drain();
    idle.closed().await;
    until_refused(&guard).await;
    assert!(!held.is_finished());
    let readyz = guard.admin().await.get("/readyz").await;
    assert_eq!(readyz.status, StatusCode::SERVICE_UNAVAILABLE);

    guard.holding.add_permits(1);
    let answer = held.await.unwrap();
    assert_eq!((answer.status, &*answer.text), (StatusCode::OK, "held"));
    assert_eq!(answer.headers["connection"], "close");
    assert_eq!(guard.stopped().await, Stopped::Finished);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_cut() {
    let guard = Guard::start(|args| args.drain_timeout = Duration::from_millis(50)).await;
    let _held = guard.hold().await;

    guard.trigger.drain();

    assert_eq!(guard.stopped().await, Stopped::CutShort { connections: 1 });
}

#[tokio::test]
async fn a_second_order_ends_it_at_once() {
    let guard = Guard::start(|args| args.drain_delay = FOREVER).await;
    let _held = guard.hold().await;
    guard.trigger.drain();
    until(|| !guard.readiness.is_ready()).await;

    guard.trigger.stop();

    assert_eq!(guard.stopped().await, Stopped::CutShort { connections: 1 });
}

#[tokio::test]
async fn signals_give_the_orders() {
    let mut shutdown = Shutdown::on_signals().unwrap();
    assert!(shutdown.draining().now_or_never().is_none());
    signal("TERM");
    hanging_is_failing(shutdown.draining()).await;
    assert!(shutdown.stopping().now_or_never().is_none());
    signal("INT");
    hanging_is_failing(shutdown.stopping()).await;
}

/// Sends this process a signal.
fn signal(name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

async fn until_refused(guard: &Guard) {
    hanging_is_failing(async { while TcpStream::connect(guard.addr).await.is_ok() {} }).await;
}
