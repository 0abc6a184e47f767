//! Through a real API server: what the guard adds to the creations that are brought to it.
//!
//! The guard reads what it needs from that same API server, so this has everything that a user waits for.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use axum::{
    body::Bytes,
    http::{Request, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::webhooks;
use harness::{
    Cluster, ClusterOptions, Guard, GuardOptions, StorageClass, binaries::Binaries, pki::trusting,
    wait_until,
};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{
    release::{NAME, Releases, secret},
    server::GUARD,
};

/// For `--only`.
pub const ID: &str = "api-server";

/// Creations of each kind in each of the turns, of which there are four: without, with, without, with.
const CLAIMS: usize = 100;
const RECORDS: usize = 50;

/// What else a crowded namespace holds.
const OTHER_CLAIMS: usize = 10_000;
const OTHER_SECRETS: usize = 5_000;

/// One class that provisions nothing, so that only the creation is measured.
const CLASS: &str = "waits-for-a-pod";

/// One kind of request without and with the guard.
pub struct Added {
    pub what: &'static str,
    pub without: Timed,
    pub with: Timed,
}

/// How long creations took.
#[derive(Clone, Copy)]
pub struct Timed {
    pub requests: usize,
    pub p50: Duration,
    pub p99: Duration,
}

/// The latencies of all turns so far.
#[derive(Default)]
struct Turns {
    claims: Vec<Duration>,
    records: Vec<Duration>,
}

/// A connection to the API server as its administrator.
struct Api {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

/// Nothing where a cluster's programs were not built.
pub async fn measure(releases: Option<&Releases>) -> Result<Vec<Added>> {
    let binaries = match Binaries::find() {
        Ok(binaries) => binaries,
        Err(missing) => {
            println!("Skipped: the way through the API server: {missing}.");
            return Ok(Vec::new());
        }
    };
    eprintln!("{ID}: starting a cluster");
    let cluster = Cluster::start(ClusterOptions {
        binaries: Some(binaries),
        ..ClusterOptions::default()
    })?;
    prepare(&cluster, releases)?;
    let record = releases
        .map(|releases| secret(&releases.good))
        .transpose()?;
    let mut api = Api::connect(&cluster).await?;
    let (mut without, mut with) = (Turns::default(), Turns::default());
    api.turn(&mut Turns::default(), record.as_ref(), 10).await?;
    let mut guard: Option<Guard<'_>> = None;
    for turn in 1..=2 {
        eprintln!("{ID}: turn {turn} of 2");
        api.turn(&mut without, record.as_ref(), 1).await?;
        match &guard {
            None => guard = Some(cluster.guard(GuardOptions::new(GUARD))?),
            Some(guard) => guard.register()?,
        }
        api.turn(&mut Turns::default(), record.as_ref(), 10).await?;
        let before = guard.as_ref().map(reviewed).transpose()?;
        api.turn(&mut with, record.as_ref(), 1).await?;
        let reviewed = guard.as_ref().map(reviewed).transpose()?;
        check(before, reviewed, record.is_some())?;
        unregister(&cluster)?;
    }
    let mut crowded = Turns::default();
    if let (Some(guard), Some(record)) = (&guard, &record) {
        eprintln!("{ID}: {OTHER_CLAIMS} claims and {OTHER_SECRETS} Secrets beside it");
        api.crowd().await?;
        guard.register()?;
        api.turn(&mut Turns::default(), Some(record), 10).await?;
        api.turn(&mut crowded, Some(record), 1).await?;
        let status = fs::read_to_string(format!("/proc/{}/status", guard.pid()?))?;
        let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
        eprintln!("{ID}: the guard's memory: {}", peak.unwrap_or_default());
    }
    let mut all = vec![Added::new(
        "CREATE of a claim",
        &without.claims,
        &with.claims,
    )?];
    if record.is_some() {
        all.push(Added::new(
            "CREATE of a release record of 440 kB",
            &without.records,
            &with.records,
        )?);
        all.push(Added::new(
            "CREATE of that record beside 10,000 claims and 5,000 Secrets",
            &without.records,
            &crowded.records,
        )?);
    }
    Ok(all)
}

/// Reviews of claims and of records, and findings.
type Reviewed = [f64; 3];

fn reviewed(guard: &Guard<'_>) -> Result<Reviewed> {
    let reviews = |endpoint| {
        let labels = [("endpoint", endpoint), ("verdict", "admitted")];
        guard.metric("camunda_upgrade_guard_reviews_total", &labels)
    };
    Ok([
        reviews("mutate")?,
        reviews("validate")?,
        guard.metric("camunda_upgrade_guard_findings_total", &[])?,
    ])
}

/// Every creation must have been brought to the guard, and none objected to.
fn check(before: Option<Reviewed>, after: Option<Reviewed>, records: bool) -> Result<()> {
    let ([claims, validated, findings], [claims_now, validated_now, findings_now]) =
        before.zip(after).context("there is no guard")?;
    let expected = if records { RECORDS } else { 0 };
    ensure!(
        claims_now - claims >= CLAIMS as f64 && validated_now - validated >= expected as f64,
        "the guard was not asked about each creation: {before:?}, {after:?}"
    );
    ensure!(
        findings_now == findings,
        "the guard found something: {before:?}, {after:?}"
    );
    Ok(())
}

/// The running release with its record, and the class of the claims.
fn prepare(cluster: &Cluster, releases: Option<&Releases>) -> Result<()> {
    cluster.storage_class(&StorageClass {
        binding_mode: "WaitForFirstConsumer".into(),
        ..StorageClass::named(CLASS)
    })?;
    cluster.apply(&json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": NAME, "labels": {webhooks::ENFORCE: "true"}},
    }))?;
    let Some(releases) = releases else {
        return Ok(());
    };
    let mut live = releases.live()?;
    live.retain(|object| {
        ["Secret", "StatefulSet", "Deployment", "Job"]
            .iter()
            .any(|kind| object["kind"] == *kind)
    });
    cluster.apply(&json!({"apiVersion": "v1", "kind": "List", "items": live}))?;
    let file = cluster.scratch("record")?.join("record.json");
    fs::write(&file, secret(&releases.running)?.to_string())?;
    // Not applied: the annotation that apply leaves would be too long.
    let create = ["create".as_ref(), "-f".as_ref(), file.as_os_str()];
    cluster.kubectl(create).ok()?;
    // Without a kubelet only the first pods come, and claims only for them.
    wait_until("the release's claims", Duration::from_secs(60), || {
        let claims = cluster.list("pvc", NAME, "")?;
        let bound = |claim: &Value| claim["status"]["phase"] == "Bound";
        Ok((!claims.is_empty() && claims.iter().all(bound)).then_some(()))
    })
}

