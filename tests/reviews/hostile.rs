//! Records that somebody wrote to keep the guard busy, or to have it say a great deal.

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::get};
use camunda_upgrade_guard::metrics::Metrics;
use harness::hostile::{self, Hostile};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{post, review, router};

/// The longest message of a refusal, in bytes.
const LONGEST: usize = 64 * 1024;

/// The Secret of a record as the API server stores it.
fn secret(release: &Value, status: &str) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut secret = harness::record::secret(release, status).unwrap();
    let data = secret["stringData"]["release"].take();
    secret["data"] = json!({"release": STANDARD.encode(data.as_str().unwrap())});
    secret["metadata"]["namespace"] = "prod".into();
    secret
}

fn body(release: &Value) -> Vec<u8> {
    let record = secret(release, "pending-upgrade");
    review("Secret", "CREATE", &record).to_string().into_bytes()
}

/// With the same release in place, each object a little different.
fn planted(release: &Value) -> Router {
    let running = secret(&hostile::running(release), "deployed");
    router(vec![running], &Metrics::new())
}

fn assert_short(response: &Value, name: &str) {
    assert_eq!(response["uid"], "the-uid", "{name}");
    let message = response["status"]["message"].as_str().unwrap_or_default();
    assert!(message.len() <= LONGEST, "{name}: {}", message.len());
    assert!(response["allowed"] == true || !message.is_empty(), "{name}");
    let warnings = response["warnings"].to_string();
    assert!(warnings.len() <= LONGEST / 4, "{name}: {}", warnings.len());
    let audited = response["auditAnnotations"].to_string();
    assert!(audited.len() <= LONGEST / 16, "{name}: {audited}");
}

#[test]
fn each_gets_a_short_answer_and_what_holds_too_much_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let excess = [
        ("20,000 StatefulSets in a list", "more than 2000 objects"),
        ("190,000 empty objects in a list", "more than 2000 objects"),
        ("50,000 documents", "more than 2000 objects"),
        ("2,600,000 documents", "inflates to more than"),
        ("50,000 broken documents", "more than 2000 objects"),
        (
            "30,000 variables in a container",
            "longer lists than any chart's",
        ),
        ("100 charts of Camunda's", "more than 4 charts of Camunda's"),
        ("a name of 1 MB", "more than 253 bytes"),
    ];
    let mut refused = 0;
    for Hostile { name, release } in hostile::records() {
        let router = planted(&release);
        let answer = post(router, "/validate?timeout=30s", body(&release));
        let response = runtime.block_on(answer);
        assert_short(&response, name);
        if let Some((_, reason)) = excess.iter().find(|(excess, _)| *excess == name) {
            let message = response["status"]["message"].as_str().unwrap_or_default();
            let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(message.contains(reason), "{name}: {message}");
            refused += 1;
        }
    }
    assert_eq!(refused, excess.len());
}

/// The nearest good ones: as many objects as are read are judged.
#[test]
fn as_many_as_are_read_are_judged() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for (count, is_read) in [
        (hostile::MOST_OBJECTS, true),
        (hostile::MOST_OBJECTS + 1, false),
    ] {
        let manifest: String = (0..count)
            .map(|n| format!("---\nkind: ConfigMap\napiVersion: v1\nmetadata: {{name: c{n}}}\n"))
            .collect();
        let release = hostile::release(&manifest);
        let router = router(Vec::new(), &Metrics::new());
        let response = runtime.block_on(post(router, "/validate?timeout=30s", body(&release)));
        let told = response.to_string();
        assert_ne!(told.contains("can't be decoded"), is_read, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_told_while_many_are_judged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let health: Router = Router::new().route("/healthz", get(|| async { "ok" }));
    tokio::spawn(async move { axum_serve(listener, health).await });
    let records = hostile::records();
    let everything = records.iter().find(|it| it.name.contains("of every kind"));
    let release = Arc::new(everything.unwrap().release.clone());
    let router = planted(&release);
    let posts: Vec<_> = (0..16)
        .map(|_| {
            let (router, release) = (router.clone(), Arc::clone(&release));
            tokio::spawn(async move { post(router, "/validate?timeout=5s", body(&release)).await })
        })
        .collect();
    let mut told = 0;
    loop {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET /healthz HTTP/1.1\r\nHost: guard\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("ok"), "{answer}");
        if posts.iter().all(tokio::task::JoinHandle::is_finished) {
            break;
        }
        told += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(told > 0);
    for post in posts {
        assert_short(&post.await.unwrap(), "16 at once");
    }
}

async fn axum_serve(listener: TcpListener, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = hyper_util::service::TowerToHyperService::new(router.clone());
        let io = hyper_util::rt::TokioIo::new(stream);
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
    }
}

/// A document of a manifest, good or broken, with names and texts of any length.
fn document() -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        Just("StatefulSet"),
        Just("Secret"),
        Just("ConfigMap"),
        Just("PersistentVolumeClaim"),
        Just("Deployment"),
    ];
    (kind, "[a-z0-9.-]{1,40}", 0..300_usize, "\\PC{0,20}", any::<bool>()).prop_map(
        |(kind, name, long, odd, is_broken)| {
            let version = if kind.ends_with("Set") || kind == "Deployment" { "apps/v1" } else { "v1" };
            let source = format!("# Source: camunda/templates/{}", odd.repeat(long));
            let end = if is_broken { "\na: [" } else { "" };
            let name = json!(format!("{name}{}", odd.repeat(long % 20)));
            format!(
                "---\n{source}\nkind: {kind}\napiVersion: {version}\nmetadata: {{name: {name}, labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker}}}}{end}\n"
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_manifest_gets_a_short_answer(documents in prop::collection::vec(document(), 0..60)) {
        let release = hostile::release(&documents.concat());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let response = runtime.block_on(post(planted(&release), "/validate?timeout=30s", body(&release)));
        assert_short(&response, "generated");
    }
}
