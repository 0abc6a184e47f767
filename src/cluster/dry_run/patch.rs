//! The patch that Helm sends for an object that is there.

use serde_json::{Map, Value, json};

/// Lists that the API server merges, and the key that tells their items apart.
const MERGED: [(&str, &str); 9] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("env", "name"),
    ("volumes", "name"),
    ("volumeMounts", "mountPath"),
    ("imagePullSecrets", "name"),
    ("ports", "containerPort"),
    ("secrets", "name"),
    ("topologySpreadConstraints", "topologyKey"),
];

/// What has to change of the live object, and what goes that the running manifest had; nothing where nothing has to.
///
/// As Helm does it: what the live object has beyond the manifest stays.
pub(super) fn three_way(running: Option<&Value>, planned: &Value, live: &Value) -> Option<Value> {
    let mut patch = changed(planned, live).unwrap_or_else(|| json!({}));
    if let Some(running) = running {
        drop_gone(running, planned, live, &mut patch);
    }
    let is_empty = patch.as_object().is_some_and(Map::is_empty);
    (!is_empty).then_some(patch)
}

/// What the planned value has otherwise than the live one.
fn changed(planned: &Value, live: &Value) -> Option<Value> {
    if covers(live, planned) {
        return None;
    }
    let (Value::Object(planned), Value::Object(live)) = (planned, live) else {
        return Some(planned.clone());
    };
    let changed = planned.iter().filter_map(|(key, value)| {
        let patch = match live.get(key) {
            Some(live) => changed(value, live)?,
            None if value.is_null() => return None,
            None => value.clone(),
        };
        Some((key.clone(), patch))
    });
    Some(Value::Object(changed.collect()))
}

/// Whether a live value says all that is planned; defaults may stand beside it.
fn covers(live: &Value, planned: &Value) -> bool {
    match (live, planned) {
        (Value::Object(live), Value::Object(planned)) => {
            planned.iter().all(|(key, value)| match live.get(key) {
                Some(live) => covers(live, value),
                None => value.is_null() || is_empty(value),
            })
        }
        (Value::Array(live), Value::Array(planned)) => {
            live.len() == planned.len()
                && live
                    .iter()
                    .zip(planned)
                    .all(|(live, planned)| covers(live, planned))
        }
        _ => live == planned,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Adds to the patch what takes away.
fn drop_gone(running: &Value, planned: &Value, live: &Value, patch: &mut Value) {
    let (Value::Object(running), Value::Object(planned), Value::Object(live)) =
        (running, planned, live)
    else {
        return;
    };
    for (key, before) in running {
        let Some(there) = live.get(key) else {
            continue;
        };
        let Some(after) = planned.get(key).filter(|it| !it.is_null()) else {
            insert(patch, key, Value::Null);
            continue;
        };
        let merged = MERGED.iter().find(|(list, _)| list == key);
        match (merged, before, after, there) {
            (Some((_, by)), Value::Array(before), Value::Array(after), Value::Array(_)) => {
                let gone = before.iter().filter(|item| {
                    let name = item.get(*by);
                    name.is_some() && !after.iter().any(|item| item.get(*by) == name)
                });
                let gone: Vec<_> = gone
                    .map(|item| json!({"$patch": "delete", *by: item.get(*by)}))
                    .collect();
                if !gone.is_empty() {
                    let all = after.iter().cloned().chain(gone).collect();
                    insert(patch, key, Value::Array(all));
                }
            }
            (_, Value::Object(_), Value::Object(_), Value::Object(_)) => {
                let mut below = patch.get(key).cloned().unwrap_or_else(|| json!({}));
                drop_gone(before, after, there, &mut below);
                if below.as_object().is_some_and(|below| !below.is_empty()) {
                    insert(patch, key, below);
                }
            }
            _ => {}
        }
    }
}

fn insert(patch: &mut Value, key: &str, value: Value) {
    if let Some(patch) = patch.as_object_mut() {
        patch.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_is_not_sent() {
        let planned = json!({"spec": {"replicas": 1, "storageClassName": null, "list": [{"a": 1}], "labels": {}}});
        let live = json!({"spec": {"replicas": 1, "list": [{"a": 1, "default": 2}], "more": true}, "status": {}});
        assert_eq!(three_way(Some(&planned), &planned, &live), None);
    }

    #[test]
    fn what_differs_is_set_and_what_the_manifest_dropped_goes() {
        let running = json!({"a": 1, "gone": 1, "m": {"x": 1, "y": 2}, "containers": [{"name": "c", "env": []}, {"name": "old"}]});
        let planned = json!({"a": 2, "m": {"x": 1}, "containers": [{"name": "c", "env": []}]});
        let live = json!({"a": 1, "gone": 1, "mine": 1, "m": {"x": 1, "y": 2, "z": 3}, "containers": [{"name": "c"}, {"name": "old"}]});
        assert_eq!(
            three_way(Some(&running), &planned, &live),
            Some(json!({
                "a": 2, "gone": null, "m": {"y": null},
                "containers": [{"name": "c", "env": []}, {"$patch": "delete", "name": "old"}],
            }))
        );
    }
}