/// Takes the webhooks away and waits until nothing is brought to the guard any more.
fn unregister(cluster: &Cluster) -> Result<()> {
    for kind in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        cluster.kubectl(["delete", kind, webhooks::NAME]).ok()?;
    }
    let calls = || -> Result<u64> {
        Ok(cluster
            .webhook_calls()?
            .iter()
            .map(|calls| calls.count)
            .sum())
    };
    let probe = claim("probe");
    let arguments = ["create", "-f", "-", "--dry-run=server", "--namespace", NAME];
    wait_until("the webhooks to be gone", Duration::from_secs(30), || {
        let before = calls()?;
        cluster
            .admin()
            .run_with_input(arguments, &probe.to_string())
            .ok()?;
        Ok((calls()? == before).then_some(()))
    })
}

impl Api {
    async fn connect(cluster: &Cluster) -> Result<Self> {
        let kubeconfig: Value = serde_json::from_slice(&fs::read(cluster.kubeconfig())?)?;
        let pem = |pointer: &str| -> Result<Vec<u8>> {
            let text = kubeconfig.pointer(pointer).and_then(Value::as_str);
            Ok(STANDARD.decode(text.with_context(|| format!("kubeconfig: no {pointer}"))?)?)
        };
        let authority = pem("/clusters/0/cluster/certificate-authority-data")?;
        let certificate = pem("/users/0/user/client-certificate-data")?;
        let key = pem("/users/0/user/client-key-data")?;
        let config = trusting(str::from_utf8(&authority)?)?.with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(&certificate)?],
            PrivateKeyDer::from_pem_slice(&key)?,
        )?;
        let host = cluster.server().trim_start_matches("https://").to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (ip, _) = host.rsplit_once(':').context("a port")?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from(ip.to_owned())?, stream)
            .await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host })
    }

    /// Creates claims and records one after the other and deletes them again, a part of the full number.
    async fn turn(&mut self, turns: &mut Turns, record: Option<&Value>, part: usize) -> Result<()> {
        let claims = format!("/api/v1/namespaces/{NAME}/persistentvolumeclaims");
        for number in 0..CLAIMS / part {
            // Numbers that no StatefulSet asks for.
            let body = claim(&format!("data-camunda-zeebe-{}", 1000 + number)).to_string();
            turns.claims.push(self.create(&claims, body.into()).await?);
        }
        self.call(
            "DELETE",
            &format!("{claims}?labelSelector=benchmark"),
            Bytes::new(),
        )
        .await?;
        self.until_gone(&claims).await?;
        let secrets = format!("/api/v1/namespaces/{NAME}/secrets");
        let Some(record) = record else { return Ok(()) };
        let name = record["metadata"]["name"].as_str().context("a name")?;
        let body = Bytes::from(record.to_string());
        for _ in 0..RECORDS / part {
            turns
                .records
                .push(self.create(&secrets, body.clone()).await?);
            self.call("DELETE", &format!("{secrets}/{name}"), Bytes::new())
                .await?;
        }
        Ok(())
    }

    /// Fills the namespace with what belongs to others.
    async fn crowd(&mut self) -> Result<()> {
        let namespace = format!("/api/v1/namespaces/{NAME}");
        for number in 0..OTHER_CLAIMS {
            let mut body = claim(&format!("data-others-{number}"));
            body["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "others"});
            let path = format!("{namespace}/persistentvolumeclaims");
            self.create(&path, body.to_string().into()).await?;
        }
        for number in 0..OTHER_SECRETS {
            let body = json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("others-{number}")},
                "stringData": {"password": "b".repeat(64)},
            });
            let path = format!("{namespace}/secrets");
            self.create(&path, body.to_string().into()).await?;
        }
        Ok(())
    }

    async fn until_gone(&mut self, claims: &str) -> Result<()> {
        let started = Instant::now();
        loop {
            let list = self
                .call(
                    "GET",
                    &format!("{claims}?labelSelector=benchmark"),
                    Bytes::new(),
                )
                .await?;
            let list: Value = serde_json::from_slice(&list)?;
            if list["items"].as_array().is_none_or(Vec::is_empty) {
                return Ok(());
            }
            ensure!(
                started.elapsed() < Duration::from_secs(30),
                "the claims do not go"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn create(&mut self, path: &str, body: Bytes) -> Result<Duration> {
        let started = Instant::now();
        self.call("POST", path, body).await?;
        Ok(started.elapsed())
    }

    async fn call(&mut self, method: &str, path: &str, body: Bytes) -> Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(
            status.is_success(),
            "{method} {path}: {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }
}

impl Added {
    fn new(what: &'static str, without: &[Duration], with: &[Duration]) -> Result<Self> {
        Ok(Self {
            what,
            without: Timed::of(without)?,
            with: Timed::of(with)?,
        })
    }
}

impl Timed {
    fn of(latencies: &[Duration]) -> Result<Self> {
        let mut sorted = latencies.to_vec();
        sorted.sort_unstable();
        let percentile = |percent: usize| sorted.get(sorted.len() * percent / 100).copied();
        Ok(Self {
            requests: sorted.len(),
            p50: percentile(50).context("no request")?,
            p99: percentile(99).context("no request")?,
        })
    }
}

/// A claim as the StatefulSet controller makes it for a broker.
fn claim(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": {
            "app": "camunda-platform",
            "app.kubernetes.io/component": "zeebe-broker",
            "app.kubernetes.io/instance": NAME,
            "app.kubernetes.io/managed-by": "Helm",
            "app.kubernetes.io/name": "camunda-platform",
            "app.kubernetes.io/part-of": "camunda-platform",
            "benchmark": "",
        }},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": CLASS,
        },
    })
}
