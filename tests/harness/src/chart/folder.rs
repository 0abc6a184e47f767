//! Writes a chart's folder: templates where the real ones were, and the subcharts around them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::document::Document;
use super::{Chart, Secrets, secrets};
use crate::corpus::Record;

pub(super) fn write(
    dir: &Path,
    record: &Record,
    documents: &[Document],
    mode: Secrets,
) -> Result<Chart> {
    let name = record.chart_metadata["name"]
        .as_str()
        .context("the chart's name")?
        .to_owned();
    let root = tempfile::Builder::new()
        .prefix(&format!("{}-", record.name))
        .tempdir_in(dir)?
        .keep();
    let path = root.join(&name);

    let mut metadata = record.chart_metadata.clone();
    let dependencies = dependencies(&mut metadata);
    put(&path.join("Chart.yaml"), &pretty(&metadata)?)?;
    put(&path.join("values.yaml"), &pretty(&record.values)?)?;
    let config = root.join("config.yaml");
    put(&config, &pretty(&user_values(record))?)?;

    let mut templates: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut subcharts: BTreeSet<String> = BTreeSet::new();
    for document in documents {
        let text = template(document, record, mode);
        templates.entry(&document.source).or_default().push(text);
        subcharts.extend(subcharts_above(&document.source));
    }
    for (source, texts) in templates {
        put(&path.join(source), &texts.join("\n---\n"))?;
    }
    subcharts.extend(dependencies.keys().map(|name| format!("charts/{name}")));
    for subchart in &subcharts {
        let name = subchart.rsplit('/').next().unwrap_or_default();
        let direct = format!("charts/{name}") == *subchart;
        let version = dependencies.get(name).filter(|_| direct);
        let version = version.map_or("0.0.0", String::as_str);
        let stub = json!({"apiVersion": "v2", "name": name, "version": version});
        put(&path.join(subchart).join("Chart.yaml"), &pretty(&stub)?)?;
    }
    Ok(Chart {
        path,
        name,
        version: record.version.clone(),
        config,
        left_out: Vec::new(),
    })
}

fn template(document: &Document, record: &Record, mode: Secrets) -> String {
    let escaped = document.text.replace("{{", r#"{{ "{{" }}"#);
    let text = in_release_namespace(&escaped, &record.namespace);
    secrets::with_sources(document, text, mode)
}

/// Replaces the namespace that the record was rendered for by that of the release.
fn in_release_namespace(text: &str, namespace: &str) -> String {
    const HERE: &str = "{{ .Release.Namespace }}";
    let plain = format!("namespace: {namespace}");
    let lines = text
        .split('\n')
        .map(|line| match line.strip_suffix(&plain) {
            Some(before) => format!("{before}namespace: {HERE}"),
            None => line.to_owned(),
        });
    lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace(
            &format!("namespace: \"{namespace}\""),
            &format!("namespace: \"{HERE}\""),
        )
        .replace(&format!(".{namespace}.svc"), &format!(".{HERE}.svc"))
        .replace(&format!(".{namespace}:"), &format!(".{HERE}:"))
}

/// Returns the declared subcharts with a version that each range accepts. A record has only enabled subcharts, so
/// removes their conditions: other values must not disable them.
fn dependencies(metadata: &mut Value) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let declared = metadata["dependencies"].as_array_mut();
    for dependency in declared.map(|list| list.iter_mut()).into_iter().flatten() {
        if let Some(fields) = dependency.as_object_mut() {
            for gate in ["condition", "tags", "import-values", "enabled"] {
                fields.remove(gate);
            }
        }
        let range = dependency["version"].as_str().unwrap_or("0.0.0");
        let version = range
            .trim_start_matches(['^', '~', '=', 'v'])
            .replace('x', "0");
        if let Some(name) = dependency["name"].as_str() {
            versions.insert(name.to_owned(), version);
        }
    }
    versions
}

/// Returns the subcharts around a template: `charts/identity` and `charts/identity/charts/keycloak` for
/// `charts/identity/charts/keycloak/templates/x.yaml`.
fn subcharts_above(source: &str) -> Vec<String> {
    let parts: Vec<&str> = source.split('/').collect();
    let mut found = Vec::new();
    let mut at = 0;
    while parts.get(at) == Some(&"charts") && at + 1 < parts.len() {
        at += 2;
        found.push(parts[..at].join("/"));
    }
    found
}

fn user_values(record: &Record) -> Value {
    match &record.config {
        Value::Null => json!({}),
        config => config.clone(),
    }
}

pub(super) fn pretty(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)?)
}

pub(super) fn put(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
