//! `cargo bench --bench records`: what the records cost that somebody wrote to keep the guard busy.
//!
//! Each is judged by the guard's own router: alone, with the processor time that the process took for it; then 16 at once, with
//! the time that `/healthz` took meanwhile. Prints Markdown.

use std::{
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use axum::{Router, body::Body, http::Request, routing::get};
use camunda_upgrade_guard::{
    admission::{AdmissionMetrics, Guard},
    cluster::{Cluster, LiveCluster, Snapshot},
    events::Events,
    metrics::Metrics,
    mutations::volume_reclaim_policy::RetainScope,
};
use harness::hostile::{self, Hostile};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::watch,
    time::sleep,
};
use tower::ServiceExt;

/// What the API server waits for the guard.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A tick of the processor time in `/proc`.
const TICK: Duration = Duration::from_millis(10);

/// Records at once.
const AT_ONCE: usize = 16;

/// The answers that the guard gets from the API server.
#[derive(Clone, Copy)]
enum Api {
    /// None.
    Hangs,
    /// What runs is a record of the same kind; nothing else is there.
    Planted,
}

fn main() -> Result<()> {
    let only: Vec<_> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(measure(&only))
}

async fn measure(only: &[String]) -> Result<()> {
    println!(
        "| record | review, KB | CPU, API server hangs | CPU, planted | answer, KB | slowest `/healthz`, {AT_ONCE} at once |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for hostile in hostile::records() {
        if !only.is_empty() && !only.iter().any(|only| hostile.name.contains(only.as_str())) {
            continue;
        }
        measure_one(&hostile, &review(&hostile.release)?).await?;
    }
    let name = "no record: a Secret of 190,000 keys";
    if only.is_empty() || only.iter().any(|only| name.contains(only.as_str())) {
        let release = hostile::release("");
        measure_one(&Hostile { name, release }, &with_keys(190_000)).await?;
    }
    Ok(())
}

async fn measure_one(hostile: &Hostile, review: &[u8]) -> Result<()> {
    let (hanging, answer) = alone(hostile, review, Api::Hangs).await?;
    let (planted, other) = alone(hostile, review, Api::Planted).await?;
    let health = at_once(hostile, review).await?;
    println!(
        "| {} | {} | {} ms | {} ms | {} | {} ms |",
        hostile.name,
        review.len() / 1000,
        hanging.as_millis(),
        planted.as_millis(),
        answer.max(other) / 1000,
        health.as_millis(),
    );
    Ok(())
}

/// Returns the processor time of one review, and the size of its answer.
async fn alone(hostile: &Hostile, review: &[u8], api: Api) -> Result<(Duration, usize)> {
    let mut least: Option<(Duration, usize)> = None;
    for _ in 0..3 {
        let router = router(hostile, api).await?;
        let before = cpu()?;
        let answer = post(router, review.to_vec()).await?;
        let taken = cpu()? - before;
        if least.is_none_or(|(known, _)| taken < known) {
            least = Some((taken, answer));
        }
    }
    least.context("no round")
}

/// Returns the longest that `/healthz` took while many were judged.
async fn at_once(hostile: &Hostile, review: &[u8]) -> Result<Duration> {
    let address = admin().await?;
    let router = router(hostile, Api::Hangs).await?;
    let posts: Vec<_> = (0..AT_ONCE)
        .map(|_| tokio::spawn(post(router.clone(), review.to_vec())))
        .collect();
    let mut slowest = Duration::ZERO;
    while !posts.iter().all(|post| post.is_finished()) {
        let asked = Instant::now();
        healthy(address).await?;
        slowest = slowest.max(asked.elapsed());
        sleep(Duration::from_millis(2)).await;
    }
    for post in posts {
        post.await??;
    }
    Ok(slowest)
}

async fn admin() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router: Router = Router::new().route("/healthz", get(|| async { "ok\n" }));
    tokio::spawn(async move { serve(listener, router).await });
    Ok(address)
}

