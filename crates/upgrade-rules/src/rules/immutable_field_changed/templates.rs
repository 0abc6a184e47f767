//! Describes changes of claim templates, and what can be done for existing claims.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{claim_template, parse_quantity};
use crate::{
    change::Facts,
    finding::{Fix, Objects},
    kubernetes::{Kind, Mounts, Object, at},
};

const SIZE: &str = "/spec/resources/requests/storage";

/// Annotations may hold anything, so their values are not shown.
const ANNOTATIONS: &str = "metadata.annotations.";

/// Lists the differences between a StatefulSet's templates, a line each, with the old and new values.
pub(super) fn differences(live: &Object, after: &Object) -> Vec<String> {
    let (before, after) = (by_name(live), by_name(after));
    let mut lines = Vec::new();
    for (name, old) in &before {
        match after.get(name) {
            Some(new) => {
                let changed = changed(old, new);
                lines.extend(changed.into_iter().map(|what| format!("{name}: {what}")));
            }
            None => lines.push(format!("{name}: this template goes")),
        }
    }
    let new = after.keys().filter(|name| !before.contains_key(*name));
    lines.extend(new.map(|name| format!("{name}: this template is new")));
    if lines.is_empty() {
        lines.push("the order of the templates".to_owned());
    }
    lines
}

fn by_name(set: &Object) -> BTreeMap<&str, &Value> {
    let templates = set.array("/spec/volumeClaimTemplates").iter();
    templates
        .filter_map(|template| Some((at(template, "/metadata/name")?.as_str()?, template)))
        .collect()
}

fn changed(old: &Value, new: &Value) -> Vec<String> {
    let (before, after) = (leaves(old), leaves(new));
    let mut keys: Vec<_> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let differs = keys
        .into_iter()
        .filter(|key| before.get(*key) != after.get(*key));
    differs
        .map(|key| {
            let what = match key.as_str() {
                "spec.resources.requests.storage" => "size",
                "spec.storageClassName" => "storage class",
                other => other,
            };
            if key.starts_with(ANNOTATIONS) {
                return format!("{what} is another");
            }
            let value = |template: &Value, leaves: &BTreeMap<String, Value>| {
                // A size as it is written, not as it compares.
                let raw = at(template, SIZE).filter(|_| what == "size");
                match raw.or(leaves.get(key)) {
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                    None if what == "storage class" => "the default one".to_owned(),
                    None => "none".to_owned(),
                }
            };
            format!(
                "{what} from {} to {}",
                value(old, &before),
                value(new, &after)
            )
        })
        .collect()
}

/// The fields of a template as they compare, each with the way to it.
fn leaves(template: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let normal = claim_template(template);
    for (pointer, value) in normal.as_object().into_iter().flatten() {
        collect(
            &pointer.trim_start_matches('/').replace('/', "."),
            value,
            &mut found,
        );
    }
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                collect(&format!("{path}.{key}"), value, found);
            }
        }
        Value::Null => {}
        other => {
            found.insert(path.to_owned(), other.clone());
        }
    }
}

/// Has the claims that exist grow to what the templates ask for, where their class lets them.
pub(super) fn grow(facts: &Facts, namespace: &str, live: &Object, after: &Object) -> Option<Fix> {
    let mounts = Mounts::of(live);
    let templates = by_name(after);
    let mut commands = Vec::new();
    for claim in facts.claims(namespace) {
        let Some((template, _)) = mounts.parse(claim.name()) else {
            continue;
        };
        let wanted = templates.get(template).and_then(|it| at(it, SIZE));
        let (Some(wanted), Some(has)) = (wanted, claim.at(SIZE)) else {
            continue;
        };
        let class = facts.class_of(claim);
        let may = class.and_then(|class| class.at("/allowVolumeExpansion"));
        let grows = parse_quantity(wanted) > parse_quantity(has) && parse_quantity(has).is_some();
        if grows && may == Some(&Value::Bool(true)) {
            let patch =
                serde_json::json!({"spec": {"resources": {"requests": {"storage": wanted}}}});
            let claim = Objects::new(Kind::PersistentVolumeClaim, namespace, [claim.name()]);
            commands.push(claim.patch(patch));
        }
    }
    (!commands.is_empty()).then(|| {
        Fix::new(
            "Have the claims that exist grow, which their class allows; they never shrink again:",
            commands,
        )
    })
}
