//! Storage classes, claims and the folders behind volumes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Cluster;
use crate::wait::wait_until;

/// A storage class whose volumes are folders of this machine.
#[derive(Clone, Debug)]
pub struct StorageClass {
    pub name: String,
    /// `Delete` or `Retain`.
    pub reclaim_policy: String,
    /// `Immediate` or `WaitForFirstConsumer`.
    pub binding_mode: String,
    pub expandable: bool,
    pub default: bool,
}

impl StorageClass {
    /// The default one, that every cluster has: `Delete`, `Immediate`.
    pub fn standard() -> Self {
        Self {
            default: true,
            ..Self::named("standard")
        }
    }

    /// Like the default one, under another name and not the default.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            reclaim_policy: "Delete".into(),
            binding_mode: "Immediate".into(),
            expandable: true,
            default: false,
        }
    }

    #[must_use]
    pub fn reclaim_policy(mut self, policy: &str) -> Self {
        self.reclaim_policy = policy.into();
        self
    }
}

impl Cluster {
    pub fn storage_class(&self, class: &StorageClass) -> Result<()> {
        let is_default = class.default.to_string();
        self.apply(&json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": class.name,
                "annotations": {"storageclass.kubernetes.io/is-default-class": is_default},
            },
            "provisioner": "kubernetes.io/host-path",
            "reclaimPolicy": class.reclaim_policy,
            "volumeBindingMode": class.binding_mode,
            "allowVolumeExpansion": class.expandable,
        }))
        .map(drop)
    }

    /// Makes a claim of 1Gi of a class, the default one when `class` is nothing.
    pub fn claim(&self, namespace: &str, name: &str, class: Option<&str>) -> Result<()> {
        let mut claim = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        });
        if let Some(class) = class {
            claim["spec"]["storageClassName"] = json!(class);
        }
        self.apply(&claim).map(drop)
    }

    /// Waits until a claim is Bound and gives the name of its volume.
    pub fn wait_bound(&self, namespace: &str, claim: &str) -> Result<String> {
        let what = format!("claim {namespace}/{claim} is Bound");
        wait_until(&what, Duration::from_secs(60), || {
            let claim = self
                .get("pvc", namespace, claim)?
                .context("there is no such claim")?;
            let bound = claim["status"]["phase"] == "Bound";
            let volume = claim["spec"]["volumeName"].as_str();
            Ok(volume.filter(|_| bound).map(str::to_owned))
        })
    }

    /// The folder that is the volume.
    pub fn volume_dir(&self, volume: &str) -> Result<PathBuf> {
        let object = self
            .get("pv", "", volume)?
            .with_context(|| format!("there is no volume {volume}"))?;
        volume_dir(&object).with_context(|| format!("volume {volume} is no folder"))
    }
}

/// The folder of a PersistentVolume object.
pub fn volume_dir(volume: &Value) -> Option<PathBuf> {
    volume["spec"]["hostPath"]["path"]
        .as_str()
        .map(PathBuf::from)
}
