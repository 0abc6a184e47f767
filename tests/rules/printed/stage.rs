//! A cluster in memory behind the guard's own endpoints: each change is sent to both before it counts.

use std::sync::Arc;

use axum::{Router, body::Body, http::Request};
use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    admission::{AdmissionMetrics, Guard},
    change::Facts,
    cluster::{Cluster, Snapshot},
    events::Events,
    kubernetes::{Kind, Mounts, Object, ObjectRef},
    metrics::Metrics,
    mutations::volume_reclaim_policy::RetainScope,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::pairs::Live;

/// What is live.
#[derive(Clone, Debug)]
pub struct Stage {
    pub live: Live,
    /// Whether something was applied from a file that nothing here has.
    pub from_files: bool,
}

impl Stage {
    /// What facts tell, and the pods that mount what is there.
    pub fn of(facts: &Facts) -> Stage {
        let mut live = Live::of(facts);
        let sets: Vec<_> = live
            .of_kind(Kind::StatefulSet)
            .map(|set| set.clone())
            .collect();
        for set in sets {
            let namespace = set.namespace().unwrap_or_default().to_owned();
            let mounts = Mounts::of(&set);
            for ordinal in 0..mounts.replicas {
                let volumes: Vec<_> = mounts
                    .templates
                    .iter()
                    .map(|template| json!({"name": template, "persistentVolumeClaim": {"claimName": mounts.claim(template, ordinal)}}))
                    .collect();
                let name = format!("{}-{ordinal}", set.name());
                let pod = json!({"metadata": {"name": name, "namespace": namespace}, "spec": {"volumes": volumes}});
                live.0
                    .insert(ObjectRef::new(Kind::Pod, &namespace, &name), Object(pod));
            }
        }
        Stage {
            live,
            from_files: false,
        }
    }

    pub fn get(&self, reference: &ObjectRef) -> Result<&Object, String> {
        let found = self.live.0.get(reference);
        found.ok_or_else(|| {
            format!(
                "{reference} (namespace {:?}) is not there",
                reference.namespace
            )
        })
    }

    /// Makes an object.
    pub fn create(&mut self, reference: &ObjectRef, object: Object) -> Result<(), String> {
        if self.live.0.contains_key(reference) {
            return Err(format!("{reference} is there already"));
        }
        self.put("CREATE", reference, object)
    }

    /// Changes an object.
    pub fn update(
        &mut self,
        reference: &ObjectRef,
        edit: impl FnOnce(&mut Value),
    ) -> Result<(), String> {
        let mut object = self.get(reference)?.clone();
        edit(&mut object.0);
        self.put("UPDATE", reference, object)
    }

    fn put(
        &mut self,
        operation: &str,
        reference: &ObjectRef,
        object: Object,
    ) -> Result<(), String> {
        let old = self.live.0.get(reference).cloned();
        let old = old.map_or(Value::Null, |old| typed(reference, &old));
        let mut new = typed(reference, &object);
        let kind = json!({"group": reference.kind.group(), "version": "v1", "kind": reference.kind.name()});
        let review = |new: &Value| review(reference, &kind, "", operation, new, &old);
        let mutated = self.ask("/mutate", &review(&new))?;
        if let Some(patch) = mutated["patch"].as_str() {
            let patch = STANDARD.decode(patch).unwrap();
            patched(&mut new, &serde_json::from_slice(&patch).unwrap());
        }
        self.ask("/validate", &review(&new))?;
        self.live.0.insert(reference.clone(), Object(new));
        self.settle();
        Ok(())
    }

    /// Scales through the subresource, as kubectl does.
    pub fn scale(&mut self, reference: &ObjectRef, replicas: u64) -> Result<(), String> {
        self.get(reference)?;
        let scale = json!({"kind": "Scale", "metadata": {"name": reference.name}, "spec": {"replicas": replicas}});
        let kind = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
        let review = review(reference, &kind, "scale", "UPDATE", &scale, &Value::Null);
        self.ask("/validate", &review)?;
        let object = self.live.0.get_mut(reference).unwrap();
        object.0["spec"]["replicas"] = replicas.into();
        self.settle();
        Ok(())
    }

