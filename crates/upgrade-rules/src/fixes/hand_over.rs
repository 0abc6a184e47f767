//! The cure that both claim rules share: stop the pods, hand the volumes over to the claims that follow.

use serde_json::json;

use super::{keep_claims::keep_claims, retain::retain};

use crate::{
    annotations::REBIND_TO,
    change::Facts,
    finding::{Command, Fix, HereDocument, Kubectl, Objects},
    knowledge::claims::Orphan,
    kubernetes::{Kind, Object, ordinal},
};

/// One line a claim: its name, volume, size and reclaim policy.
pub(crate) fn describe(orphans: &[Orphan<'_>]) -> Vec<String> {
    let width = orphans
        .iter()
        .map(|orphan| orphan.claim.name().len())
        .max()
        .unwrap_or_default();
    orphans
        .iter()
        .map(|orphan| {
            let volume = orphan.claim.str("/spec/volumeName").unwrap_or("none");
            let policy = orphan
                .volume
                .and_then(|volume| volume.str("/spec/persistentVolumeReclaimPolicy"))
                .unwrap_or("unknown");
            let (name, size) = (orphan.claim.name(), size(orphan));
            format!("  {name:width$}  on volume {volume}  {size}  policy {policy}")
        })
        .collect()
}

fn size<'a>(orphan: &'a Orphan<'_>) -> &'a str {
    orphan
        .volume
        .and_then(|volume| volume.str("/spec/capacity/storage"))
        .or_else(|| orphan.claim.str("/status/capacity/storage"))
        .unwrap_or("of unknown size")
}

/// Option two of the guide, with one annotation a volume in place of its three steps.
pub(crate) fn rebind(
    facts: &Facts,
    namespace: &str,
    statefulset: Option<&str>,
    orphans: &[Orphan<'_>],
) -> Fix {
    let mut commands = stop(facts, namespace, statefulset, orphans);
    for orphan in orphans {
        if let (Some(volume), Some(successor)) =
            (orphan.claim.str("/spec/volumeName"), &orphan.successor)
        {
            let volume = Objects::new(Kind::PersistentVolume, "", [volume]);
            let to = format!("{namespace}/{successor}");
            commands.push(volume.annotate(&[(REBIND_TO, &to)]).into());
        }
    }
    Fix::new(
        "Stop its pods and hand the volumes over (any cluster; sets policy Retain and the claimRef):",
        commands,
    )
}

/// The same step by step, with what every API server understands by itself.
pub(crate) fn by_hand(
    facts: &Facts,
    namespace: &str,
    statefulset: Option<&str>,
    orphans: &[Orphan<'_>],
) -> Vec<Command> {
    let mut commands = stop(facts, namespace, statefulset, orphans);
    for orphan in orphans {
        let (Some(volume), Some(successor)) =
            (orphan.claim.str("/spec/volumeName"), &orphan.successor)
        else {
            continue;
        };
        // Of another claim's uid or resourceVersion nothing may stay.
        let claim_ref = json!([{"op": "replace", "path": "/spec/claimRef", "value": {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": successor}}]);
        let policy = "jsonpath={.spec.persistentVolumeReclaimPolicy}";
        let get = Kubectl::new("", ["get", "pv", volume, "-o", policy]);
        let patch = Objects::new(Kind::PersistentVolume, "", [volume]).json_patch(claim_ref);
        commands.push(retain([volume]).into());
        commands.push(Command::Shell(format!("test \"$({get})\" = Retain")));
        commands.push(patch.into());
    }
    commands
}

/// Scales a StatefulSet to nothing and waits until its pods are gone.
fn stop(
    facts: &Facts,
    namespace: &str,
    statefulset: Option<&str>,
    orphans: &[Orphan<'_>],
) -> Vec<Command> {
    let Some(name) =
        statefulset.filter(|name| facts.named(Kind::StatefulSet, namespace, name).is_some())
    else {
        return Vec::new();
    };
    let mut ordinals: Vec<_> = orphans
        .iter()
        .filter_map(|orphan| ordinal(orphan.claim.name()))
        .collect();
    ordinals.sort_unstable();
    ordinals.dedup();
    let pods: Vec<_> = ordinals
        .iter()
        .map(|ordinal| format!("{name}-{ordinal}"))
        .collect();
    let mut commands = keep_claims(facts, namespace, name);
    let set = Objects::new(Kind::StatefulSet, namespace, [name]);
    commands.push(set.scale(0).into());
    let pods = pods.iter().map(String::as_str);
    commands.push(Kubectl::await_gone(namespace, pods).into());
    commands
}

/// Option one of the guide, where the class of every claim has a CSI driver.
pub(crate) fn clone(
    facts: &Facts,
    namespace: &str,
    release: &str,
    statefulset: Option<&str>,
    orphans: &[Orphan<'_>],
) -> Option<Fix> {
    let mut drivers: Vec<&str> = Vec::new();
    for orphan in orphans {
        drivers.push(csi_driver(facts, orphan.claim)?);
    }
    drivers.dedup();
    let mut commands = stop(facts, namespace, statefulset, orphans);
    for orphan in orphans {
        commands.push(Command::HereDocument(HereDocument {
            command: "kubectl apply -f -".to_owned(),
            text: clone_manifest(namespace, release, orphan)?,
        }));
    }
    Some(Fix::instead(
        format!(
            "Or clone them instead, if the driver {} supports cloning (its documentation says so):",
            drivers.join(", ")
        ),
        commands,
    ))
}

fn csi_driver<'a>(facts: &'a Facts, claim: &Object) -> Option<&'a str> {
    let provisioner = facts.class_of(claim)?.str("/provisioner")?;
    facts
        .named(Kind::CsiDriver, "", provisioner)
        .map(|_| provisioner)
}

/// JSON is YAML, and its quoting is safe whatever a name holds.
fn clone_manifest(namespace: &str, release: &str, orphan: &Orphan<'_>) -> Option<String> {
    let claim = orphan.claim;
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": orphan.successor.as_ref()?,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/component": "master",
                "app.kubernetes.io/instance": release,
                "app.kubernetes.io/name": "elasticsearch",
            },
        },
        "spec": {
            "accessModes": claim.0.pointer("/spec/accessModes")?,
            "storageClassName": claim.str("/spec/storageClassName")?,
            "resources": {"requests": {"storage": size(orphan)}},
            "dataSource": {"kind": "PersistentVolumeClaim", "name": claim.name()},
        },
    });
    serde_json::to_string_pretty(&manifest).ok()
}
