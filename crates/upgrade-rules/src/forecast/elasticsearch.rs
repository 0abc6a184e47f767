//! Bitnami's Elasticsearch, which 8.3 has in place of elastic's.

use serde_json::json;

use super::{Between, count::count, image, with};
use crate::{
    camunda::{WorkloadFact, bundled, claim_size, name},
    change::RenderedObject,
    knowledge::secrecy::is_plain,
    kubernetes::{Kind, Object, is_name},
};

/// Bitnami's Elasticsearch in place of elastic's.
pub(super) fn elasticsearch(
    between: &Between<'_>,
    object: &RenderedObject,
    fact: &WorkloadFact,
) -> RenderedObject {
    let release = &between.standing.release;
    let charts = object.charts.as_deref();
    let of = |key: &str| {
        let path = bundled(object.component, Some(between.to), charts)?;
        let key = format!("{path}.{key}");
        let name = between.values.text(between.values.own_key(&key));
        // What can be no name of an object may be anything.
        name.filter(|name| is_name(name))
    };
    let (name, fullname) = (of("nameOverride"), of("fullnameOverride"));
    let name = match of("master.fullnameOverride") {
        Some(name) => name,
        None => {
            let role = of("master.nameOverride").unwrap_or_else(|| "master".to_owned());
            name::elasticsearch(release, &role, name.as_deref(), fullname.as_deref())
        }
    };
    let labels = json!({
        "app.kubernetes.io/name": "elasticsearch",
        "app.kubernetes.io/instance": release,
        "app.kubernetes.io/component": "master",
        "app.kubernetes.io/managed-by": "Helm",
    });
    let size = claim_size(object.component, Some(between.to), charts)
        .and_then(|key| between.values.text(between.values.own_key(&key)))
        .filter(|size| is_plain(size))
        .or_else(|| fact.storage.clone());
    let count = count(between, object, None, fact).or(fact.replicas);
    let running = object.object.image().unwrap_or_default();
    let set = json!({
        "apiVersion": "apps/v1",
        "kind": Kind::StatefulSet.name(),
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": count,
            "serviceName": format!("{name}-hl"),
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": "elasticsearch",
                    "image": image::of(running, fact),
                    "securityContext": {"runAsUser": fact.user},
                }]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": fact.claim},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
            }],
        },
    });
    with(object, Object(set))
}
