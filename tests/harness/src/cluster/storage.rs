//! Storage classes, claims and the folders behind volumes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Cluster;
use crate::wait::wait_until;

/// Time limit for a controller to bind claims.
const BINDING: Duration = Duration::from_secs(60);

/// A storage class whose volumes are local folders.
#[derive(Clone, Debug)]
pub struct StorageClass {
    pub name: String,
    /// `Delete` or `Retain`.
    pub reclaim_policy: String,
    /// `Immediate` or `WaitForFirstConsumer`.
    pub binding_mode: String,
    pub expandable: bool,
    pub default: bool,
    pub volumes: Volumes,
}

/// The kind of a class's volumes, all of which are folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volumes {
    /// Of the controller manager's own provisioner. Where there is a node, only root may write to them.
    OfNoNode,
    /// Of a node, to which the kubelet applies an fsGroup.
    Local,
    /// Of a node, to which everybody may write, and no fsGroup is applied.
    HostPath,
}

impl StorageClass {
    /// The default class of every cluster: `Delete`, `Immediate`.
    pub fn standard() -> Self {
        Self {
            default: true,
            ..Self::named("standard")
        }
    }

    /// A class like the default one, with another name and not the default.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            reclaim_policy: "Delete".into(),
            binding_mode: "Immediate".into(),
            expandable: true,
            default: false,
            volumes: Volumes::OfNoNode,
        }
    }

    #[must_use]
    pub fn volumes(mut self, volumes: Volumes) -> Self {
        self.volumes = volumes;
        self
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
        let (provisioner, parameters) = match class.volumes {
            Volumes::OfNoNode => ("kubernetes.io/host-path", json!({})),
            Volumes::Local => ("test/folders", json!({"kind": "local"})),
            Volumes::HostPath => ("test/folders", json!({"kind": "hostPath"})),
        };
        self.apply(&json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": class.name,
                "annotations": {"storageclass.kubernetes.io/is-default-class": is_default},
            },
            "provisioner": provisioner,
            "parameters": parameters,
            "reclaimPolicy": class.reclaim_policy,
            "volumeBindingMode": class.binding_mode,
            "allowVolumeExpansion": class.expandable,
        }))
        .map(drop)
    }

    /// Creates a claim of 1Gi; `class` None: the default class.
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

    /// Waits until a claim is Bound and returns the name of its volume.
    pub fn wait_bound(&self, namespace: &str, claim: &str) -> Result<String> {
        let what = format!("claim {namespace}/{claim} is Bound");
        wait_until(&what, BINDING, || {
            let claim = self
                .get("pvc", namespace, claim)?
                .context("there is no such claim")?;
            let bound = claim["status"]["phase"] == "Bound";
            let volume = claim["spec"]["volumeName"].as_str();
            Ok(volume.filter(|_| bound).map(str::to_owned))
        })
    }

    /// Waits until every claim that a StatefulSet of the namespace mounts is Bound, and every other one whose volume
    /// went to another claim is Lost.
    pub fn wait_all_bound(&self, namespace: &str) -> Result<()> {
        wait_until("all claims to be Bound", BINDING, || {
            let objects = self.list("statefulsets,pvc", namespace, "")?;
            let bound: BTreeMap<_, _> = objects
                .iter()
                .filter(|object| object["status"]["phase"] == "Bound")
                .filter_map(|claim| {
                    let name = claim["metadata"]["name"].as_str()?;
                    Some((name, claim["spec"]["volumeName"].as_str()?))
                })
                .collect();
            let mounted: BTreeSet<_> = objects.iter().flat_map(claims_of).collect();
            let missing: Vec<_> = mounted
                .iter()
                .filter(|claim| !bound.contains_key(claim.as_str()))
                .collect();
            anyhow::ensure!(missing.is_empty(), "not Bound: {missing:?}");
            for (claim, volume) in bound.iter().filter(|(claim, _)| !mounted.contains(**claim)) {
                let volume = self.get("pv", "", volume)?.unwrap_or_default();
                let of = volume["spec"]["claimRef"]["name"].as_str();
                anyhow::ensure!(of.is_none_or(|of| of == *claim), "not Lost: {claim}");
            }
            Ok(Some(()))
        })
    }

    /// Returns the folder of a volume.
    pub fn volume_dir(&self, volume: &str) -> Result<PathBuf> {
        let object = self
            .get("pv", "", volume)?
            .with_context(|| format!("there is no volume {volume}"))?;
        volume_dir(&object).with_context(|| format!("volume {volume} is no folder"))
    }
}

/// Returns the folder of a PersistentVolume object.
pub fn volume_dir(volume: &Value) -> Option<PathBuf> {
    let spec = &volume["spec"];
    let path = spec["hostPath"]["path"].as_str();
    path.or(spec["local"]["path"].as_str()).map(PathBuf::from)
}

/// Returns the names of the claims that a StatefulSet mounts; none for any other object.
fn claims_of(object: &Value) -> Vec<String> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let templates = object["spec"]["volumeClaimTemplates"].as_array();
    let replicas = object["spec"]["replicas"].as_u64().unwrap_or_default();
    let claims = templates.into_iter().flatten().flat_map(|template| {
        let template = template["metadata"]["name"].as_str().unwrap_or_default();
        (0..replicas).map(move |ordinal| format!("{template}-{name}-{ordinal}"))
    });
    claims.collect()
}
