//! Which workload mounts which claim, on one side of a change.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    change::{Change, Facts, ObjectChange, Side},
    kubernetes::{Kind, Mounts, Object, ObjectRef, replicas},
};

/// The namespace and the name of a claim that is mounted.
pub(super) type Mounted = (String, String);

/// Returns the claims that workloads mount, with the workload.
pub(super) fn mounted(change: &Change, facts: &Facts, side: Side) -> BTreeMap<Mounted, ObjectRef> {
    let mut all = BTreeMap::new();
    for object in &change.objects {
        let reference = &object.object;
        if !matches!(reference.kind, Kind::StatefulSet | Kind::Deployment) {
            continue;
        }
        let live = facts.get(reference);
        let Some(workload) = on(object, facts, side) else {
            continue;
        };
        // Somebody may have scaled it since.
        let scaled = live.filter(|_| side == Side::Running || object.planned.is_none());
        let count = replicas(scaled.unwrap_or(workload));
        for claim in claims(reference.kind, workload, count) {
            let key = (reference.namespace.clone(), claim);
            all.entry(key).or_insert_with(|| reference.clone());
        }
    }
    all
}

/// Returns the claims that workloads mount on either side, as the manifests have it.
pub(super) fn mounted_claims(change: &Change) -> BTreeSet<ObjectRef> {
    let mut all = BTreeSet::new();
    for object in &change.objects {
        let ObjectRef {
            kind, namespace, ..
        } = &object.object;
        if !matches!(kind, Kind::StatefulSet | Kind::Deployment) {
            continue;
        }
        for workload in object.running.iter().chain(&object.planned) {
            let names = claims(*kind, workload, replicas(workload));
            let claim =
                |name: String| ObjectRef::new(Kind::PersistentVolumeClaim, namespace, &name);
            all.extend(names.into_iter().map(claim));
        }
    }
    all
}

/// The workload on one side; what Helm leaves alone is there on both.
fn on<'a>(object: &'a ObjectChange, facts: &Facts, side: Side) -> Option<&'a Object> {
    match side {
        Side::Running => object.running.as_deref(),
        Side::Planned if object.planned.is_some() => object.planned.as_deref(),
        Side::Planned => object
            .running
            .as_deref()
            .filter(|_| facts.keeps(&object.object)),
    }
}

fn claims(kind: Kind, workload: &Object, count: u64) -> Vec<String> {
    let volumes = workload.array("/spec/template/spec/volumes").iter();
    let named = volumes.filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName"));
    let mut claims: Vec<_> = named.filter_map(Value::as_str).map(str::to_owned).collect();
    if kind == Kind::StatefulSet {
        let mounts = Mounts::of(workload);
        // A manifest may ask for any number of pods.
        for ordinal in 0..count.min(MOST) {
            claims.extend(
                mounts
                    .templates
                    .iter()
                    .map(|template| mounts.claim(template, ordinal)),
            );
        }
    }
    claims
}

/// Pods of a StatefulSet that are looked at.
const MOST: u64 = 1000;
