//! The memory of the real program stays bounded, whatever it is sent. Docs/reliability.md has the figures.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod guard;

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::server::{BODY_LIMIT, raise_limit};
use flate2::{Compression, write::GzEncoder};
use futures::future::join_all;
use serde_json::json;

use guard::{Guard, claim, record, request, send, until_closed};

/// What the guard may have at most, in MiB.
const MOST: u64 = 128;

/// What it may have when records inflate without end.
const MOST_INFLATING: u64 = 96;

fn gzip(write: impl FnOnce(&mut GzEncoder<Vec<u8>>)) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    write(&mut gzip);
    STANDARD.encode(STANDARD.encode(gzip.finish().unwrap()))
}

/// A release of Camunda's chart with this manifest.
fn release(manifest: &str) -> String {
    let release = json!({
        "name": "camunda", "namespace": "prod", "version": 1,
        "info": {"status": "pending-install"},
        "chart": {"metadata": {"name": "camunda-platform", "version": "8.3.1"}},
        "manifest": manifest,
    });
    gzip(|to| to.write_all(release.to_string().as_bytes()).unwrap())
}

/// Sends as many of the same record at once.
async fn at_once(guard: &Guard, count: usize, data: &str) -> Vec<String> {
    let body = record("camunda", data).to_string();
    let answers = join_all((0..count).map(|_| guard.post(body.as_bytes()))).await;
    for answer in &answers {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    guard.is_alive().await;
    answers
}

#[tokio::test]
async fn bodies_in_chunks_of_one_byte() {
    let guard = Guard::start();
    let chunks = "1\r\n \r\n".repeat(BODY_LIMIT);
    let head = request("Transfer-Encoding: chunked");
    let sent = (0..4).map(|_| async {
        let mut connection = guard.connect().await;
        send(&mut connection, &head, chunks.as_bytes()).await;
        drop(connection);
    });
    join_all(sent).await;
    guard.is_alive().await;
    assert!(guard.peak() <= MOST);
}

#[tokio::test]
async fn a_hundred_bodies_that_stall_before_their_last_byte() {
    let guard = Guard::start();
    let head = request(&format!("Content-Length: {BODY_LIMIT}"));
    let body = vec![b' '; BODY_LIMIT - 1];
    let sent = (0..100).map(|_| async {
        let mut connection = guard.connect().await;
        send(&mut connection, &head, &body).await;
        until_closed(&mut connection).await
    });
    for answer in join_all(sent).await {
        // Too slow, or no memory became free in time. The peer may have been writing still.
        let refused = ["", "HTTP/1.1 408", "HTTP/1.1 503"];
        assert!(refused.iter().any(|it| answer.starts_with(it)), "{answer}");
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    guard.is_alive().await;
    assert!(guard.peak() <= MOST);
}

#[tokio::test]
async fn more_connections_than_there_may_be_with_small_bodies_that_stall() {
    raise_limit();
    let guard = Guard::start();
    let head = request("Content-Length: 16384");
    let body = [b' '; 16383];
    let mut connections = Vec::new();
    for _ in 0..1100 {
        // Each of the first half stalls before its last byte, the others say nothing at all.
        let mut connection = guard.connect().await;
        if connections.len() < 550 {
            send(&mut connection, &head, &body).await;
        }
        connections.push(connection);
    }
    guard.is_alive().await;
    assert!(guard.peak() <= MOST);
}

#[tokio::test]
async fn twenty_records_of_a_million_documents_that_nobody_reads() {
    let guard = Guard::start();
    let data = release(&"---\na\n".repeat(1_900_000));
    for answer in at_once(&guard, 20, &data).await {
        assert!(answer.contains(r#""allowed":false"#), "{answer}");
    }
    assert!(guard.peak() <= MOST);
}

#[tokio::test]
async fn twenty_records_of_half_a_million_broken_documents() {
    let guard = Guard::start();
    let data = release(&"---\nkind: Secret\nx: [\n".repeat(600_000));
    for answer in at_once(&guard, 20, &data).await {
        assert!(answer.contains(r#""allowed":false"#), "{answer}");
    }
    assert!(guard.peak() <= MOST);
}

#[tokio::test]
async fn sixteen_objects_of_a_million_values() {
    let guard = Guard::start();
    // Of these the last fit, three at a time. All are sent by one thread, which may be too slow.
    for (value, times, statuses) in [
        ("0,", 600_000, ["413", "408"].as_slice()),
        ("{\"a\":0},", 150_000, &["413", "408"]),
        ("{},", 15_000, &["200", "503", "408"]),
    ] {
        let values = format!("\"spec\":[{}0]", value.repeat(times));
        let review = claim().to_string().replace("\"spec\":{}", &values);
        let posted = (0..16).map(|_| guard.post(review.as_bytes()));
        for answer in join_all(posted).await {
            let status = answer.trim_start_matches("HTTP/1.1 ").get(..3);
            let expected = status.is_some_and(|it| statuses.contains(&it));
            assert!(expected, "{value}: {answer}");
        }
        guard.is_alive().await;
    }
    assert!(guard.peak() <= MOST);
}

#[tokio::test]
async fn eight_lists_of_empty_objects() {
    let guard = Guard::start();
    let list = format!(
        "kind: SecretList\napiVersion: v1\nitems: [{}]\n",
        "{},".repeat(190_000)
    );
    for answer in at_once(&guard, 8, &release(&list)).await {
        let refused = [
            "its manifest holds more than",
            "too many records are judged",
        ];
        assert!(refused.iter().any(|it| answer.contains(it)), "{answer}");
    }
    assert!(guard.peak() <= MOST);
}

#[tokio::test]
async fn eight_records_that_inflate_without_end_and_eight_of_the_largest() {
    let guard = Guard::start();
    let zeros = vec![b' '; 1024 * 1024];
    let endless = gzip(|to| (0..512).for_each(|_| to.write_all(&zeros).unwrap()));
    for answer in at_once(&guard, 8, &endless).await {
        assert!(answer.contains("inflates to more than"), "{answer}");
    }
    assert!(guard.peak() <= MOST_INFLATING);

    let largest = release(&"#\n".repeat(5_500_000));
    at_once(&guard, 8, &largest).await;
    assert!(guard.peak() <= MOST_INFLATING);
}
