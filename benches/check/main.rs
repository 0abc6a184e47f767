//! `cargo bench --bench check`: what the command line costs where a release and a namespace are large.
//!
//! The real program, as a process of its own, on a rendered manifest of 13 MB and on a namespace with 2,000 Secrets and 500 claims:
//! once as a snapshot, and, where the cluster's programs are built, once on a real API server. Prints Markdown.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    kubernetes::{Kind, Object},
    snapshot::{Redactor, Salt, Snapped, save},
};
use harness::{Cluster, Corpus, record};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_camunda-upgrade-guard");
const MANIFEST: usize = 13_000_000;
const SECRETS: usize = 2000;
const CLAIMS: usize = 500;
const ROUNDS: usize = 5;
const NAMESPACE: &str = "large";

/// So many namespaces, the first of them with a release each.
const NAMESPACES: usize = 200;
const RELEASES: usize = 30;

/// What must not be missed: a time, and MiB.
type Target = (Duration, u64);
const CHECK: Target = (Duration::from_millis(800), 80);
const SNAPSHOT: Target = (Duration::from_millis(800), 80);
const SCAN: Target = (Duration::from_secs(3), 80);

struct Measured {
    what: String,
    target: Target,
    best: Duration,
    median: Duration,
    peak_mib: u64,
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let manifest = folder.path().join("rendered.yaml");
    fs::write(&manifest, manifest_of(MANIFEST))?;
    let values = folder.path().join("values.yaml");
    fs::write(&values, "")?;
    let snapshot = folder.path().join("snapshot");
    save(&snapshot, &snapped()?, "2026-01-01T00:00:00Z".to_owned())?;

    let text = |path: &Path| path.display().to_string();
    let (manifest, values, snapshot) = (text(&manifest), text(&values), text(&snapshot));
    let check = [
        "check",
        "camunda",
        "-i",
        &manifest,
        "-f",
        &values,
        "--running-values",
        &values,
    ];
    let mut measured = vec![measure(
        "`check` of a manifest of 13 MB against a snapshot of 2,000 Secrets and 500 claims",
        CHECK,
        &[&check[..], &["--snapshot", &snapshot]].concat(),
        None,
        &[0, 1, 3],
    )?];
    if let Some(cluster) = Cluster::shared_or_skip() {
        fill(cluster)?;
        let kubeconfig = cluster.kubeconfig().to_owned();
        let out = text(&folder.path().join("taken"));
        measured.push(measure(
            "`snapshot` of that namespace on a real API server, which shares the processors",
            SNAPSHOT,
            &["snapshot", "-n", NAMESPACE, "-o", &out],
            Some(&kubeconfig),
            &[0],
        )?);
        measured.push(measure(
            "`check` of that manifest against it",
            CHECK,
            &[&check[..], &["-n", NAMESPACE]].concat(),
            Some(&kubeconfig),
            &[0, 1, 3],
        )?);
        spread(cluster)?;
        measured.push(measure(
            "`scan -A` over 200 namespaces, 30 of them with a release",
            SCAN,
            &["scan", "-A"],
            Some(&kubeconfig),
            &[0, 1, 3],
        )?);
    }
    println!("{}", markdown(&measured));
    Ok(())
}

