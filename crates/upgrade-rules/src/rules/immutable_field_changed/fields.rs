//! The fields that can't change, compared as the API server does: after defaulting.
//!
//! Charts add and drop `apiVersion`, `kind`, empty annotations and `storageClassName: null` inside claim
//! templates from version to version, and none of that is a change.

use serde_json::{Map, Value};

use crate::kubernetes::{Kind, Object};

/// The fields below `spec` that are compared for all kinds but Jobs.
pub const IMMUTABLE: [&str; 4] = [
    "selector",
    "serviceName",
    "volumeClaimTemplates",
    "podManagementPolicy",
];

/// The names of the immutable fields of a workload that differ.
///
/// `running` is the object in the running release's manifest, where there is one: what it set and `after` no longer
/// sets falls back to a default.
pub fn changed_fields(
    kind: Kind,
    live: &Object,
    after: &Object,
    running: Option<&Object>,
) -> Vec<&'static str> {
    let differs = |pointer: &str, default: Value| {
        normal(live, pointer, &default) != normal(after, pointer, &default)
    };
    let mut changed = Vec::new();
    if matches!(kind, Kind::Deployment | Kind::StatefulSet)
        && differs("/spec/selector", Value::Null)
    {
        changed.push("selector");
    }
    match kind {
        Kind::StatefulSet => {
            if differs("/spec/serviceName", Value::Null) {
                changed.push("serviceName");
            }
            if claim_templates(live) != claim_templates(after) {
                changed.push("volumeClaimTemplates");
            }
            if differs("/spec/podManagementPolicy", "OrderedReady".into()) {
                changed.push("podManagementPolicy");
            }
        }
        // The template of a Job that has not begun yet may change.
        Kind::Job if live.0.pointer("/spec/suspend") != Some(&Value::Bool(true)) => {
            let template =
                |job: &Object| job.0.pointer("/spec/template").cloned().unwrap_or_default();
            let dropped =
                running.is_some_and(|running| !covers(&template(after), &template(running)));
            let planned = template(after);
            if !covers(&template(live), &planned) || dropped && !covers(&planned, &template(live)) {
                changed.push("template");
            }
        }
        _ => {}
    }
    changed
}

fn normal(object: &Object, pointer: &str, default: &Value) -> Value {
    let value = object
        .0
        .pointer(pointer)
        .map_or(Value::Null, without_empties);
    if is_empty(&value) {
        default.clone()
    } else {
        value
    }
}

fn claim_templates(statefulset: &Object) -> Vec<Value> {
    statefulset
        .array("/spec/volumeClaimTemplates")
        .iter()
        .map(claim_template)
        .collect()
}

pub(super) fn claim_template(template: &Value) -> Value {
    let mut normal = Map::new();
    for pointer in [
        "/metadata/name",
        "/metadata/labels",
        "/metadata/annotations",
        "/spec",
    ] {
        let value = template.pointer(pointer).map(without_empties);
        normal.insert(
            pointer.to_owned(),
            value.filter(|value| !is_empty(value)).unwrap_or_default(),
        );
    }
    if let Some(spec) = normal.get_mut("/spec").and_then(Value::as_object_mut) {
        spec.entry("volumeMode")
            .or_insert_with(|| "Filesystem".into());
        if let Some(requests) = spec
            .get_mut("resources")
            .and_then(|resources| resources.get_mut("requests"))
            && let Some(requests) = requests.as_object_mut()
        {
            for quantity in requests.values_mut() {
                if let Some(number) = parse_quantity(quantity) {
                    *quantity = number.into();
                }
            }
        }
    }
    Value::Object(normal)
}

/// Nulls, empty maps, lists and strings are what a field is by default.
fn without_empties(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), without_empties(value)))
                .filter(|(_, value)| !is_empty(value))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_empties).collect()),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Whether `whole`, which may contain defaults, contains all of `part`.
