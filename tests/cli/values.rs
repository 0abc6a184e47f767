//! `convert` and `validate` of values files alone.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Output};

use serde_json::Value;

use crate::guard;

const BASE: &str = "\
# Our values.

# Brokers
zeebe:   # five of them
  # how many
  clusterSize: 5   # odd
  image:
    tag: 8.7.1
  service:
    httpPort: 9700
  env:
    - name: A
      value: s3cret-a

zeebeGateway:
  contextPath: /zeebe   # path
  env:
    # the gateway's own
    - name: B
      value: s3cret-b
# the end
";

const CONVERTED: &str = "\
# Our values.

# Brokers
orchestration:   # five of them
  # how many
  clusterSize: \"5\"   # odd
  # zeebe.image.tag: chart 13 does not read it, and has nothing in its place.
  # image:
  #   tag: 8.7.1
  service:
    managementPort: 9700
  env:
    - name: A
      value: s3cret-a
    # the gateway's own
    - name: B
      value: s3cret-b
  contextPath: /zeebe   # path

# the end
";

/// All that 13 wants to be told.
const DECIDED: &str = "\
console: {enabled: false}
identity: {enabled: true}
identityKeycloak: {enabled: true}
identityPostgresql: {enabled: false}
optimize: {enabled: false}
webModeler: {enabled: false}
webModelerPostgresql: {enabled: false}
orchestration:
  migration: {data: {enabled: true}, identity: {enabled: true}}
