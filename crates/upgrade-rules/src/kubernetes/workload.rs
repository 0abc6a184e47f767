//! Whether pods of a workload's newest revision became ready, and so have touched its data.

use serde_json::Value;

use crate::kubernetes::{Kind, Object};

/// Whether a workload has 0 replicas.
pub(crate) fn is_stopped(workload: &Object) -> bool {
    workload.at("/spec/replicas").and_then(Value::as_u64) == Some(0)
}

/// Whether a pod of the workload's newest revision is or was ready.
pub(crate) fn became_ready(kind: Kind, workload: &Object) -> bool {
    let number = |pointer: &str| {
        workload
            .at(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return false;
    }
    let updated = number("/status/updatedReplicas");
    let outdated = number("/status/replicas").saturating_sub(updated);
    if updated > 0 && number("/status/readyReplicas") > outdated {
        return true;
    }
    match kind {
        // The second pod is replaced once the first one is ready.
        Kind::StatefulSet => {
            updated > 1
                && workload.str("/status/currentRevision") != workload.str("/status/updateRevision")
        }
        Kind::Deployment => has_condition(workload, "reason", "NewReplicaSetAvailable"),
        _ => false,
    }
}

/// The labels that a workload's pods are selected by, as kubectl takes them.
pub(crate) fn selector(workload: &Object) -> Option<String> {
    let labels = workload.at("/spec/selector/matchLabels")?.as_object()?;
    let labels: Option<Vec<_>> = labels
        .iter()
        .map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    Some(labels?.join(",")).filter(|it| !it.is_empty())
}

/// Whether a pod is ready.
pub(crate) fn is_ready(pod: &Object) -> bool {
    pod.array("/status/conditions").iter().any(|condition| {
        condition.get("type").and_then(Value::as_str) == Some("Ready")
            && condition.get("status").and_then(Value::as_str) == Some("True")
    })
}

fn has_condition(object: &Object, key: &str, value: &str) -> bool {
    object
        .array("/status/conditions")
        .iter()
        .any(|condition| condition.get(key).and_then(Value::as_str) == Some(value))
}
