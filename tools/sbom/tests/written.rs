//! What is written is CycloneDX, and tells of every crate what it has to.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

use std::{collections::BTreeSet, fs};

use harness::{Binaries, Helm, Run, Schema};
use serde_json::{Value, json};

const BILLS: [&str; 2] = ["camunda-upgrade-guard.cdx.json", "image.cdx.json"];

fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::new(env!("CARGO_BIN_EXE_sbom")).args([folder.path()]);
    run.output().unwrap().ok().unwrap();
    folder
}

fn read(folder: &tempfile::TempDir, file: &str) -> String {
    fs::read_to_string(folder.path().join(file)).unwrap()
}

fn components(bill: &Value) -> &[Value] {
    bill["components"].as_array().unwrap()
}

#[test]
fn both_bills_are_cyclonedx() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let folder = written();
    let schema = "tests/schemas/cyclonedx-1.5.schema.json";
    let schema = Schema::read(&binaries, Helm::V4, schema).unwrap();
    for bill in BILLS {
        let text = read(&folder, bill);
        schema.check(&text).unwrap().ok().unwrap();
        let mut wrong: Value = serde_json::from_str(&text).unwrap();
        wrong["components"][0]["type"] = json!("crate");
        let complaint = schema.check(&wrong.to_string()).unwrap();
        assert!(!complaint.success(), "{}", complaint.report());
    }
}

#[test]
fn every_crate_has_a_name_a_version_a_licence_and_an_address() {
    let folder = written();
    let bill: Value = serde_json::from_str(&read(&folder, BILLS[0])).unwrap();
    assert_eq!(bill["metadata"]["component"]["type"], "application");
    let crates = components(&bill);
    for component in crates {
        let text = |key: &str| component[key].as_str().unwrap();
        let purl = format!("pkg:cargo/{}@{}", text("name"), text("version"));
        assert_eq!(text("purl"), purl.replace('+', "%2B"));
        let licence = component["licenses"][0]["expression"].as_str().unwrap();
        assert!(!licence.is_empty() && !licence.contains('/'), "{component}");
    }
    let of_scope = |scope: &str| -> BTreeSet<_> {
        let found = crates.iter().filter(|it| it["scope"] == scope);
        found.map(|it| it["name"].as_str().unwrap()).collect()
    };
    let (linked, built_with) = (of_scope("required"), of_scope("excluded"));
    for name in ["upgrade-rules", "kube", "rustls", "serde_json", "zlib-rs"] {
        assert!(linked.contains(name), "{name}");
    }
    for name in ["serde_derive", "proc-macro2", "cc"] {
        assert!(built_with.contains(name), "{name}");
    }
    // What only tests need, and what is for other systems.
    for name in ["proptest", "insta", "harness", "windows-sys"] {
        assert!(
            !linked.contains(name) && !built_with.contains(name),
            "{name}"
        );
    }
    let dependencies = bill["dependencies"].as_array().unwrap();
    let program = &bill["metadata"]["component"]["bom-ref"];
    let own = dependencies
        .iter()
        .find(|it| it["ref"] == *program)
        .unwrap();
    let needs = own["dependsOn"].as_array().unwrap();
    assert!(
        needs
            .iter()
            .any(|it| it.as_str().unwrap().starts_with("pkg:cargo/kube@"))
    );
}

/// The image has the program in it, and all that the program has.
#[test]
fn the_image_is_the_program() {
    let folder = written();
    let [program, image] = BILLS.map(|file| read(&folder, file));
    let [program, image]: [Value; 2] =
        [program, image].map(|text| serde_json::from_str(&text).unwrap());
    assert_eq!(image["metadata"]["component"]["type"], "container");
    let (first, others) = components(&image).split_first().unwrap();
    assert_eq!(first, &program["metadata"]["component"]);
    assert_eq!(others, components(&program));
}

#[test]
fn the_same_commit_makes_the_same_files() {
    let folders = [written(), written()];
    for file in BILLS.into_iter().chain(["THIRD-PARTY.txt"]) {
        let [one, other] = folders.each_ref().map(|folder| read(folder, file));
        assert!(one == other, "{file}");
    }
}

#[test]
fn licences_come_with_their_texts() {
    let folder = written();
    let text = read(&folder, "THIRD-PARTY.txt");
    let (list, texts) = text.split_once("\n----").unwrap();
    let bill: Value = serde_json::from_str(&read(&folder, BILLS[0])).unwrap();
    let linked = components(&bill)
        .iter()
        .filter(|it| it["scope"] == "required");
    for component in linked.filter(|it| it["name"] != "upgrade-rules") {
        let text = |key: &str| component[key].as_str().unwrap();
        let licence = component["licenses"][0]["expression"].as_str().unwrap();
        let line = format!("\n{} {}: {licence}", text("name"), text("version"));
        assert!(list.contains(&line), "{line}");
    }
    assert!(!list.contains("upgrade-rules"));
    for part in ["Permission is hereby granted", "Apache License", "ring"] {
        assert!(texts.contains(part), "{part}");
    }
}
