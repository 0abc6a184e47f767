//! What the API server would send, and the live objects that the guard would find.

use anyhow::{Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    load::Client,
    release::{NAME, Releases, secret},
};

/// The claim that a volume waits for.
const AWAITED: &str = "data-camunda-elasticsearch-master-3";

/// The rules that refuse the bad release, as the audit annotation names them.
const ALL_RULES: [&str; 5] = [
    "elasticsearch-claims-orphaned",
    "claims-orphaned",
    "identity-secret-removed",
    "identity-secret-regenerated",
    "immutable-field-changed",
];

/// One kind of request.
pub struct Case {
    /// In the report's JSON and for `--only`.
    pub id: &'static str,
    pub title: String,
    pub path: &'static str,
    pub body: Vec<u8>,
}

/// A claim that a new broker's StatefulSet makes, and one that takes over a volume.
pub fn claims() -> Vec<Case> {
    let broker = json!({
        "app": "camunda-platform",
        "app.kubernetes.io/component": "zeebe-broker",
        "app.kubernetes.io/instance": NAME,
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/name": "camunda-platform",
        "app.kubernetes.io/part-of": "camunda-platform",
    });
    let search = json!({
        "app.kubernetes.io/component": "master",
        "app.kubernetes.io/instance": NAME,
        "app.kubernetes.io/name": "elasticsearch",
    });
    [
        (
            "claim",
            "claim of a new broker, nothing to set",
            "data-camunda-zeebe-3",
            broker,
        ),
        (
            "claim-patched",
            "claim of Elasticsearch, given the volume that waits for it",
            AWAITED,
            search,
        ),
    ]
    .into_iter()
    .map(|(id, what, name, labels)| {
        let body = review(
            "PersistentVolumeClaim",
            "persistentvolumeclaims",
            name,
            &claim(name, &labels),
        )
        .to_string();
        Case {
            id,
            title: format!("`/mutate`, {} B: {what}", body.len()),
            path: "/mutate",
            body: body.into_bytes(),
        }
    })
    .collect()
}

/// The record of a good upgrade, and of a bad one.
pub fn records(releases: &Releases) -> Result<[Case; 2]> {
    let case = |id, what: &str, release: &Value| -> Result<Case> {
        let name = format!("sh.helm.release.v1.{NAME}.v2");
        let body = review("Secret", "secrets", &name, &secret(release)?).to_string();
        let title = format!(
            "`/validate`, {} kB: {what} ({:.1} MB of JSON inside, {} kB of it the manifest of {})",
            body.len() / 1000,
            release.to_string().len() as f64 / 1e6,
            release["manifest"].as_str().map_or(0, str::len) / 1000,
            releases.origin,
        );
        Ok(Case {
            id,
            title,
            path: "/validate",
            body: body.into_bytes(),
        })
    };
    Ok([
        case(
            "record",
            "release record of an upgrade, admitted",
            &releases.good,
        )?,
        case(
            "record-refused",
            "release record, refused by every rule",
            &releases.bad,
        )?,
    ])
}

/// The live objects of the running release, its claims and their volumes, and a volume that waits.
pub fn facts(releases: Option<&Releases>) -> Result<Value> {
    let mut items = vec![volume(
        "pvc-handed-over",
        json!({"namespace": NAME, "name": AWAITED}),
        json!({"camunda-upgrade-guard/rebound-from": format!("{NAME}/{AWAITED}-old")}),
    )];
    if let Some(releases) = releases {
        let live = releases.live()?;
        let sets = live.iter().filter(|object| object["kind"] == "StatefulSet");
        items.extend(sets.flat_map(bound_claims));
        items.extend(live);
        items.push(secret(&releases.running)?);
        items.push(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {"name": "standard"},
            "provisioner": "kubernetes.io/host-path",
            "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate",
        }));
    }
    for (number, item) in items.iter_mut().enumerate() {
        item["metadata"]["uid"] = json!(format!("705ab4f5-6393-11e8-b7cc-{number:012}"));
        item["metadata"]["resourceVersion"] = json!((number + 1).to_string());
    }
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": items}))
}

/// Answers as they must be, before anything is timed.
pub async fn check(client: &Client, case: &Case) -> Result<()> {
    let answer = client.post(case.path, &case.body).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let response = &answer["response"];
    let rules = response["auditAnnotations"]["rules"]
        .as_str()
        .unwrap_or_default();
    let mut found: Vec<_> = rules.split(',').filter(|rule| !rule.is_empty()).collect();
    found.sort_unstable();
    let mut expected = match case.id {
        "record-refused" => ALL_RULES.to_vec(),
        _ => Vec::new(),
    };
    expected.sort_unstable();
    ensure!(
        found == expected && response["allowed"] == json!(expected.is_empty()),
        "{}: expected {expected:?}, the guard answered {answer:#}",
        case.title
    );
    let patch = match response["patch"].as_str() {
        Some(patch) => serde_json::from_slice(&STANDARD.decode(patch)?)?,
        None => Value::Null,
    };
    let wanted = match case.id {
        "claim-patched" => {
            json!([{"op": "add", "path": "/spec/volumeName", "value": "pvc-handed-over"}])
        }
        _ => Value::Null,
    };
    ensure!(
        patch == wanted,
        "{}: the guard's patch is {patch}",
        case.title
    );
    Ok(())
}

fn claim(name: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NAME, "creationTimestamp": null, "labels": labels},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "32Gi"}},
            "volumeMode": "Filesystem",
        },
        "status": {"phase": "Pending"},
    })
}

/// A review of a creation by a controller; without `managedFields`, which the guard skips.
fn review(kind: &str, resource: &str, name: &str, object: &Value) -> Value {
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": kind},
            "resource": {"group": "", "version": "v1", "resource": resource},
            "name": name,
            "namespace": NAME,
            "operation": "CREATE",
            "userInfo": {"username": "helm"},
            "object": object,
            "oldObject": null,
            "dryRun": false,
        },
    })
}

/// Each claim of a StatefulSet with its volume.
fn bound_claims(set: &Value) -> Vec<Value> {
    let name = |object: &Value| {
        object["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let templates = set["spec"]["volumeClaimTemplates"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let replicas = set["spec"]["replicas"].as_u64().unwrap_or(1);
    let mut objects = Vec::new();
    for template in &templates {
        for ordinal in 0..replicas {
            let claim_name = format!("{}-{}-{ordinal}", name(template), name(set));
            let volume_name = format!("pvc-of-{claim_name}");
            let mut claim = claim(&claim_name, &set["spec"]["selector"]["matchLabels"]);
            claim["spec"]["volumeName"] = json!(volume_name);
            claim["spec"]["storageClassName"] = json!("standard");
            claim["status"]["phase"] = json!("Bound");
            objects.push(claim);
            let claim_ref = json!({"namespace": NAME, "name": claim_name, "uid": "bound"});
            objects.push(volume(&volume_name, claim_ref, json!({})));
        }
    }
    objects
}

fn volume(name: &str, claim_ref: Value, annotations: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "capacity": {"storage": "32Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": "/data"},
            "claimRef": claim_ref,
        },
    })
}
