//! The future of a workload: it goes, or gets another name, image, user, count or selector.

use serde_json::{Value, json};

use super::{Between, count::count, elasticsearch::elasticsearch, image, with};
use crate::{
    camunda::{Application, Component, Fixed, Line, WorkloadFact, image_name},
    change::{Rendered, RenderedObject},
    kubernetes::{Kind, Object, json},
};

/// Predicts the new manifest's workload in place of a running one.
pub(super) fn planned(between: &Between<'_>, object: &RenderedObject) -> Option<RenderedObject> {
    if !object.camunda {
        return Some(object.clone());
    }
    let application = Application::of(&object.object);
    let runs = application.is_none_or(|application| between.runs(application));
    if !runs || !between.brings(object.component) {
        return None;
    }
    let (before, after) = (fact(between.from, object), fact(between.to, object));
    let is_renamed = before.zip(after).is_some_and(|(before, after)| {
        object.component == Component::Elasticsearch && before.name != after.name
    });
    match after {
        Some(after) if is_renamed => Some(elasticsearch(between, object, after)),
        _ => Some(changed(between, object, before, after)),
    }
}

/// Removes the objects that were rendered with a StatefulSet of a removed subchart.
pub(super) fn drop_with_their_chart(running: &Rendered, objects: &mut Vec<RenderedObject>) {
    let charts = |objects: &[RenderedObject]| -> Vec<Vec<String>> {
        let sets = objects.iter();
        sets.filter(|object| object.reference.kind == Kind::StatefulSet)
            .filter_map(|object| object.charts.clone())
            .filter(|charts| !charts.is_empty())
            .collect()
    };
    let (before, after) = (charts(&running.objects), charts(objects));
    objects.retain(|object| match &object.charts {
        Some(charts) => !before.contains(charts) || after.contains(charts),
        None => true,
    });
}

/// Finds a workload in a line's data.
pub(super) fn fact<'a>(line: &'a Line, object: &RenderedObject) -> Option<&'a WorkloadFact> {
    let application = Application::of(&object.object);
    let is_application = application.is_some();
    line.workloads.iter().find(|fact| {
        fact.kind == object.reference.kind.name()
            && match is_application {
                true => fact.application() == application,
                false => fact.component == Some(object.component),
            }
    })
}

fn changed(
    between: &Between<'_>,
    object: &RenderedObject,
    before: Option<&WorkloadFact>,
    after: Option<&WorkloadFact>,
) -> RenderedObject {
    let mut value = object.object.0.clone();
    relabel(between, &mut value);
    let container = image::container(object, before);
    let pointer = format!("/spec/template/spec/containers/{container}");
    if let Some(after) = after {
        if let Some(container) = value.pointer_mut(&pointer) {
            let running = container.get("image").and_then(Value::as_str);
            if let Some(running) = running {
                let image = match image::pinned(between, object) {
                    Some(tag) => image::tagged(running, &tag),
                    None => image::of(running, after),
                };
                json::set(container, ["image"], image);
            }
            if let Some(user) = after.user.filter(|_| differs(before, after)) {
                json::set(container, ["securityContext", "runAsUser"], user);
            }
        }
        if let Some(count) = count(between, object, before, after) {
            json::set(&mut value, ["spec", "replicas"], count);
        }
    }
    // Which image it has then nobody knows.
    if after.is_none()
        && before.is_some()
        && let Some(Value::String(image)) = value.pointer_mut(&format!("{pointer}/image"))
    {
        *image = image_name(image).to_owned();
    }
    if Application::of(&object.object) == Some(Application::ZEEBE)
        && let Some(storage) = secondary_storage(between)
        && let Some(Value::Array(variables)) = environment(&mut value)
    {
        variables.push(json!({"name": "CAMUNDA_DATA_SECONDARYSTORAGE_TYPE", "value": storage}));
    }
    for fixed in between.to_fixed(before) {
        fix(between, fixed, &mut value);
    }
    with(object, Object(value))
}

/// Returns the Orchestration Cluster's secondary storage.
fn secondary_storage(between: &Between<'_>) -> Option<String> {
    let named = between
        .values
        .text("orchestration.data.secondaryStorage.type");
    let default = between.to.secondary_storage.clone()?;
    Some(
        named.unwrap_or_else(|| match between.values.flag("global.opensearch.enabled") {
            Some(true) => "opensearch".to_owned(),
            _ => default,
        }),
    )
}

/// The environment of the first container, made where there is none.
pub(super) fn environment(workload: &mut Value) -> Option<&mut Value> {
    let container = workload.pointer_mut("/spec/template/spec/containers/0")?;
    let environment = container.as_object_mut()?.entry("env");
    let environment = environment.or_insert_with(|| json!([]));
    if environment.is_null() {
        *environment = json!([]);
    }
    Some(environment)
}

/// Whether the charts' user ids differ; if they are the same, the workload may have a user id that the user set.
fn differs(before: Option<&WorkloadFact>, after: &WorkloadFact) -> bool {
    before.is_none_or(|before| before.user != after.user)
}

/// Replaces the version in every label that names the chart.
fn relabel(between: &Between<'_>, value: &mut Value) {
    let (from, to) = (&between.standing.chart.version, &between.chart.version);
    for pointer in ["/metadata/labels", "/spec/template/metadata/labels"] {
        let Some(Value::String(chart)) = value
            .pointer_mut(pointer)
            .and_then(|labels| labels.get_mut("helm.sh/chart"))
        else {
            continue;
        };
        if let Some(name) = chart.strip_suffix(from.as_str()) {
            *chart = format!("{name}{to}");
        }
    }
}

impl Between<'_> {
    /// Returns the immutable fields that this upgrade changes in a workload of the previous line.
    fn to_fixed(&self, before: Option<&WorkloadFact>) -> Vec<&'static Fixed> {
        let Some(before) = before else {
            return Vec::new();
        };
        let lines = Line::all().iter().flat_map(|line| &line.fixed);
        lines
            .filter(|fixed| self.enters(&fixed.since) && fixed.workloads.contains(&before.name))
            .collect()
    }
}

fn fix(between: &Between<'_>, fixed: &Fixed, value: &mut Value) {
    for (label, text) in &fixed.selector {
        for pointer in [
            "/spec/selector/matchLabels",
            "/spec/template/metadata/labels",
        ] {
            if let Some(labels) = value.pointer_mut(pointer) {
                json::set(labels, [label.as_str()], text.as_str());
            }
        }
    }
    let Some(template) = value.pointer_mut("/spec/volumeClaimTemplates/0/metadata") else {
        return;
    };
    for (label, text) in &fixed.claim_labels {
        let text = text.replace("$RELEASE", &between.standing.release);
        json::set(template, ["labels", label.as_str()], text);
    }
}
