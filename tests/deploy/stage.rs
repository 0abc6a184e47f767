//! A cluster with Camunda in it, and a terminal in a checkout.

use std::{
    fs,
    path::{Path, PathBuf},
};

use harness::{Cluster, ClusterOptions, Helm, Output, Run, Shell, binaries::workspace};
use serde_json::Value;

use crate::{beside::GUARD, rendered::NAME};

/// A shell in a folder with what the commands read from a checkout, and the charts.
pub fn checkout(cluster: &Cluster, helm: Helm) -> Shell {
    let shell = cluster.shell(helm).unwrap();
    for path in [
        "deploy",
        "certs",
        "tests/charts/camunda-8.2",
        "tests/charts/camunda-8.3",
    ] {
        let from = workspace().join(path);
        let copy = Run::new("cp").args(["-rL".as_ref(), from.as_os_str(), shell.dir().as_os_str()]);
        copy.output().unwrap().ok().unwrap();
    }
    // A developer's own.
    let _ = fs::remove_dir_all(shell.dir().join("certs/dev"));
    shell.install(NAME, Path::new(GUARD)).unwrap();
    shell
}

pub fn with_camunda(cluster: &Cluster, shell: &Shell) {
    shell
        .run("kubectl create namespace camunda && helm install camunda ./camunda-8.2 -n camunda")
        .unwrap()
        .ok()
        .unwrap();
    cluster.wait_all_bound("camunda").unwrap();
}

/// What the commands for a terminal take from its environment.
const VARIABLES: &str = "export REGISTRY=registry.example.com CHART=deploy/chart CAMUNDA=camunda";

pub fn run(shell: &Shell, script: &str) -> Output {
    let script = format!("{VARIABLES}\n{script}");
    shell.run(&script).unwrap().ok().unwrap()
}

/// The same, where it waits for the guard's pods.
pub fn run_and_wait(cluster: &Cluster, shell: &Shell, script: &str) -> Output {
    cluster.with_ready_pods(NAME, || run(shell, script))
}

/// A cluster that notes what is deleted, and by whom.
pub struct Stage {
    pub cluster: Cluster,
    audit: PathBuf,
    _dir: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (policy, audit) = (dir.path().join("policy.yaml"), dir.path().join("audit.log"));
        let rules = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata, verbs: [delete]}, {level: None}]
";
        fs::write(&policy, rules).unwrap();
        let flag = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        let cluster = Cluster::start(ClusterOptions {
            api_server_flags: vec![
                flag("audit-policy-file", &policy),
                flag("audit-log-path", &audit),
            ],
            ..ClusterOptions::default()
        });
        Self {
            cluster: cluster.unwrap(),
            audit,
            _dir: dir,
        }
    }

    /// The resources of which something was deleted since the log had `skip` lines, in order, Helm's records left out.
    pub fn deleted(&self, skip: usize) -> Vec<String> {
        let log = fs::read_to_string(&self.audit).unwrap();
        let events = log
            .lines()
            .skip(skip)
            .map(|line| serde_json::from_str(line).unwrap());
        let events = events.filter(|event: &Value| {
            let agent = event["userAgent"].as_str().unwrap_or_default();
            let name = event["objectRef"]["name"].as_str().unwrap_or_default();
            let ours = agent.starts_with("Helm/") || agent.starts_with("kubectl");
            ours && !name.starts_with("sh.helm.")
        });
        events
            .map(|event| event["objectRef"]["resource"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn lines(&self) -> usize {
        fs::read_to_string(&self.audit).map_or(0, |log| log.lines().count())
    }
}