async fn serve(listener: TcpListener, router: Router) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let service = hyper_util::service::TowerToHyperService::new(router.clone());
        let io = hyper_util::rt::TokioIo::new(stream);
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
    }
}

async fn healthy(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: guard\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    ensure!(answer.ends_with("ok\n"), "{answer}");
    Ok(())
}

async fn router(hostile: &Hostile, api: Api) -> Result<Router> {
    let cluster = match api {
        Api::Hangs => Cluster::Live(LiveCluster::new(hanging().await?)),
        Api::Planted => {
            let running = hostile::running(&hostile.release);
            let record = secret(&running, "deployed")?;
            Cluster::Snapshot(Arc::new([record].into_iter().collect::<Snapshot>()))
        }
    };
    let metrics = Metrics::new();
    let guard = Guard::new(
        cluster,
        RetainScope::default(),
        watch::channel(Arc::default()).1,
        AdmissionMetrics::new(&metrics),
        Events::off(&metrics),
    );
    Ok(guard.router())
}

/// A client of an API server that takes connections and never answers.
async fn hanging() -> Result<kube::Client> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Handle::current().spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let config = kube::Config::new(format!("http://{address}").parse()?);
    Ok(kube::Client::try_from(config)?)
}

async fn post(router: Router, review: Vec<u8>) -> Result<usize> {
    let uri = format!("/validate?timeout={}s", TIMEOUT.as_secs());
    let request = Request::post(uri).body(Body::from(review))?;
    let response = router.oneshot(request).await?;
    let bytes = response.into_body().collect().await?.to_bytes();
    let answer: Value = serde_json::from_slice(&bytes)?;
    ensure!(answer["response"]["uid"] == "u", "{answer}");
    Ok(bytes.len())
}

fn review(release: &Value) -> Result<Vec<u8>> {
    let object = secret(release, "pending-upgrade")?;
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u", "kind": {"group": "", "version": "v1", "kind": "Secret"},
            "resource": {"group": "", "version": "v1", "resource": "secrets"},
            "namespace": "prod", "name": object["metadata"]["name"], "operation": "CREATE",
            "userInfo": {"username": "mallory"}, "object": object, "oldObject": null, "dryRun": false,
        },
    });
    Ok(review.to_string().into_bytes())
}

/// The review of a Secret that is no record.
fn with_keys(count: usize) -> Vec<u8> {
    let data: serde_json::Map<_, _> = (0..count).map(|n| (format!("k{n}"), json!(""))).collect();
    let labels = json!({"app.kubernetes.io/name": "postgresql"});
    let object =
        json!({"metadata": {"name": "camunda-postgresql", "labels": labels}, "data": data});
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u", "kind": {"group": "", "version": "v1", "kind": "Secret"},
            "resource": {"group": "", "version": "v1", "resource": "secrets"},
            "namespace": "prod", "name": "camunda-postgresql", "operation": "CREATE",
            "userInfo": {"username": "mallory"}, "object": object, "oldObject": null, "dryRun": false,
        },
    });
    review.to_string().into_bytes()
}

/// The Secret as the API server stores it.
fn secret(release: &Value, status: &str) -> Result<Value> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut secret = harness::record::secret(release, status)?;
    let data = secret["stringData"]["release"].take();
    let data = STANDARD.encode(data.as_str().context("release")?);
    ensure!(
        data.len() < 1 << 20,
        "larger than a Secret may be: {}",
        data.len()
    );
    secret["data"] = json!({"release": data});
    secret["metadata"]["namespace"] = "prod".into();
    secret["metadata"]["uid"] = "1".into();
    Ok(secret)
}

/// The processor time of this process until now.
fn cpu() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks =
        |at: usize| -> Result<u32> { Ok(fields.get(at).context("too few fields")?.parse()?) };
    Ok(TICK * (ticks(11)? + ticks(12)?))
}
