//! The configuration's schemas, its documentation, the chart and the code say the same.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

use std::{collections::BTreeSet, fs, path::Path};

use camunda_upgrade_guard::policy::Policy;
use harness::{Binaries, Helm, HelmCli, Schema};
use serde_json::Value;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&read("docs/configuration.schema.json")).unwrap()
}

fn keys(schema: &Value, pointer: &str) -> BTreeSet<String> {
    let node = schema.pointer(pointer).unwrap();
    let keys = node["properties"].as_object().unwrap().keys();
    assert_eq!(node["additionalProperties"], false, "{pointer}");
    keys.cloned().collect()
}

#[test]
fn the_documentation_names_every_key() {
    let (schema, page) = (schema(), read("docs/configuration.md"));
    let example = page.split("```yaml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    for pointer in ["", "/definitions/Scope", "/definitions/Guarded"] {
        for key in keys(&schema, pointer) {
            assert!(example.contains(&format!("{key}:")), "{key}");
        }
    }
}

/// The configurations that the documentation shows, and some beside them; whether each is one.
fn examples(page: &str) -> Vec<(&str, bool)> {
    let blocks = page.split("```yaml\n").skip(1);
    let mut examples: Vec<_> = blocks
        .map(|rest| (rest.split("```").next().unwrap(), true))
        .filter(|(example, _)| !example.contains("kind: ClusterRole"))
        .collect();
    assert_eq!(examples.len(), 2);
    examples.extend([
        ("{}\n", true),
        ("rules: {release-notes: warn}\n", true),
        ("rules: {relase-notes: warn}\n", false),
        ("scopes: [{rules: {relase-notes: warn}}]\n", false),
        ("rule: {}\n", false),
        ("mode: loud\n", false),
        ("rules: {downgrade: never}\n", false),
        ("scopes: [{namespace: [a]}]\n", false),
        ("scopes: [{namespaces: a}]\n", false),
        ("scopes: [{namespaceLabels: [a]}]\n", false),
        ("scopes: [{mode: }]\n", false),
        ("retainVolumes: some\n", false),
        ("newestPatches: {twelve: 12.0.0}\n", false),
        ("newestPatches: [12.0.0]\n", false),
        ("guarded: [{}]\n", false),
        ("guarded: [{chart: a}]\n", false),
    ]);
    examples
}

/// Helm checks values by a schema: it takes and refuses what the code does.
#[test]
fn the_schema_takes_what_the_code_takes() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let schemas = Helm::BOTH
        .map(|helm| Schema::read(&binaries, helm, "docs/configuration.schema.json").unwrap());
    for (example, good) in examples(&read("docs/configuration.md")) {
        assert_eq!(Policy::parse(example).is_ok(), good, "{example}");
        for schema in &schemas {
            let output = schema.check(example).unwrap();
            assert_eq!(output.success(), good, "{example}: {}", output.report());
        }
    }
}

/// The chart's values have a schema of their own; what it takes arrives in the ConfigMap as it was meant.
#[test]
fn the_chart_takes_what_the_code_takes() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/chart");
    for (example, good) in examples(&read("docs/configuration.md")) {
        let file = folder.path().join("values.yaml");
        let indented = example.lines().map(|line| format!("  {line}\n"));
        let values = format!("config:\n{}", indented.collect::<String>());
        fs::write(&file, values).unwrap();
        let args = [
            &*format!("--values={}", file.display()),
            "--set=image.repository=registry.example.com/guard",
            "--show-only=templates/config.yaml",
        ];
        for helm in Helm::BOTH {
            let helm = HelmCli::new(&binaries, helm, None, folder.path());
            let output = helm.template("guard", &chart, "guard", &args);
            assert_eq!(output.success(), good, "{example}: {}", output.report());
            if good {
                let (_, data) = output.stdout.split_once("config.yaml: |\n").unwrap();
                let installed = Policy::parse(data).unwrap();
                assert_eq!(installed, Policy::parse(example).unwrap(), "{data}");
            }
        }
    }
}
