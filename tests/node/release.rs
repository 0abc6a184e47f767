//! A release whose pods run.

use std::path::Path;
use std::time::Duration;

use camunda_upgrade_guard::webhooks::{ENFORCE, IGNORE};
use harness::{Denial, Helm, Namespace, Node, Output, Run, person::http, wait_until};
use serde_json::Value;

use crate::stage::{NAME, guarded, node};

/// How long pods may take to start, Keycloak's first of all.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Whether the guard judges a namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    Yes,
    No,
}

/// The release `camunda` in a namespace of its own.
pub struct Release {
    pub node: &'static Node,
    pub namespace: Namespace,
}

impl Drop for Release {
    /// Makes room, unless somebody will look at what went wrong.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let delete = ["delete", "namespace", &self.namespace, "--wait=false"];
            self.node.kubectl(delete).ok().unwrap();
        }
    }
}

impl Release {
    /// Installs a chart, and waits until all its pods are ready.
    pub fn installed(guard: Guarded, chart: &Path, args: &[&str]) -> Self {
        let release = Self::none(guard);
        release.install(chart, args).ok().unwrap();
        release.ready();
        release
    }

    /// A namespace for one.
    pub fn none(guard: Guarded) -> Self {
        let (node, label) = match guard {
            Guarded::Yes => (guarded(), ENFORCE),
            Guarded::No => (node(), IGNORE),
        };
        let namespace = node.namespace_with_labels("camunda", &[(label, "true")]);
        Self {
            node,
            namespace: namespace.unwrap(),
        }
    }

    pub fn install(&self, chart: &Path, args: &[&str]) -> Output {
        let helm = self.node.helm(Helm::V3);
        helm.install("camunda", chart, &self.namespace, args)
    }

    pub fn upgrade(&self, chart: &Path, args: &[&str]) -> Output {
        let helm = self.node.helm(Helm::V3);
        helm.upgrade("camunda", chart, &self.namespace, args)
    }

    pub fn uninstall(&self) {
        let helm = self.node.helm(Helm::V3);
        let gone = helm.uninstall("camunda", &self.namespace, &["--wait"]);
        gone.ok().unwrap();
    }

    /// Does what a refusal prints, and upgrades with the flags that it names; all of it pasted into one shell.
    #[track_caller]
    pub fn cured(&self, denial: &Denial, chart: &Path, args: &[&str]) {
        let cured = self.shell(&denial.cure_on_a_node(&self.command(chart, args)));
        assert!(cured.success(), "{}\n{}", denial.text, cured.report());
    }

    /// The command line of an upgrade, each argument in quotes.
    pub fn command(&self, chart: &Path, args: &[&str]) -> String {
        let upgrade = format!(
            "helm upgrade camunda '{}' -n {}",
            chart.display(),
            &*self.namespace
        );
        args.iter()
            .fold(upgrade, |line, arg| format!("{line} '{arg}'"))
    }

    /// Runs a script as the administrator, up to the first line that fails.
    pub fn shell(&self, script: &str) -> Output {
        let shell = self.node.shell(Helm::V3).unwrap().timeout(PATIENCE * 2);
        shell
            .install(NAME, env!("CARGO_BIN_EXE_camunda-upgrade-guard").as_ref())
            .unwrap();
        shell.run(script).unwrap()
    }

    /// What `check` says of an upgrade that Helm has tried out.
    pub fn check(&self, dry_run: &str) -> Output {
        let check = Run::new(env!("CARGO_BIN_EXE_camunda-upgrade-guard")).args(["check", "-"]);
        let check = check.env("KUBECONFIG", self.node.kubeconfig());
        check.input(dry_run).output().unwrap()
    }

    pub fn kubectl(&self, args: &[&str]) -> Output {
        self.node
            .kubectl([&["--namespace", &*self.namespace], args].concat())
    }

    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.node.get(kind, &self.namespace, name).unwrap()
    }

    /// Waits until every pod that a StatefulSet or a Deployment wants is there, of the newest template, and ready.
    #[track_caller]
    pub fn ready(&self) {
        let ready = wait_until("all pods to be ready", PATIENCE, || {
            let unready = self.unready()?;
            anyhow::ensure!(unready.is_empty(), "not ready: {unready:?}");
            Ok(Some(()))
        });
        ready.unwrap_or_else(|error| panic!("{error:#}\n{}", self.state()));
    }

    fn unready(&self) -> anyhow::Result<Vec<String>> {
        let objects = self
            .node
            .list("statefulsets,deployments", &self.namespace, "")?;
        let unready = objects.iter().filter(|object| {
            let (spec, status) = (&object["spec"], &object["status"]);
            let count = |field: &str| status[field].as_u64().unwrap_or_default();
            let wanted = spec["replicas"].as_u64().unwrap_or_default();
            status["observedGeneration"] != object["metadata"]["generation"]
                || ["replicas", "readyReplicas", "updatedReplicas"]
                    .iter()
                    .any(|field| count(field) != wanted)
        });
        let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
        Ok(unready.map(name).collect())
    }

    pub fn log(&self, pod: &str) -> String {
        self.kubectl(&["logs", pod]).text()
    }

    /// What a person would look at.
    pub fn state(&self) -> String {
        let pods = self.kubectl(&["get", "pods,pvc,jobs", "-o", "wide"]).text();
        let events = self.kubectl(&["get", "events", "--sort-by=.lastTimestamp"]);
        let lines = events.stdout.lines().rev().take(20);
        lines.fold(pods, |text, line| text + "\n" + line)
    }

    /// Asks a pod itself.
    pub fn ask(
        &self,
        pod: &str,
        port: u16,
        path: &str,
        args: &[&str],
    ) -> anyhow::Result<(u16, String)> {
        let object = self.get("pod", pod);
        let address = object
            .as_ref()
            .and_then(|pod| pod["status"]["podIP"].as_str());
        let Some(address) = address else {
            anyhow::bail!("no pod {pod}");
        };
        http(&format!("http://{address}:{port}{path}"), args)
    }
}

/// The commands that `check` prints for a finding that only warns.
pub fn commands(report: &str, rule: &str) -> String {
    let (_, finding) = report.split_once(&format!("[{rule}]")).unwrap();
    let lines = finding.lines().skip(1).map(str::trim);
    let lines = lines.take_while(|line| !line.ends_with(']'));
    let commands = lines.filter(|line| line.starts_with("kubectl "));
    commands.map(|line| line.to_owned() + "\n").collect()
}
