//! One release in a namespace of its own, installed and upgraded by the real Helm.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use camunda_upgrade_guard::{mutations::MUTATIONS, rules::RULES};
use harness::{Chart, Cluster, Corpus, Helm, Namespace, Output, Secrets, wait_until};
use serde_json::Value;

const BINDING: Duration = Duration::from_secs(60);

/// A chart made of a corpus record.
pub fn record(cluster: &Cluster, corpus: &Corpus, name: &str, secrets: Secrets) -> Chart {
    let dir = cluster.scratch("chart").unwrap();
    corpus
        .record(name)
        .unwrap()
        .chart(secrets)
        .write(&dir)
        .unwrap()
}

/// Asserts that no rule had anything to say.
#[track_caller]
pub fn assert_silent(output: &Output) {
    let text = output.text();
    for rule in RULES.iter().map(|rule| rule.id).chain(MUTATIONS) {
        assert!(!text.contains(rule), "{rule}: {}", output.report());
    }
}

/// A release and its namespace.
pub struct Release {
    pub cluster: &'static Cluster,
    pub namespace: Namespace,
    pub name: &'static str,
}

impl Release {
    /// A name in a new namespace.
    pub fn new(cluster: &'static Cluster, name: &'static str) -> Release {
        let namespace = cluster.namespace(name).unwrap();
        Release {
            cluster,
            namespace,
            name,
        }
    }

    pub fn install(&self, helm: Helm, chart: &Path, args: &[&str]) -> Output {
        self.cluster
            .helm(helm)
            .install(self.name, chart, &self.namespace, args)
    }

    pub fn upgrade(&self, helm: Helm, chart: &Path, args: &[&str]) -> Output {
        self.cluster
            .helm(helm)
            .upgrade(self.name, chart, &self.namespace, args)
    }

    /// Installs a corpus chart with its own values.
    pub fn install_record(&self, helm: Helm, chart: &Chart) {
        let args = chart.with_config();
        self.install(helm, &chart.path, &[&args[0], &args[1]])
            .ok()
            .unwrap();
    }

    pub fn upgrade_record(&self, helm: Helm, chart: &Chart) -> Output {
        let args = chart.with_config();
        self.upgrade(helm, &chart.path, &[&args[0], &args[1]])
    }

    /// The command line of an upgrade to a corpus chart, to which a user adds flags.
    pub fn upgrade_command(&self, chart: &Chart) -> String {
        let args = chart.with_config();
        format!(
            "helm upgrade {} '{}' -n {} {} '{}'",
            self.name,
            chart.path.display(),
            &*self.namespace,
            args[0],
            args[1]
        )
    }

    pub fn revisions(&self) -> Vec<(u64, String)> {
        let history = self
            .cluster
            .helm(Helm::V3)
            .history(self.name, &self.namespace)
            .unwrap();
        history
            .into_iter()
            .map(|revision| (revision.revision, revision.status))
            .collect()
    }

    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.cluster.get(kind, &self.namespace, name).unwrap()
    }

    /// Waits until a claim is Bound and returns its volume.
    pub fn bound(&self, claim: &str) -> String {
        self.cluster.wait_bound(&self.namespace, claim).unwrap()
    }

    pub fn wait_phase(&self, claim: &str, phase: &str) {
        wait_until(&format!("{claim} to be {phase}"), BINDING, || {
            let claim = self.cluster.get("pvc", &self.namespace, claim)?;
            let now = claim
                .as_ref()
                .and_then(|claim| claim.pointer("/status/phase"));
            Ok((now.and_then(Value::as_str) == Some(phase)).then_some(()))
        })
        .unwrap();
    }

    /// The resourceVersions of everything that an upgrade could touch; Helm prunes its records before it is refused.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let kinds = [
            "secrets",
            "configmaps",
            "services",
            "serviceaccounts",
            "deployments",
            "statefulsets",
            "persistentvolumeclaims",
            "jobs",
            "networkpolicies",
            "poddisruptionbudgets",
        ];
        kinds
            .iter()
            .flat_map(|kind| self.cluster.list(kind, &self.namespace, "").unwrap())
            .filter(|object| object["type"] != "helm.sh/release.v1")
            .map(|object| {
                let text = |pointer: &str| {
                    object
                        .pointer(pointer)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned()
                };
                // Controllers count what they see in the status.
                let version = match object.pointer("/metadata/generation") {
                    Some(generation) => generation.to_string(),
                    None => text("/metadata/resourceVersion"),
                };
                (
                    format!("{}/{}", text("/kind"), text("/metadata/name")),
                    version,
                )
            })
            .collect()
    }

    /// The data of all Secrets of the release that are not records.
    pub fn secrets(&self) -> BTreeMap<String, Value> {
        let secrets = self.cluster.list("secrets", &self.namespace, "").unwrap();
        secrets
            .into_iter()
            .filter(|secret| secret["type"] != "helm.sh/release.v1")
            .map(|secret| {
                let name = secret["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                (name, secret["data"].clone())
            })
            .collect()
    }
}

/// One of the project's own charts.
pub fn own_chart(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/charts")
        .join(name)
}
