//! The images of a line's workloads, where the user has not pinned others.

use crate::{
    camunda::{Application, Component, WorkloadFact, bundled, image_name},
    change::RenderedObject,
};

use super::Between;

/// The container that an image of the line's data belongs to.
pub(super) fn container(object: &RenderedObject, fact: Option<&WorkloadFact>) -> usize {
    let containers = object.object.array("/spec/template/spec/containers");
    let named = containers.iter().position(|container| {
        let image = container.get("image").and_then(serde_json::Value::as_str);
        let names = image.zip(fact).map(|(image, fact)| {
            // 13 has one program in place of four.
            image_name(image) == image_name(&fact.image)
        });
        names == Some(true)
    });
    named.unwrap_or_default()
}

/// The image that a container of the target line has: from the registry that it is from now.
pub(super) fn of(running: &str, fact: &WorkloadFact) -> String {
    let registry = running.split_once('/').map(|(first, _)| first);
    let registry = registry.filter(|first| first.contains(['.', ':']) || *first == "localhost");
    match registry {
        // The data name elastic's registry, since its image is nowhere else.
        Some(registry) if !fact.image.contains(".co/") => format!("{registry}/{}", fact.image),
        _ => fact.image.clone(),
    }
}

/// An image with another tag.
pub(super) fn tagged(image: &str, tag: &str) -> String {
    let path = image.rfind('/').map_or(0, |slash| slash + 1);
    let end = image[path..].find([':', '@']).map(|end| path + end);
    format!("{}:{tag}", end.map_or(image, |end| &image[..end]))
}

/// The tag of a workload's image that the user's values set.
pub(super) fn pinned(between: &Between<'_>, object: &RenderedObject) -> Option<String> {
    let charts = object.charts.as_deref();
    let bundled = bundled(object.component, Some(between.to), charts);
    let own = Application::of(&object.object).and_then(|application| match application {
        Application::ZEEBE => between.to.brokers.count.split('.').next(),
        other => other.fact()?.values.as_deref(),
    });
    let keycloak = match object.component {
        Component::Keycloak => keycloak(between),
        _ => None,
    };
    let roots = [bundled.as_deref(), own, keycloak];
    let tags = roots
        .into_iter()
        .flatten()
        .flat_map(|root| [format!("{root}.image.tag"), format!("{root}.imageTag")]);
    let mut tags = tags;
    tags.find_map(|key| between.values.text(between.values.own_key(&key)))
}

/// Keycloak's values are beside those of its password.
fn keycloak(between: &Between<'_>) -> Option<&'static str> {
    let facts = &between.to.credentials;
    let fact = facts.iter().find(|fact| fact.name == "keycloak-admin")?;
    fact.value.split_once(".auth.").map(|(root, _)| root)
}
