//! Helm's release record in a Secret: read from a cluster, or made without Helm.

use std::io::{Read, Write};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::cluster::Cluster;

impl Cluster {
    /// Reads the record of a release's revision from its Secret.
    pub fn release_record(&self, namespace: &str, release: &str, revision: u64) -> Result<Value> {
        let name = format!("sh.helm.release.v1.{release}.v{revision}");
        let secret = self.get("secret", namespace, &name)?;
        let secret = secret.with_context(|| format!("there is no {name}"))?;
        let data = secret["data"]["release"].as_str().context("data.release")?;
        decode(std::str::from_utf8(&STANDARD.decode(data)?)?)
    }
}

/// Encodes a release as base64(gzip(json)), as Helm does for the key `release`.
pub fn encode(release: &Value) -> Result<String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&serde_json::to_vec(release)?)?;
    Ok(STANDARD.encode(gzip.finish()?))
}

pub fn decode(text: &str) -> Result<Value> {
    let gzip = STANDARD.decode(text)?;
    let mut json = Vec::new();
    GzDecoder::new(gzip.as_slice()).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// Returns Helm's Secret for a release with the given status.
pub fn secret(release: &Value, status: &str) -> Result<Value> {
    let name = release["name"].as_str().context("name")?;
    let version = release["version"].as_u64().context("version")?;
    let mut release = release.clone();
    release["info"]["status"] = json!(status);
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {
            "name": format!("sh.helm.release.v1.{name}.v{version}"),
            "namespace": release["namespace"],
            "labels": {
                "name": name,
                "owner": "helm",
                "status": status,
                "version": version.to_string(),
            },
        },
        "stringData": {"release": encode(&release)?},
    }))
}

/// A release of a chart that has nothing to do with Camunda.
pub fn unrelated(name: &str, namespace: &str) -> Value {
    json!({
        "name": name,
        "namespace": namespace,
        "version": 1,
        "info": {"description": "Initial install underway"},
        "chart": {
            "metadata": {"name": "unrelated", "version": "1.0.0", "apiVersion": "v2"},
            "templates": [],
            "values": {},
        },
        "manifest": "",
    })
}
