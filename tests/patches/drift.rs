//! What an API server, controllers and people make of what Helm has applied.

use serde_json::{Map, Value, json};

use crate::random::Random;

/// As Helm sends it.
pub fn owned(object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = entry(&mut object, "metadata");
    entry(metadata, "labels")["app.kubernetes.io/managed-by"] = "Helm".into();
    entry(metadata, "annotations")["meta.helm.sh/release-name"] = "camunda".into();
    object
}

/// As it is live some time later.
pub fn live(object: &Value, random: &mut Random) -> Value {
    let mut live = owned(object);
    drop_nulls(&mut live);
    let metadata = entry(&mut live, "metadata");
    metadata["uid"] = "0b0a9c1e-0000-4000-8000-000000000001".into();
    metadata["resourceVersion"] = "42".into();
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
    metadata["managedFields"] =
        json!([{"manager": "helm", "operation": "Update", "fieldsV1": {"f:spec": {}}}]);
    if random.one_in(3) {
        metadata["finalizers"] = json!(["kubernetes.io/pvc-protection", "acme.example/keep"]);
    }
    if random.one_in(3) {
        metadata["ownerReferences"] =
            json!([{"uid": "1", "name": "owner", "kind": "Kustomization", "apiVersion": "v1"}]);
    }
    entry(metadata, "annotations")["deployment.kubernetes.io/revision"] = "3".into();
    live["status"] =
        json!({"observedGeneration": 1, "conditions": [{"type": "Available", "status": "True"}]});
    match object["kind"].as_str().unwrap_or_default() {
        "Service" => service(&mut live["spec"]),
        "Deployment" | "StatefulSet" => {
            let spec = entry(&mut live, "spec");
            spec["revisionHistoryLimit"] = json!(10);
            if random.one_in(3) {
                spec["replicas"] = json!(7);
            }
            pod(&mut spec["template"]["spec"], random);
        }
        "Job" => pod(&mut live["spec"]["template"]["spec"], random),
        "Pod" => pod(&mut live["spec"], random),
        _ => {}
    }
    live
}

fn service(spec: &mut Value) {
    spec["clusterIPs"] = json!(["10.0.0.9"]);
    spec["sessionAffinity"] = "None".into();
    for port in items(spec, "ports") {
        default(port, "protocol", json!("TCP"));
        let own = port["port"].clone();
        default(port, "targetPort", own);
        port["nodePort"] = json!(30000);
    }
}

fn pod(spec: &mut Value, random: &mut Random) {
    if !spec.is_object() {
        return;
    }
    default(spec, "restartPolicy", json!("Always"));
    default(spec, "securityContext", json!({}));
    for list in ["initContainers", "containers"] {
        for container in items(spec, list) {
            default(
                container,
                "terminationMessagePath",
                json!("/dev/termination-log"),
            );
            default(container, "imagePullPolicy", json!("IfNotPresent"));
            for port in items(container, "ports") {
                default(port, "protocol", json!("TCP"));
            }
            for variable in items(container, "env") {
                if variable.get("valueFrom").is_none() {
                    default(variable, "value", json!(""));
                }
            }
            if let Some(probe) = container.get_mut("livenessProbe") {
                default(probe, "failureThreshold", json!(3));
            }
            if random.one_in(3) {
                push(container, "env", json!({"name": "INJECTED", "value": "1"}));
                push(
                    container,
                    "volumeMounts",
                    json!({"name": "injected", "mountPath": "/injected"}),
                );
            }
        }
    }
    if random.one_in(3) {
        push(spec, "volumes", json!({"name": "injected", "emptyDir": {}}));
        if let Some(Value::Array(containers)) = spec.get_mut("containers") {
            containers.insert(0, json!({"name": "istio-proxy", "image": "istio"}));
        }
    }
}

fn default(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.entry(key).or_insert(value);
    }
}

fn push(object: &mut Value, key: &str, item: Value) {
    if let Some(object) = object.as_object_mut()
        && let Some(items) = object
            .entry(key)
            .or_insert_with(|| json!([]))
            .as_array_mut()
    {
        items.push(item);
    }
}

fn items<'a>(object: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    let items = object.get_mut(key).and_then(Value::as_array_mut);
    items.into_iter().flatten()
}

/// What is to be an object, made one.
fn entry<'a>(object: &'a mut Value, key: &str) -> &'a mut Value {
    let entry = &mut object[key];
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    entry
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
