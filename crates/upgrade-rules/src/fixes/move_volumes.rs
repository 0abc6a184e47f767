//! The cure that both claim rules share: stop the pods, hand the volumes over to the claims that follow.

use serde_json::json;

use crate::{
    change::Facts,
    finding::{Command, Fix, HereDocument, Kubectl},
    knowledge::claims::Orphan,
    kubernetes::{Kind, Object},
    volume_move::{self, Step, Typed, commands},
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
    let steps = steps(facts, namespace, statefulset, orphans);
    Fix::new(
        "Stop its pods and hand the volumes over (any cluster; sets policy Retain and the claimRef):",
        commands(&steps, namespace, Typed::Guarded),
    )
}

/// The steps that hand volumes over.
pub(crate) fn steps(
    facts: &Facts,
    namespace: &str,
    statefulset: Option<&str>,
    orphans: &[Orphan<'_>],
) -> Vec<Step> {
    let stop = stop(facts, namespace, statefulset, orphans);
    volume_move::hand_over(namespace, stop, orphans)
}

fn stop(
    facts: &Facts,
    namespace: &str,
    statefulset: Option<&str>,
    orphans: &[Orphan<'_>],
) -> Vec<Step> {
    let set = statefulset.and_then(|name| facts.named(Kind::StatefulSet, namespace, name));
    let claims: Vec<_> = orphans.iter().map(|orphan| orphan.claim.name()).collect();
    set.map_or_else(Vec::new, |set| {
        volume_move::stop(facts, namespace, set, &claims)
    })
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
    let stop = stop(facts, namespace, statefulset, orphans);
    let mut commands = commands(&stop, namespace, Typed::Guarded);
    for orphan in orphans {
        commands.push(Command::HereDocument(HereDocument {
            command: "kubectl apply -f -".to_owned(),
            text: clone_manifest(namespace, release, orphan)?,
        }));
    }
    Some(Fix::alternative(
        format!(
            "Or clone them instead, if the driver {} supports cloning (its documentation says so):",
            drivers.join(", ")
        ),
        commands,
    ))
}

/// Clones are made by the driver, in the time that it takes.
pub(crate) fn wait_for_clones(namespace: &str, clones: &[&str]) -> Fix {
    let wait = Kubectl::await_bound(namespace, clones);
    Fix::new("Wait until the clones are Bound:", [wait])
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
