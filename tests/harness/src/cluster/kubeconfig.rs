//! Kubeconfig files, written as JSON (which is YAML).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Cluster;
use crate::pki::Pair;

/// Returns a kubeconfig's user with a client certificate.
pub(super) fn certificate(pair: &Pair) -> Value {
    json!({
        "client-certificate-data": STANDARD.encode(&pair.certificate),
        "client-key-data": STANDARD.encode(&pair.key),
    })
}

pub(super) fn write(path: &Path, server: &str, authority: &str, user: &Value) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {
            "server": server,
            "certificate-authority-data": STANDARD.encode(authority),
        }}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    });
    fs::write(path, serde_json::to_vec_pretty(&config)?)
        .with_context(|| format!("writing {}", path.display()))
}

impl Cluster {
    /// The administrator's kubeconfig, in group `system:masters`.
    pub fn kubeconfig(&self) -> &Path {
        self.kubectl.kubeconfig()
    }

    /// Writes a kubeconfig for an existing service account.
    pub fn kubeconfig_of_service_account(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let arguments = ["create", "token", name, "--namespace", namespace];
        let token = self.kubectl(arguments).ok()?.stdout;
        self.write_kubeconfig(&json!({"token": token.trim()}))
    }

    /// Writes a kubeconfig that impersonates a user, who need not exist.
    pub fn kubeconfig_of_user(&self, user: &str, groups: &[&str]) -> Result<PathBuf> {
        let mut who = self.admin.clone();
        who["as"] = json!(user);
        who["as-groups"] = json!(groups);
        self.write_kubeconfig(&who)
    }

    /// Writes a kubeconfig for a user with a certificate of the cluster's authority.
    pub(crate) fn kubeconfig_of(&self, user: &str, group: Option<&str>) -> Result<PathBuf> {
        self.write_kubeconfig(&certificate(&self.authority.client(user, group)?))
    }

    fn write_kubeconfig(&self, user: &Value) -> Result<PathBuf> {
        let path = self.scratch("kubeconfig")?.join("config");
        write(&path, &self.server, &self.authority.pem(), user)?;
        Ok(path)
    }
}
