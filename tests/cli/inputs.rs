//! What `check` is given and can't use: that is said before any cluster is asked.

use std::{fs, io::Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde_json::json;

use crate::guard;

#[test]
fn an_input_that_cannot_be_read_is_named_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(&vec![b' '; 33 << 20]).unwrap();
    let bomb = STANDARD.encode(bomb.finish().unwrap());
    let record = |data: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "sh.helm.release.v1.camunda.v2"}, "data": {"release": data},
        })
        .to_string()
    };
    let yaml = "---\n# Source: camunda-platform/templates/a.yaml\nkind: ConfigMap\n---\n# Source: camunda-platform/templates/b.yaml\nkind: Secret\nstringData: {password: hunter2\n";
    for (name, text, expected) in [
        (
            "broken.yaml",
            yaml.to_owned(),
            "broken.yaml: document 2 (camunda-platform/templates/b.yaml), line 7 ",
        ),
        (
            "cut.json",
            record(&bomb)[..900].to_owned(),
            "cut.json is neither a Helm release nor a Kubernetes object: it ends too early at line 1",
        ),
        (
            "cut-record.json",
            record(&bomb[..400]),
            "cut-record.json: sh.helm.release.v1.camunda.v2 can't be decoded: data.release does not inflate: ",
        ),
        (
            "bomb.json",
            record(&bomb),
            "bomb.json: sh.helm.release.v1.camunda.v2 can't be decoded: data.release inflates to more than ",
        ),
        (
            "empty.yaml",
            String::new(),
            "empty.yaml is empty: helm has said why",
        ),
        (
            "error.txt",
            "Error: UPGRADE FAILED: no\n".to_owned(),
            "error.txt holds an error of helm's, not an upgrade",
        ),
    ] {
        let file = dir.path().join(name);
        fs::write(&file, text).unwrap();
        let output = guard(&["check", "camunda", "-i", file.to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains(expected), "{name}: {said}");
        assert!(
            output.stdout.is_empty() && !said.contains("hunter2"),
            "{name}: {said}"
        );
    }
    let values = dir.path().join("values.yaml");
    fs::write(&values, "- no\n- mapping\n").unwrap();
    let manifest = dir.path().join("good.yaml");
    fs::write(&manifest, "kind: ConfigMap\n").unwrap();
    let [manifest, values] = [&manifest, &values].map(|file| file.to_str().unwrap());
    let output = guard(&["check", "camunda", "-i", manifest, "-f", values]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("values.yaml is no values file: it holds no mapping"),
        "{said}"
    );
}
