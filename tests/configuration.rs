//! The configuration's schema, its documentation and the code say the same.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

use std::{collections::BTreeSet, fs, path::Path};

use camunda_upgrade_guard::policy::Policy;
use harness::{Binaries, Helm, Schema};
use serde_json::Value;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&read("docs/configuration.schema.json")).unwrap()
}

/// The words that the code knows, by what it says of one that it does not know.
fn known(file: &str) -> BTreeSet<String> {
    let error = Policy::parse(file).unwrap_err().to_string();
    let (_, expected) = error.split_once("expected ").unwrap();
    let expected = expected.lines().next().unwrap();
    let words = expected.split(|c: char| !c.is_alphabetic());
    words
        .filter(|word| !["", "one", "of", "or"].contains(word))
        .map(str::to_owned)
        .collect()
}

fn keys(schema: &Value, pointer: &str) -> BTreeSet<String> {
    let node = schema.pointer(pointer).unwrap();
    let keys = node["properties"].as_object().unwrap().keys();
    assert_eq!(node["additionalProperties"], false, "{pointer}");
    keys.cloned().collect()
}

fn words(schema: &Value, pointer: &str) -> BTreeSet<String> {
    let words = schema.pointer(pointer).unwrap().as_array().unwrap().iter();
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_schema_knows_the_keys_and_words_of_the_code() {
    let schema = schema();
    for (unknown, pointer) in [
        ("nonsense: 1", ""),
        ("scopes: [{nonsense: 1}]", "/properties/scopes/items"),
        ("guarded: [{nonsense: 1}]", "/properties/guarded/items"),
    ] {
        assert_eq!(known(unknown), keys(&schema, pointer), "{unknown}");
    }
    for (unknown, pointer) in [
        ("mode: nonsense", "/definitions/mode/enum"),
        (
            "rules: {downgrade: nonsense}",
            "/definitions/rules/additionalProperties/enum",
        ),
        ("retainVolumes: nonsense", "/properties/retainVolumes/enum"),
    ] {
        assert_eq!(known(unknown), words(&schema, pointer), "{unknown}");
    }
}

#[test]
fn the_documentation_names_every_key() {
    let (schema, page) = (schema(), read("docs/configuration.md"));
    let example = page.split("```yaml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    for pointer in ["", "/properties/scopes/items", "/properties/guarded/items"] {
        for key in keys(&schema, pointer) {
            assert!(example.contains(&format!("{key}:")), "{key}");
        }
    }
}

/// Helm checks values by a schema: it takes and refuses what the code does.
#[test]
fn the_schema_takes_what_the_code_takes() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let schemas = Helm::BOTH
        .map(|helm| Schema::read(&binaries, helm, "docs/configuration.schema.json").unwrap());
    let page = read("docs/configuration.md");
    let mut examples: Vec<_> = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| (rest.split("```").next().unwrap(), true))
        .filter(|(example, _)| !example.contains("kind: ClusterRole"))
        .collect();
    assert_eq!(examples.len(), 2);
    examples.extend([
        ("{}\n", true),
        ("rule: {}\n", false),
        ("mode: loud\n", false),
        ("rules: {downgrade: never}\n", false),
        ("scopes: [{namespace: [a]}]\n", false),
        ("scopes: [{namespaces: a}]\n", false),
        ("scopes: [{namespaceLabels: [a]}]\n", false),
        ("retainVolumes: some\n", false),
        ("newestPatches: {twelve: 12.0.0}\n", false),
        ("newestPatches: [12.0.0]\n", false),
        ("guarded: [{}]\n", false),
        ("guarded: [{chart: a}]\n", false),
    ]);
    for (example, good) in examples {
        assert_eq!(Policy::parse(example).is_ok(), good, "{example}");
        for schema in &schemas {
            let output = schema.check(example).unwrap();
            assert_eq!(output.success(), good, "{example}: {}", output.report());
        }
    }
}