/// Runs it several times and watches its memory.
fn measure(
    what: &str,
    target: Target,
    args: &[&str],
    kubeconfig: Option<&PathBuf>,
    codes: &[i32],
) -> Result<Measured> {
    let (mut times, mut peak) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let mut command = Command::new(BINARY);
        command
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        if let Some(kubeconfig) = kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        let begun = Instant::now();
        let mut child = command.spawn().context("running the guard")?;
        let status = loop {
            peak = peak.max(peak_of(child.id()).unwrap_or(0));
            match child.try_wait()? {
                Some(status) => break status,
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        times.push(begun.elapsed());
        let code = status.code().unwrap_or(-1);
        ensure!(codes.contains(&code), "{what}: exit code {code}");
    }
    times.sort();
    Ok(Measured {
        what: what.to_owned(),
        target,
        best: times[0],
        median: times[times.len() / 2],
        peak_mib: peak / 1024,
    })
}

/// The most memory that a process has had, in KiB.
fn peak_of(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Workloads, Secrets and ConfigMaps as a chart renders them, until it is as large.
fn manifest_of(bytes: usize) -> String {
    let mut manifest = String::with_capacity(bytes + 100_000);
    let mut number = 0;
    while manifest.len() < bytes {
        let name = format!("camunda-part-{number}");
        let labels = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/instance: camunda, helm.sh/chart: camunda-platform-12.13.3";
        // Writing to a String cannot fail.
        let _ = write!(
            manifest,
            "---\n# Source: camunda-platform/templates/{name}/deployment.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  labels: {{{labels}}}\n\
             spec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n        - name: main\n          image: camunda/operate:8.7.37\n          env:\n",
        );
        for variable in 0..40 {
            let _ = write!(
                manifest,
                "            - name: SETTING_{variable}\n              value: \"value {variable} of {name}\"\n"
            );
        }
        let _ = write!(
            manifest,
            "---\n# Source: camunda-platform/templates/{name}/configmap.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  labels: {{{labels}}}\ndata:\n  application.yaml: |\n",
        );
        for line in 0..120 {
            let _ = writeln!(
                manifest,
                "    setting{line}: a value of usual length for line {line}"
            );
        }
        let _ = write!(
            manifest,
            "---\n# Source: camunda-platform/templates/{name}/service.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  labels: {{{labels}}}\nspec:\n  ports: [{{name: http, port: 80}}]\n",
        );
        number += 1;
    }
    manifest
}

fn secret(number: usize) -> Value {
    let value = |key: &str| STANDARD.encode(format!("{key} of {number}"));
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": format!("secret-{number}"), "namespace": NAMESPACE},
        "data": {"password": value("password"), "user": value("user"), "token": value("token")},
    })
}

fn claim(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": format!("data-{number}"), "namespace": NAMESPACE},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}}},
    })
}

/// The namespace as `snapshot` would keep it.
fn snapped() -> Result<Snapped> {
    let salt = Salt::random().ok().context("random numbers")?;
    let redactor = Redactor::new(salt.clone());
    let secrets = (0..SECRETS).map(|number| (Kind::Secret, secret(number)));
    let claims = (0..CLAIMS).map(|number| (Kind::PersistentVolumeClaim, claim(number)));
    let objects = secrets.chain(claims).map(|(kind, mut object)| {
        redactor.object(kind, &mut object);
        (kind, Object(object))
    });
    Ok(Snapped {
        namespace: NAMESPACE.to_owned(),
        salt,
        objects: objects.collect(),
        records: Vec::new(),
        not_read: Vec::new(),
    })
}

fn fill(cluster: &Cluster) -> Result<()> {
    cluster.apply(
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
    )?;
    let all: Vec<_> = (0..SECRETS)
        .map(secret)
        .chain((0..CLAIMS).map(claim))
        .collect();
    create(cluster, &all)
}

fn create(cluster: &Cluster, objects: &[Value]) -> Result<()> {
    for some in objects.chunks(100) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": some});
        cluster
            .admin()
            .run_with_input(["create", "-f", "-"], &list.to_string())
            .ok()?;
    }
    Ok(())
}

/// Releases of Camunda in namespaces of their own, and namespaces without one.
fn spread(cluster: &Cluster) -> Result<()> {
    let name = |number: usize| format!("spread-{number}");
    let namespaces = (0..NAMESPACES).map(
        |number| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name(number)}}),
    );
    let mut all: Vec<_> = namespaces.collect();
    if let Some(corpus) = Corpus::find() {
        let record = corpus.record("12.13.3")?;
        for number in 0..RELEASES {
            let mut release = record.raw.clone();
            release["namespace"] = json!(name(number));
            release["info"]["status"] = json!("deployed");
            let mut secret = record::secret(&release, "deployed")?;
            secret["metadata"]["namespace"] = json!(name(number));
            all.push(secret);
        }
    } else {
        println!("Skipped: releases for `scan -A`, as there is no CAMUNDA_CORPUS.");
    }
    create(cluster, &all)
}

fn markdown(measured: &[Measured]) -> String {
    let mut text =
        "| measured | best | median | peak memory | target |\n|---|--:|--:|--:|---|\n".to_owned();
    for it in measured {
        let (longest, most) = it.target;
        let met = match it.best <= longest && it.peak_mib <= most {
            true => "met",
            false => "**missed**",
        };
        let _ = writeln!(
            text,
            "| {} | {:.2} s | {:.2} s | {} MiB | {} s, {most} MiB: {met} |",
            it.what,
            it.best.as_secs_f64(),
            it.median.as_secs_f64(),
            it.peak_mib,
            longest.as_secs_f64()
        );
    }
    text
}
