//! Detects when the API server has begun to call newly registered webhooks.
//!
//! The API server applies a configuration some time after it was stored and does not say when. But it counts its
//! calls to webhooks, so objects are created as a dry run until each configuration has a call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::metrics;
use crate::cluster::Cluster;
use crate::record;
use crate::wait::wait_until;

const ENFORCED: (&str, &str) = ("camunda-upgrade-guard/enforce", "true");

/// The number of the API server's calls to a webhook with one outcome, since it started.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookCalls {
    pub webhook: String,
    /// `validating` or `admit` (which is mutating).
    pub kind: String,
    pub operation: String,
    /// `200` if the webhook answered.
    pub code: String,
    pub rejected: bool,
    pub count: u64,
}

impl Cluster {
    /// Returns the API server's counts of calls to webhooks.
    pub fn webhook_calls(&self) -> Result<Vec<WebhookCalls>> {
        let text = self.raw("/metrics")?;
        let calls = metrics::samples(&text)
            .filter(|sample| sample.name == "apiserver_admission_webhook_request_total")
            .map(|sample| WebhookCalls {
                webhook: sample.label("name").to_owned(),
                kind: sample.label("type").to_owned(),
                operation: sample.label("operation").to_owned(),
                code: sample.label("code").to_owned(),
                rejected: sample.label("rejected") == "true",
                count: sample.value as u64,
            });
        Ok(calls.collect())
    }
}

/// Applies webhook configurations and waits until each has been called and has answered.
pub(super) fn register(cluster: &Cluster, documents: &str, probes: &str) -> Result<()> {
    let before = answered(cluster)?;
    let args = ["apply", "-f", "-", "-o", "json"];
    let applied = cluster.admin().run_with_input(args, documents).ok()?;
    let mut waiting = configurations(&applied.json()?);
    if waiting.is_empty() {
        bail!("no webhook configuration was applied");
    }
    let enforced = cluster.namespace_with_labels("probe", &[ENFORCED])?;
    let other = cluster.namespace("probe")?;
    wait_until("the webhooks are called", Duration::from_secs(60), || {
        let mut said = String::new();
        for namespace in [&enforced, &other] {
            let create = [
                "create",
                "-f",
                "-",
                "--dry-run=server",
                "--namespace",
                namespace,
            ];
            // Refused or not does not matter, only that the webhook was called.
            let output = cluster.admin().run_with_input(create, probes);
            said += &output.text();
        }
        let now = answered(cluster)?;
        let called = |webhook: &String| now.get(webhook) > before.get(webhook);
        waiting.retain(|_, webhooks| !webhooks.iter().any(called));
        if waiting.is_empty() {
            return Ok(Some(()));
        }
        bail!("not called: {waiting:?}; the probes were answered:\n{said}")
    })
}

/// Returns the names of the webhooks in each configuration that creations call.
fn configurations(applied: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let items = applied["items"].as_array().cloned();
    let items = items.unwrap_or_else(|| vec![applied.clone()]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found = BTreeMap::new();
    for item in items {
        // Two configurations may have webhooks of the same name; the count knows their kinds.
        let kind = match item["kind"].as_str() {
            Some("MutatingWebhookConfiguration") => "admit",
            _ => "validating",
        };
        let names: BTreeSet<String> = array(&item["webhooks"])
            .iter()
            .filter(|webhook| sees_creation(webhook))
            .map(|webhook| format!("{kind}/{}", text(&webhook["name"])))
            .collect();
        if !names.is_empty() {
            let name = text(&item["metadata"]["name"]);
            found.insert(format!("{}/{name}", text(&item["kind"])), names);
        }
    }
    found
}

fn sees_creation(webhook: &Value) -> bool {
    let operations = array(&webhook["rules"])
        .iter()
        .flat_map(|rule| array(&rule["operations"]));
    operations
        .filter_map(Value::as_str)
        .any(|operation| matches!(operation, "CREATE" | "*"))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns the number of answers of each webhook.
fn answered(cluster: &Cluster) -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for calls in cluster.webhook_calls()? {
        if calls.code == "200" {
            let key = format!("{}/{}", calls.kind, calls.webhook);
            *counts.entry(key).or_default() += calls.count;
        }
    }
    Ok(counts)
}

/// Returns an object for each webhook of a guard of Camunda releases: a release record, and a broker's claim, volume,
/// StatefulSet and Secret.
pub(super) fn default_documents() -> String {
    let release = record::secret(&record::unrelated("probe", ""), "pending-install");
    let mut release = release.unwrap_or_default();
    if let Some(metadata) = release["metadata"].as_object_mut() {
        metadata.remove("namespace");
    }
    let selector = json!({
        "app": "camunda-platform",
        "app.kubernetes.io/name": "camunda-platform",
        "app.kubernetes.io/instance": "probe",
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/part-of": "camunda-platform",
        "app.kubernetes.io/component": "zeebe-broker",
    });
    let metadata = |name: &str| json!({"name": name, "labels": selector});
    let claim = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    });
    let container = json!({"name": "zeebe", "image": "camunda/zeebe:8.2.34"});
    let documents = [
        release,
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": metadata("data-probe-zeebe-0"), "spec": claim,
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": metadata("probe-zeebe"),
            "spec": {
                "serviceName": "probe-zeebe",
                "selector": {"matchLabels": selector},
                "template": {
                    "metadata": {"labels": selector},
                    "spec": {"containers": [container]},
                },
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
            },
        }),
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": metadata("probe-zeebe-identity-secret"),
            "stringData": {"zeebe-secret": "probe"},
        }),
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": metadata("probe-zeebe"),
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": "/tmp/probe"},
                "claimRef": {"namespace": "probe", "name": "data-probe-zeebe-0"},
            },
        }),
    ];
    documents
        .map(|document| document.to_string())
        .join("\n---\n")
}
