//! The workloads and pods that mount a claim, and the volumes that would replace it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    camunda::Application,
    change::{Change, Facts, ObjectChange, Side},
    knowledge::credentials::list,
    kubernetes::{Kind, Mounts, ObjectRef, at},
};

/// The kinds that have a pod template.
pub(super) const WORKLOADS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::Job];

/// The paths where a workload or a pod mounts a claim.
pub(super) struct Mount<'a> {
    /// The workload or pod.
    pub(super) by: ObjectRef,
    /// The workload, where it is one of the release.
    pub(super) workload: Option<&'a ObjectChange>,
    /// The paths, of all containers.
    pub(super) paths: BTreeSet<String>,
}

/// The kind of volume that a pod finds at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A claim.
    Claim(String),
    /// Something that goes with the pod.
    Ephemeral,
}

/// Returns the mounts of a claim, from the running manifest or from the cluster.
///
/// Pods of the release's own workloads add nothing; other pods may belong to anybody.
pub(super) fn mounts<'a>(
    change: &'a Change,
    facts: &Facts,
    namespace: &str,
    claim: &str,
) -> Vec<Mount<'a>> {
    let workloads = change.objects.iter().filter(|object| {
        WORKLOADS.contains(&object.object.kind) && object.object.namespace == namespace
    });
    let mut mounts: Vec<_> = workloads
        .filter_map(|workload| {
            let sides = [workload.on(Side::Running), facts.get(&workload.object)];
            let sides = sides.into_iter().flatten().filter_map(|side| {
                let pod = side.at("/spec/template/spec")?;
                // A chart may bring along the claim that a StatefulSet would make.
                let mounts = Mounts::of(side);
                let template = mounts.parse(claim).map(|(template, _)| template.to_owned());
                Some(paths(pod, claim, template.as_deref()))
            });
            let paths: BTreeSet<_> = sides.flatten().collect();
            (!paths.is_empty()).then(|| Mount {
                by: workload.object.clone(),
                workload: Some(workload),
                paths,
            })
        })
        .collect();
    if mounts.is_empty() {
        let pods = facts.of_kind(Kind::Pod);
        let pods = pods.filter(|pod| pod.namespace() == Some(namespace));
        mounts.extend(pods.filter_map(|pod| {
            let paths: BTreeSet<_> = paths(pod.at("/spec")?, claim, None).into_iter().collect();
            (!paths.is_empty()).then(|| Mount {
                by: ObjectRef::new(Kind::Pod, namespace, pod.name()),
                workload: None,
                paths,
            })
        }));
    }
    mounts
}

/// The paths at which the containers of a pod mount a claim.
fn paths(pod: &Value, claim: &str, template: Option<&str>) -> Vec<String> {
    let volumes: BTreeSet<_> = list(pod, "/volumes")
        .iter()
        .filter(|volume| claim_of(volume) == Some(claim))
        .filter_map(name)
        .chain(template)
        .collect();
    let mounts = containers(pod).flat_map(|container| list(container, "/volumeMounts"));
    mounts
        .filter(|mount| name(mount).is_some_and(|name| volumes.contains(name)))
        .filter_map(|mount| Some(path(mount)?.to_owned()))
        .collect()
}

/// Returns the volume that replaces a workload's volume at a path.
pub(super) fn source(change: &Change, workload: &ObjectChange, at_path: &str) -> Option<Source> {
    let planned = workload.planned.as_deref();
    let planned = planned.or_else(|| renamed(change, workload)?.planned.as_deref())?;
    let pod = planned.at("/spec/template/spec")?;
    let mut mounts = containers(pod).flat_map(|container| list(container, "/volumeMounts"));
    let volume = name(mounts.find(|mount| path(mount) == Some(at_path))?)?;
    let of_template = list(&planned.0, "/spec/volumeClaimTemplates");
    let of_template = of_template
        .iter()
        .any(|template| at(template, "/metadata/name").and_then(Value::as_str) == Some(volume));
    if of_template {
        return None;
    }
    let volumes = list(pod, "/volumes");
    let volume = volumes.iter().find(|it| name(it) == Some(volume))?;
    match claim_of(volume) {
        Some(claim) => Some(Source::Claim(claim.to_owned())),
        None => ["emptyDir", "ephemeral"]
            .iter()
            .any(|kind| volume.get(kind).is_some())
            .then_some(Source::Ephemeral),
    }
}

/// Finds the same application under another name.
fn renamed<'a>(change: &'a Change, workload: &ObjectChange) -> Option<&'a ObjectChange> {
    let application: Application = workload.application(Side::Running)?;
    change.application(application, Side::Planned)
}

/// Whether data at this path is temporary.
pub(super) fn is_temporary(path: &str) -> bool {
    path == "/tmp" || path.starts_with("/tmp/")
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let containers = list(pod, "/containers").iter();
    containers.chain(list(pod, "/initContainers"))
}

fn claim_of(volume: &Value) -> Option<&str> {
    at(volume, "/persistentVolumeClaim/claimName")?.as_str()
}

fn name(value: &Value) -> Option<&str> {
    value.get("name")?.as_str()
}

fn path(mount: &Value) -> Option<&str> {
    let path = mount.get("mountPath")?.as_str()?;
    Some(match path.trim_end_matches('/') {
        "" => "/",
        trimmed => trimmed,
    })
}