";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn run(folder: &Path, command: &str, args: &[&str]) -> Output {
    let folder = folder.to_str().unwrap();
    let args: Vec<_> = args.iter().map(|arg| arg.replace("DIR", folder)).collect();
    let args: Vec<_> = std::iter::once(command)
        .chain(args.iter().map(String::as_str))
        .collect();
    guard(&args)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn files_are_converted_where_they_change_and_kept_apart() {
    let folder = folder(&[("base.yaml", BASE), ("prod.yaml", DECIDED)]);
    let args = [
        "-f",
        "DIR/base.yaml",
        "-f",
        "DIR/prod.yaml",
        "--from",
        "12",
        "--to",
        "8.8",
    ];
    let to = ["--output-dir", "DIR/new/13"];
    let output = run(folder.path(), "convert", &[&args[..], &to].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let new = folder.path().join("new/13");
    assert_eq!(
        fs::read_to_string(new.join("base.yaml")).unwrap(),
        CONVERTED
    );
    assert_eq!(fs::read_to_string(new.join("prod.yaml")).unwrap(), DECIDED);
    for file in ["base.yaml", "prod.yaml"] {
        let mode = fs::metadata(new.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let said = text(&output.stdout);
    assert!(
        said.contains("base.yaml:6: zeebe.clusterSize: now orchestration.clusterSize"),
        "{said}"
    );
    assert!(!said.contains("s3cret") && !said.contains("9700"), "{said}");
    // What is there is not written over.
    let again = run(folder.path(), "convert", &[&args[..], &to].concat());
    assert_eq!(again.status.code(), Some(2));
    let said = text(&again.stderr);
    assert!(said.contains("base.yaml is there already"), "{said}");
    assert_eq!(
        fs::read_to_string(new.join("base.yaml")).unwrap(),
        CONVERTED
    );
}

#[test]
fn exit_codes_say_what_is_left() {
    let folder = folder(&[
        ("open.yaml", "connectors: {enabled: true}\n"),
        ("decided.yaml", DECIDED),
        ("bundled.yaml", "identityKeycloak: {enabled: true}\n"),
        ("broken.yaml", "a: [\n"),
        ("list.yaml", "- a\n"),
    ]);
    let to = |file: &str, from: &str, to: &str| {
        let file = format!("DIR/{file}");
        let output = run(
            folder.path(),
            "convert",
            &["-f", &file, "--from", from, "--to", to],
        );
        (output.status.code(), text(&output.stderr))
    };
    assert_eq!(to("decided.yaml", "12", "13").0, Some(0));
    assert_eq!(to("open.yaml", "12", "13").0, Some(3));
    assert_eq!(to("bundled.yaml", "14", "15").0, Some(1));
    for (file, from, target, because) in [
        (
            "broken.yaml",
            "12",
            "13",
            "broken.yaml is no values file: line ",
        ),
        ("list.yaml", "12", "13", "it holds no mapping"),
        ("none.yaml", "12", "13", "can't read"),
        ("open.yaml", "13", "12", "does not come after"),
        ("open.yaml", "13", "13.12.7", "does not come after"),
        ("open.yaml", "7", "13", "none of these"),
    ] {
        let (code, said) = to(file, from, target);
        assert_eq!(code, Some(2), "{file}: {said}");
        assert!(said.contains(because), "{file}: {said}");
    }
    let two = [
        "-f",
        "DIR/open.yaml",
        "-f",
        "DIR/open.yaml",
        "--from",
        "12",
        "--to",
        "13",
    ];
    let output = run(
        folder.path(),
        "convert",
        &[&two[..], &["--output-dir", "DIR/x"]].concat(),
    );
    assert!(text(&output.stderr).contains("names of their own"));
    let named = [&two[2..], &["-o", "camunda-13.yaml"]].concat();
    let output = run(folder.path(), "convert", &named);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("no format is called camunda-13.yaml; there are text, json"),
        "{said}"
    );
    let mixed = [&two[2..], &["camunda"]].concat();
    assert_eq!(run(folder.path(), "convert", &mixed).status.code(), Some(2));
}

#[test]
fn a_report_has_the_lines_of_the_user_s_files() {
    let folder = folder(&[("base.yaml", BASE)]);
    let args = ["-f", "DIR/base.yaml", "--from", "12", "--to", "15"];
    let formats = [
        "-o",
        "sarif=DIR/sarif",
        "-o",
        "json",
        "-o",
        "markdown=DIR/markdown",
        "-o",
        "yaml=DIR/yaml",
    ];
    let output = run(folder.path(), "convert", &[&args[..], &formats].concat());
    assert_eq!(output.status.code(), Some(3));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["kind"], "ValuesConversion");
    let findings = json["findings"].as_array().unwrap();
    let moved = |key: &str| {
        let found = findings.iter().find(|it| it["key"] == key).unwrap();
        (
            found["line"].as_u64(),
            found["kind"].as_str().unwrap(),
            found["to"].as_str().unwrap(),
        )
    };
    assert_eq!(moved("zeebe.service.httpPort"), (Some(10), "renamed", "13"));
    assert_eq!(moved("zeebeGateway.env"), (Some(17), "merged", "13"));
    assert_eq!(moved("orchestration.clusterSize"), (Some(6), "typed", "13"));
    let missing = moved("orchestration.data.secondaryStorage.type");
    assert_eq!(missing, (None, "decide", "14"));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let yaml: Value = serde_saphyr::from_str(&read("yaml")).unwrap();
    assert_eq!(yaml, json);
    let sarif: Value = serde_json::from_str(&read("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    for (result, finding) in results.iter().zip(findings) {
        let line = &result["locations"][0]["physicalLocation"]["region"]["startLine"];
        assert_eq!(line.as_u64(), Some(finding["line"].as_u64().unwrap_or(1)));
    }
    let markdown = read("markdown");
    assert!(
        markdown.contains("zeebe.service.httpPort: now orchestration.service.managementPort"),
        "{markdown}"
    );
    for text in [json.to_string(), sarif.to_string(), markdown] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn files_are_judged_for_a_line() {
    let folder = folder(&[
        ("old.yaml", BASE),
        ("new.yaml", CONVERTED),
        ("bare.yaml", "orchestration: {clusterSize: 3}\n"),
    ]);
    let judged = |file: &str, line: &str| {
        let file = format!("DIR/{file}");
        let output = run(folder.path(), "validate", &["-f", &file, "--line", line]);
        (output.status.code(), text(&output.stdout))
    };
    let (code, said) = judged("old.yaml", "13");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("old.yaml:6: zeebe.clusterSize"), "{said}");
    assert!(!said.contains("edited safely"), "{said}");
    let (code, said) = judged("new.yaml", "13");
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "Values for chart 13: they fit.\n")
    );
    let (code, said) = judged("bare.yaml", "13");
    assert_eq!(code, Some(1));
    assert!(said.contains("wants a text"), "{said}");
    // 14 wants to be told where its data is.
    let (code, said) = judged("new.yaml", "14");
    assert_eq!(code, Some(1));
    assert!(
        said.contains("orchestration.data.secondaryStorage.type"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("old.yaml")).unwrap(),
        BASE
    );
    assert_eq!(judged("none.yaml", "13").0, Some(2));
}