    /// Deletes an object, and what goes with it.
    pub fn delete(&mut self, reference: &ObjectRef) -> Result<(), String> {
        let old = typed(reference, self.get(reference)?);
        let kind = json!({"group": reference.kind.group(), "version": "v1", "kind": reference.kind.name()});
        let review = review(reference, &kind, "", "DELETE", &Value::Null, &old);
        self.ask("/validate", &review)?;
        let gone = self.live.0.remove(reference).unwrap();
        if reference.kind == Kind::StatefulSet
            && gone.str("/spec/persistentVolumeClaimRetentionPolicy/whenDeleted") == Some("Delete")
        {
            let namespace = reference.namespace.clone();
            let mounts = Mounts::of(&gone);
            let facts = self.live.facts();
            if let Some(claim) = mounts.holding(&facts, &namespace).next() {
                return Err(format!("{reference} takes claim {} along", claim.name()));
            }
        }
        self.settle();
        Ok(())
    }

    /// What the controllers do: pods without a StatefulSet go, and claims whose volumes are others'.
    fn settle(&mut self) {
        let facts = self.live.facts();
        self.live.0.retain(|reference, _| {
            let Some((set, ordinal)) = reference.name.rsplit_once('-') else {
                return true;
            };
            let set = facts.named(Kind::StatefulSet, &reference.namespace, set);
            let ordinal: u64 = ordinal.parse().unwrap_or(u64::MAX);
            reference.kind != Kind::Pod || set.is_some_and(|set| ordinal < Mounts::of(set).replicas)
        });
        for claim in self.live.of_kind(Kind::PersistentVolumeClaim) {
            let volume = claim.str("/spec/volumeName").unwrap_or_default();
            let Some(volume) = facts.named(Kind::PersistentVolume, "", volume) else {
                continue;
            };
            if volume.str("/spec/claimRef/name") != Some(claim.name()) {
                claim.0["status"]["phase"] = "Lost".into();
            }
        }
    }

    fn ask(&self, path: &str, review: &Value) -> Result<Value, String> {
        let objects = self.live.0.iter();
        let snapshot: Snapshot = objects
            .map(|(reference, object)| typed(reference, object))
            .collect();
        let response = answer(snapshot, path, review.to_string());
        match response["allowed"].as_bool() {
            Some(true) => Ok(response),
            _ => Err(format!("is refused: {}", response["status"]["message"])),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn answer(snapshot: Snapshot, path: &str, review: String) -> Value {
    let metrics = Metrics::new();
    let router: Router = Guard::new(
        Cluster::Snapshot(Arc::new(snapshot)),
        RetainScope::default(),
        watch::channel(Arc::default()).1,
        AdmissionMetrics::new(&metrics),
        Events::off(&metrics),
    )
    .router();
    let request = Request::post(path).body(Body::from(review)).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let review: Value = serde_json::from_slice(&bytes).unwrap();
    review["response"].clone()
}

fn review(
    reference: &ObjectRef,
    kind: &Value,
    subresource: &str,
    operation: &str,
    new: &Value,
    old: &Value,
) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "the-uid", "kind": kind, "subResource": subresource, "operation": operation,
            "resource": {"group": reference.kind.group(), "version": "v1", "resource": reference.kind.plural()},
            "namespace": reference.namespace, "name": reference.name,
            "userInfo": {"username": "admin", "groups": ["system:masters"]},
            "object": new, "oldObject": old, "dryRun": false,
        },
    })
}

fn typed(reference: &ObjectRef, object: &Object) -> Value {
    let mut object = object.0.clone();
    object["kind"] = reference.kind.name().into();
    let group = reference.kind.group();
    object["apiVersion"] = if group.is_empty() {
        "v1".into()
    } else {
        format!("{group}/v1").into()
    };
    if reference.kind.namespaced() {
        object["metadata"]["namespace"] = reference.namespace.as_str().into();
    }
    object
}

/// A JSON patch, as far as the guard and its commands use it.
pub fn patched(object: &mut Value, patch: &Value) {
    for step in patch.as_array().unwrap() {
        let path = step["path"].as_str().unwrap();
        let (parent, last) = path.rsplit_once('/').unwrap();
        let last = last.replace("~1", "/").replace("~0", "~");
        let parent = object
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("{step}"));
        match (step["op"].as_str().unwrap(), parent) {
            ("add" | "replace", Value::Object(map)) => {
                map.insert(last, step["value"].clone());
            }
            ("remove", Value::Object(map)) => {
                assert!(map.remove(&last).is_some(), "{step}");
            }
            ("test", Value::Object(map)) => assert_eq!(map.get(&last), Some(&step["value"])),
            _ => panic!("{step}"),
        }
    }
}

/// A merge patch; what has to be named in lists no command patches.
pub fn merged(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in patch {
        match value {
            Value::Null => {
                object.as_object_mut().unwrap().remove(key);
            }
            value => merged(&mut object[key.as_str()], value),
        }
    }
}
