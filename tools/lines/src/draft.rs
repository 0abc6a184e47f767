//! The draft of a line's data file.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    chart::Chart,
    workloads::{self, Immutable, Workload},
};

/// What a chart tells by itself; who adds a line has to know the rest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    pub line: String,
    pub application: String,
    pub newest_patch: Patch,
    #[serde(rename = "helmCLI")]
    pub helm: Vec<String>,
    pub workloads: Vec<Workload>,
    /// The values that the schema wants as texts, and that are numbers by default or by habit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text_values: Vec<String>,
    /// The keys that the line before has and this one has not.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped_values: BTreeMap<String, Option<String>>,
    /// What is immutable and other than before. A line's file has it under `fixed`, once somebody has said since when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed_immutable_fields: Vec<Immutable>,
}

#[derive(Debug, Serialize)]
pub struct Patch {
    pub version: String,
}

impl Draft {
    pub fn of(chart: &Chart, before: Option<&Chart>) -> Self {
        Self {
            line: chart.line(),
            application: chart.application(),
            newest_patch: Patch {
                version: chart.metadata.version.clone(),
            },
            helm: chart.helm().into_iter().map(str::to_owned).collect(),
            workloads: workloads::all(&chart.objects).map(|(_, it)| it).collect(),
            text_values: text_values(chart),
            dropped_values: before.map_or_else(BTreeMap::new, |before| dropped(before, chart)),
            changed_immutable_fields: before.map_or_else(Vec::new, |before| changed(before, chart)),
        }
    }

    pub fn yaml(&self) -> Result<String> {
        Ok(serde_saphyr::to_string(self)?)
    }
}

/// The keys with a string in the schema whose default is a number in quotes, or nothing.
fn text_values(chart: &Chart) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(schema) = &chart.schema {
        walk(schema, "", &mut |key, node| {
            let pointer = format!("/{}", key.replace('.', "/"));
            let default = chart.defaults.pointer(&pointer);
            let number = default.and_then(Value::as_str);
            let is_number = number.is_some_and(|text| text.parse::<f64>().is_ok());
            if node["type"] == "string" && is_number {
                found.push(key.to_owned());
            }
        });
    }
    found.sort();
    found
}

/// Calls for each property of a schema, with its dotted key.
fn walk(schema: &Value, above: &str, call: &mut impl FnMut(&str, &Value)) {
    let properties = schema["properties"].as_object();
    for (name, node) in properties.into_iter().flatten() {
        let key = dotted(above, name);
        call(&key, node);
        walk(node, &key, call);
    }
}

/// The dotted key of what stands below another one.
fn dotted(above: &str, name: &str) -> String {
    match above {
        "" => name.to_owned(),
        above => format!("{above}.{name}"),
    }
}

/// The keys that are gone, the highest of each branch only.
fn dropped(before: &Chart, after: &Chart) -> BTreeMap<String, Option<String>> {
    let mut gone = BTreeMap::new();
    let (Some(before), Some(after)) = (before.defaults.as_object(), after.defaults.as_object())
    else {
        return gone;
    };
    compare(before, after, "", &mut gone);
    gone
}

fn compare(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    above: &str,
    gone: &mut BTreeMap<String, Option<String>>,
) {
    for (name, old) in before {
        let key = dotted(above, name);
        match (old, after.get(name)) {
            (_, None) => {
                gone.insert(key, None);
            }
            (Value::Object(old), Some(Value::Object(new))) => compare(old, new, &key, gone),
            _ => {}
        }
    }
}

/// The workloads that are on both sides and differ in what can't be changed.
fn changed(before: &Chart, after: &Chart) -> Vec<Immutable> {
    let old: Vec<_> = workloads::all(&before.objects)
        .filter_map(|(object, workload)| Some((workload.kind, workloads::immutable(object)?)))
        .collect();
    let new = workloads::all(&after.objects)
        .filter_map(|(object, workload)| Some((workload.kind, workloads::immutable(object)?)));
    new.filter(|(kind, new)| {
        let mut same_name = old
            .iter()
            .filter(|(other, old)| other == kind && old.name == new.name);
        same_name.any(|(_, old)| old != new)
    })
    .map(|(_, new)| new)
    .collect()
}
