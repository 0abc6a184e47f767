//! What an object would be once Helm merged it into the live one.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{Gate, ObjectChange};
use crate::object::Object;

/// The object as the API server would be asked to keep it, or `None` where Helm would delete it.
///
/// A single object arrives merged. For a release this is Helm's three-way merge: what only the live object
/// has stays, what the running manifest had and the new one drops goes. Lists are replaced; no rule looks into
/// one that Kubernetes merges by key.
pub fn after(change: &ObjectChange, gate: Gate, live: Option<&Object>) -> Option<Object> {
    let planned = change.planned.as_ref()?;
    if gate == Gate::Object || change.recreated {
        return Some(Object::clone(planned));
    }
    let Some(live) = live else {
        return Some(Object::clone(planned));
    };
    let running = change.running.as_ref().map(|running| &running.0);
    Some(Object(three_way(running, &planned.0, &live.0)))
}

/// [`after`] as far as these fields of `spec`, without a copy of the rest.
pub fn after_spec(
    change: &ObjectChange,
    gate: Gate,
    live: &Object,
    fields: &[&str],
) -> Option<Object> {
    let part = |object: &Object| {
        let spec = object.0.get("spec").and_then(Value::as_object);
        let kept = spec
            .into_iter()
            .flatten()
            .filter(|(field, _)| fields.contains(&field.as_str()));
        let kept: Map<_, _> = kept.map(|(k, v)| (k.clone(), v.clone())).collect();
        json!({"spec": kept})
    };
    let planned = part(change.planned.as_ref()?);
    if gate == Gate::Object || change.recreated {
        return Some(Object(planned));
    }
    let running = change.running.as_deref().map(part);
    Some(Object(three_way(running.as_ref(), &planned, &part(live))))
}

fn three_way(running: Option<&Value>, planned: &Value, live: &Value) -> Value {
    let (Value::Object(planned_map), Value::Object(live_map)) = (planned, live) else {
        return planned.clone();
    };
    let running = running.and_then(Value::as_object);
    let mut merged = Map::new();
    for (key, value) in live_map {
        let dropped = running.is_some_and(|running| running.contains_key(key));
        if !planned_map.contains_key(key) && !dropped {
            merged.insert(key.clone(), value.clone());
        }
    }
    for (key, value) in planned_map {
        if value.is_null() {
            continue;
        }
        let merged_value = match live_map.get(key) {
            Some(live) => three_way(running.and_then(|running| running.get(key)), value, live),
            None => value.clone(),
        };
        merged.insert(key.clone(), merged_value);
    }
    Value::Object(merged)
}

/// The values of a Secret as the API server stores them: `data` decoded, `stringData` over it.
///
/// A value that is not base64 is left out: the API server refuses such a Secret.
pub fn secret_data(secret: &Object) -> BTreeMap<&str, Vec<u8>> {
    let mut values = BTreeMap::new();
    for (key, value) in entries(secret, "data") {
        let text = value.as_str().unwrap_or_default();
        // Go's decoder skips line ends, and charts wrap long values.
        let compact: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
        if let Ok(bytes) = STANDARD.decode(compact) {
            values.insert(key, bytes);
        }
    }
    for (key, value) in entries(secret, "stringData") {
        values.insert(key, value.as_str().unwrap_or_default().as_bytes().to_vec());
    }
    values
}

fn entries<'a>(secret: &'a Object, field: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    secret
        .0
        .get(field)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helm_keeps_what_only_the_live_object_has() {
        let running = json!({"data": {"a": "1", "gone": "x"}, "spec": {"list": [1]}});
        let planned = json!({"data": {"a": "2"}, "spec": {"list": [2]}, "none": null});
        let live = json!({"data": {"a": "1", "gone": "x", "mine": "m"}, "spec": {"list": [1, 3]}, "status": {}});
        assert_eq!(
            three_way(Some(&running), &planned, &live),
            json!({"data": {"a": "2", "mine": "m"}, "spec": {"list": [2]}, "status": {}})
        );
    }

    #[test]
    fn string_data_counts_over_data() {
        let secret = Object(json!({
            "data": {"a": "b2xk", "b": "d3Jh\ncHBlZA==", "bad": "%"},
            "stringData": {"a": "new"},
        }));
        let data = secret_data(&secret);
        assert_eq!(data["a"], b"new");
        assert_eq!(data["b"], b"wrapped");
        assert!(!data.contains_key("bad"));
    }
}