fn covers(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (_, part) if is_empty(part) => true,
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(key, part)| {
            is_empty(&without_empties(part))
                || whole.get(key).is_some_and(|whole| covers(whole, part))
        }),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len()
                && whole
                    .iter()
                    .zip(part)
                    .all(|(whole, part)| covers(whole, part))
        }
        (whole, part) => whole == part || same_quantity(whole, part),
    }
}

fn same_quantity(a: &Value, b: &Value) -> bool {
    matches!((parse_quantity(a), parse_quantity(b)), (Some(a), Some(b)) if a == b)
}

/// A resource quantity as a number: the API server writes `1024Mi` as `1Gi` and `0.5` as `500m`.
pub(in crate::rules) fn parse_quantity(value: &Value) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 14] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let (digits, factor) = SUFFIXES
                .iter()
                .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))
                .unwrap_or((text, 1.0));
            if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
                return None;
            }
            digits.parse::<f64>().ok().map(|number| number * factor)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(template: Value) -> Object {
        Object(json!({"spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "serviceName": "x",
            "volumeClaimTemplates": [template],
        }}))
    }

    fn live() -> Object {
        set(json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"},
            "metadata": {"name": "data", "creationTimestamp": null},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "32Gi"}}, "volumeMode": "Filesystem"},
        }))
    }

    #[test]
    fn spelling_is_no_change() {
        for template in [
            json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "32Gi"}}}}),
            json!({"metadata": {"name": "data", "annotations": {}, "labels": null}, "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": null, "resources": {"requests": {"storage": "32768Mi"}}, "dataSource": {}}}),
        ] {
            assert_eq!(
                changed_fields(Kind::StatefulSet, &live(), &set(template), None),
                Vec::<&str>::new()
            );
        }
    }

    #[test]
    fn a_size_a_label_a_class_is_a_change() {
        for template in [
            json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "100Gi"}}}}),
            json!({"metadata": {"name": "data", "labels": {"a": "b"}}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "32Gi"}}}}),
            json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "32Gi"}}}}),
        ] {
            assert_eq!(
                changed_fields(Kind::StatefulSet, &live(), &set(template), None),
                ["volumeClaimTemplates"]
            );
        }
    }

    #[test]
    fn selectors_and_policies_are_compared_after_defaulting() {
        let mut policy = live();
        policy.0["spec"]["podManagementPolicy"] = "OrderedReady".into();
        assert!(changed_fields(Kind::StatefulSet, &live(), &policy, None).is_empty());
        policy.0["spec"]["podManagementPolicy"] = "Parallel".into();
        policy.0["spec"]["selector"]["matchLabels"]["app"] = "y".into();
        policy.0["spec"]["serviceName"] = "y".into();
        assert_eq!(
            changed_fields(Kind::StatefulSet, &live(), &policy, None),
            ["selector", "serviceName", "podManagementPolicy"]
        );
    }

    #[test]
    fn a_jobs_template_may_be_defaulted_but_not_changed() {
        let job = |template: Value| Object(json!({"spec": {"template": template}}));
        let live = job(
            json!({"metadata": {"labels": {"app": "m", "job-name": "m"}}, "spec": {
            "restartPolicy": "OnFailure", "dnsPolicy": "ClusterFirst",
            "containers": [{"image": "a:1", "resources": {"limits": {"cpu": "500m"}}, "env": [{"name": "A"}]}]}}),
        );
        let same = job(
            json!({"metadata": {"labels": {"app": "m"}, "annotations": {}}, "spec": {
            "restartPolicy": "OnFailure", "containers": [{"image": "a:1", "resources": {"limits": {"cpu": 0.5}}, "env": [{"name": "A", "value": ""}]}]}}),
        );
        assert!(changed_fields(Kind::Job, &live, &same, None).is_empty());
        let mut newer = same.clone();
        newer.0["spec"]["template"]["spec"]["containers"][0]["image"] = "a:2".into();
        assert_eq!(changed_fields(Kind::Job, &live, &newer, None), ["template"]);
        let mut suspended = live.clone();
        suspended.0["spec"]["suspend"] = true.into();
        assert!(changed_fields(Kind::Job, &suspended, &newer, None).is_empty());
    }
}
