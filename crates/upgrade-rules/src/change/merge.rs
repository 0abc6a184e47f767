//! The object that would result from Helm merging a planned object into the live one.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::{Gate, ObjectChange};
use crate::kubernetes::{
    Kind, Object,
    strategic::{self, Schema},
};

/// Returns the object that Helm would ask the API server to store, or `None` if Helm would delete it.
///
/// A single object arrives already merged. For a release this is Helm's three-way merge: fields that only the live object
/// has stay, fields that only the running manifest had go.
pub fn after(change: &ObjectChange, gate: Gate, live: Option<&Object>) -> Option<Object> {
    let planned = change.planned.as_ref()?;
    if gate == Gate::Object || change.recreated {
        return Some(Object::clone(planned));
    }
    let Some(live) = live else {
        return Some(Object::clone(planned));
    };
    let running = change.running.as_ref().map(|running| &running.0);
    let kind = change.object.kind;
    Some(Object(merged(kind, running, &planned.0, &live.0)))
}

/// Does the same as [`after`] for these fields of `spec` only, without copying the rest.
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
        let kept = kept.map(|(k, v)| (k.clone(), v.clone())).collect();
        let spec = Map::from_iter([("spec".to_owned(), Value::Object(kept))]);
        Value::Object(spec)
    };
    let planned = part(change.planned.as_ref()?);
    if gate == Gate::Object || change.recreated {
        return Some(Object(planned));
    }
    let running = change.running.as_deref().map(part);
    let kind = change.object.kind;
    Some(Object(merged(
        kind,
        running.as_ref(),
        &planned,
        &part(live),
    )))
}

/// Returns the result of Helm's patch to the live object. If the running manifest lacks an object, Helm adopts the live one
/// as if the running manifest had it as planned.
fn merged(kind: Kind, running: Option<&Value>, planned: &Value, live: &Value) -> Value {
    let running = running.unwrap_or(planned);
    let merged = Schema::of(&kind.api_version(), kind.name())
        .and_then(|schema| strategic::patched(schema, running, planned, live).ok());
    // Helm can't build a patch either for what can't be merged, so the object never arrives.
    merged.unwrap_or_else(|| planned.clone())
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
    use serde_json::json;

    use super::*;

    #[test]
    fn helm_keeps_what_only_the_live_object_has() {
        let running = json!({"spec": {"serviceName": "a", "minReadySeconds": 1, "template": {"spec": {"containers": [
            {"name": "zeebe", "env": [{"name": "A", "value": "1"}, {"name": "GONE", "value": "1"}]},
        ]}}}});
        let planned = json!({"spec": {"serviceName": "b", "replicas": null, "template": {"spec": {"containers": [
            {"name": "zeebe", "env": [{"name": "A", "value": "2"}]},
        ]}}}});
        let live = json!({"status": {}, "spec": {"serviceName": "a", "minReadySeconds": 1, "replicas": 5, "template": {"spec": {"containers": [
            {"name": "istio"},
            {"name": "zeebe", "image": "z", "env": [{"name": "A", "value": "1"}, {"name": "GONE", "value": "1"}, {"name": "MINE"}]},
        ]}}}});
        assert_eq!(
            merged(Kind::StatefulSet, Some(&running), &planned, &live),
            json!({"status": {}, "spec": {"serviceName": "b", "template": {"spec": {"containers": [
                {"name": "istio"},
                {"name": "zeebe", "image": "z", "env": [{"name": "A", "value": "2"}, {"name": "MINE"}]},
            ]}}}})
        );
    }

    #[test]
    fn what_the_running_manifest_does_not_have_loses_nothing() {
        let planned = json!({"data": {"a": "2"}});
        let live = json!({"data": {"a": "1", "mine": "m"}});
        assert_eq!(
            merged(Kind::Secret, None, &planned, &live),
            json!({"data": {"a": "2", "mine": "m"}})
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
