//! Lists that every application had of its own and that the Orchestration Cluster has once.

use serde_json::{Map, Value};

use super::super::convert::Converted;
use crate::{
    camunda::{Line, MergedValue},
    helm::values::at_key,
};

/// Merges what can be; the rest stands side by side, for a person to decide.
pub(super) fn merge(
    source: &Map<String, Value>,
    own: &Map<String, Value>,
    line: &Line,
    values: &mut Converted,
) {
    let merged = line.with_earlier().iter();
    for rule in merged.flat_map(|line| &line.merged_values) {
        if at_key(own, &rule.to).is_some_and(is_set) {
            continue;
        }
        let found: Vec<_> = rule
            .from
            .iter()
            .filter_map(|key| Some((key.as_str(), at_key(source, key)?)))
            .filter(|(_, value)| is_set(value))
            .collect();
        match one(rule, &found) {
            Some(value) => {
                let keys = found.iter().map(|(key, _)| (*key).to_owned());
                values.moved(rule.to.clone(), keys.collect(), None);
                values.set(&rule.to, value);
            }
            None => beside(rule, &found, values),
        }
    }
}

/// The one value that all of them come to, where a machine can tell.
pub(crate) fn one(rule: &MergedValue, found: &[(&str, &Value)]) -> Option<Value> {
    let mut all: Vec<&Value> = Vec::new();
    match found {
        [(_, value)] if !rule.by_hand => return Some((*value).clone()),
        [] => return None,
        _ => {}
    }
    for (_, value) in found {
        for item in value.as_array()? {
            if all.contains(&item) {
                continue;
            }
            let name = item.get("name").or_else(|| item.get("mountPath"));
            let taken = |other: &&&Value| {
                let other = other.get("name").or_else(|| other.get("mountPath"));
                name.is_some() && other == name
            };
            if all.iter().any(|other| taken(&other)) {
                return None;
            }
            all.push(item);
        }
    }
    Some(Value::Array(all.into_iter().cloned().collect()))
}

fn beside(rule: &MergedValue, found: &[(&str, &Value)], values: &mut Converted) {
    if found.is_empty() {
        return;
    }
    let keys: Vec<_> = found.iter().map(|(key, _)| *key).collect();
    values.note(question(rule, &keys));
    for (key, value) in found {
        values.beside(&rule.to, key, value);
    }
}

/// What a person has to decide about values that no machine can merge.
pub(crate) fn question(rule: &MergedValue, keys: &[&str]) -> String {
    let (them, one) = match keys.len() {
        1 => ("was written for one application", "it"),
        _ => ("were written for one application each", "one of them"),
    };
    format!(
        "{} {them}; {} is for all: keep {one}, or write one that does for all of them.",
        keys.join(", "),
        rule.to
    )
}

pub(crate) fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        // Another space than these, such as U+00A0, is a value.
        Value::String(text) => !text.trim_ascii().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

impl MergedValue {
    /// Returns the old keys that are still set while the new key is not.
    pub(crate) fn left<'a>(&'a self, own: &'a Map<String, Value>) -> impl Iterator<Item = &'a str> {
        let taken = at_key(own, &self.to).is_some_and(is_set);
        self.from
            .iter()
            .map(String::as_str)
            .filter(move |key| !taken && at_key(own, key).is_some_and(is_set))
    }
}
