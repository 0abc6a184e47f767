//! Texts that YAML and its readers may take for something else, in the values files that are printed.

use std::fs;

use camunda_upgrade_guard::{helm::manifest::Document, rules};
use harness::{Binaries, Helm, helm::HelmCli};
use serde_json::{Value, json};

use crate::scene::Scene;

/// Texts of labels. The last one ends the file.
fn labels() -> Value {
    json!({
        "empty": "", "space": " ", "no-break": "\u{a0}", "wide": "\u{3000}", "number": "0x1", "switch": "on", "none": "null",
        "tilde": "~", "date": "2001-01-01", "end": "a\n", "ends": "a\n\n", "colon": "a: b", "hash": "a #b", "merge": "<<",
        "z-no-break": "\u{a0}",
    })
}

fn read_by_helm(binaries: &Binaries, helm: Helm, yaml: &str) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}");
    write("file.yaml", yaml);
    fs::create_dir(dir.path().join("templates")).unwrap();
    write("templates/values.yaml", "values: {{ toJson .Values }}\n");
    let helm = HelmCli::new(binaries, helm, None, &dir.path().join("home"));
    let values = format!("--values={}", dir.path().join("file.yaml").display());
    let output = helm.template("c", dir.path(), "default", &[&values]);
    let rendered = output.ok().unwrap().stdout;
    let (_, values) = rendered.split_once("values: ").unwrap();
    serde_json::from_str(values.trim_end_matches('\n')).unwrap()
}

#[test]
fn odd_texts_are_read_back_as_they_were() {
    let values = json!({"zeebe": {"podLabels": labels(), "clusterSize": ""}});
    let scene = Scene::upgrade("12.13.3", "13.12.7").values(values.clone(), values);
    let (change, facts) = scene.judged();
    let (yaml, _) = rules::converted_file(&change, &facts).unwrap();
    let read = Document::new(&yaml).parse().unwrap().unwrap();
    assert_eq!(read["orchestration"]["podLabels"], labels(), "{yaml}");
    assert_eq!(read["orchestration"]["clusterSize"], "", "{yaml}");
    let end = yaml.trim_end_matches('\n');
    assert!(end.ends_with("z-no-break: \u{a0}"), "{yaml}");
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    for helm in Helm::BOTH {
        assert_eq!(read_by_helm(&binaries, helm, &yaml), read, "{yaml}");
    }
}

/// The nearest one that sets nothing.
#[test]
fn empty_texts_alone_are_not_moved() {
    let values = json!({"zeebe": {"podLabels": {"a": ""}, "clusterSize": "", "nodeSelector": {}}});
    let scene = Scene::upgrade("12.13.3", "13.12.7").values(values.clone(), values);
    let (change, facts) = scene.judged();
    let converted = rules::converted_file(&change, &facts);
    let read = converted.and_then(|(yaml, _)| Document::new(&yaml).parse().unwrap());
    assert_eq!(read, None);
}
