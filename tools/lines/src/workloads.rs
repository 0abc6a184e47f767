//! The workloads of a chart, as a line's file has them.

use serde::Serialize;
use serde_json::Value;

use crate::chart::RELEASE;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Workload {
    /// The name after the release's; the whole name where it does not begin with that.
    pub name: String,
    pub kind: String,
    pub image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
}

/// What can't be changed once a workload is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Immutable {
    pub name: String,
    pub selector: Option<Value>,
    #[serde(rename = "serviceName", skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    #[serde(rename = "claimTemplates", skip_serializing_if = "Vec::is_empty")]
    pub claim_templates: Vec<Value>,
}

/// The workloads of rendered objects, in the order in which Helm prints them.
pub fn all(objects: &[Value]) -> impl Iterator<Item = (&Value, Workload)> {
    objects
        .iter()
        .filter_map(|object| Some((object, of(object)?)))
}

fn of(object: &Value) -> Option<Workload> {
    let kind = object["kind"].as_str()?;
    if !["StatefulSet", "Deployment", "Job"].contains(&kind) {
        return None;
    }
    let pod = &object["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let template = &object["spec"]["volumeClaimTemplates"][0];
    let claim = template["metadata"]["name"].as_str();
    let user = [container, pod].map(|it| it["securityContext"]["runAsUser"].as_i64());
    let storage = template["spec"]["resources"]["requests"]["storage"].as_str();
    Some(Workload {
        name: short(object["metadata"]["name"].as_str()?),
        kind: kind.to_owned(),
        image: without_registry(container["image"].as_str()?).to_owned(),
        user: user.into_iter().flatten().next(),
        claim: claim.map(str::to_owned),
        replicas: claim.and_then(|_| object["spec"]["replicas"].as_u64()),
        storage: storage.map(str::to_owned),
    })
}

/// What is immutable in a workload.
pub fn immutable(object: &Value) -> Option<Immutable> {
    let name = short(object["metadata"]["name"].as_str()?);
    let spec = &object["spec"];
    let templates = spec["volumeClaimTemplates"].as_array();
    let parts = |template: &Value| {
        let metadata = &template["metadata"];
        serde_json::json!({"name": metadata["name"], "labels": metadata["labels"]})
    };
    Some(Immutable {
        name,
        selector: spec.pointer("/selector/matchLabels").cloned(),
        service_name: spec["serviceName"].as_str().map(str::to_owned),
        claim_templates: templates.into_iter().flatten().map(parts).collect(),
    })
}

fn short(name: &str) -> String {
    let rest = name.strip_prefix(RELEASE);
    let rest = rest.filter(|rest| rest.starts_with('-'));
    rest.unwrap_or(name).to_owned()
}

/// An image without the host of its registry, which has a dot or a port.
fn without_registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) => rest,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_images_are_as_lines_have_them() {
        assert_eq!(short("camunda-zeebe"), "-zeebe");
        assert_eq!(short("elasticsearch-master"), "elasticsearch-master");
        assert_eq!(short("camundas-zeebe"), "camundas-zeebe");
        for (image, short) in [
            (
                "docker.io/camunda/keycloak:26.3.3",
                "camunda/keycloak:26.3.3",
            ),
            ("registry:5000/camunda/hub:8.10.0", "camunda/hub:8.10.0"),
            ("camunda/zeebe:8.2.32", "camunda/zeebe:8.2.32"),
        ] {
            assert_eq!(without_registry(image), short);
        }
    }
}
