//! Several formats of one run, to standard output and into files.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Output,
};

use serde_json::{Value, json};

use crate::guard;

/// A first installation with a data migration, which has nothing to migrate.
const MANIFEST: &str = r"---
# Source: camunda-platform/templates/orchestration/migration-data-job.yaml
apiVersion: batch/v1
kind: Job
metadata:
  name: camunda-zeebe-migration-data
  labels:
    app.kubernetes.io/component: orchestration-migration
    app.kubernetes.io/instance: camunda
    app.kubernetes.io/part-of: camunda-platform
    helm.sh/chart: camunda-platform-13.12.7
spec:
  template:
    spec: {containers: [{name: migration, image: 'camunda/camunda:8.8.9', command: [/usr/local/camunda/bin/data-migration]}]}
---
# Source: camunda-platform/templates/orchestration/statefulset.yaml
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: camunda-zeebe
  labels:
    app.kubernetes.io/component: zeebe-broker
    app.kubernetes.io/instance: camunda
    app.kubernetes.io/part-of: camunda-platform
    helm.sh/chart: camunda-platform-13.12.7
spec:
  template:
    spec: {containers: [{name: zeebe, image: 'camunda/camunda:8.8.9'}]}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}]
";

/// A folder with an upgrade and an empty namespace to judge it against.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("snapshot");
    for part in ["objects", "releases"] {
        fs::create_dir_all(snapshot.join(part)).unwrap();
    }
    let meta = json!({
        "apiVersion": "camunda-upgrade-guard/v1", "kind": "Snapshot", "namespace": "camunda",
        "takenAt": "2026-11-30T00:00:00Z", "takenBy": "0.1.0", "salt": "00", "notRead": [],
    });
    fs::write(snapshot.join("snapshot.json"), meta.to_string()).unwrap();
    fs::write(folder.path().join("manifest.yaml"), MANIFEST).unwrap();
    fs::write(folder.path().join("values.yaml"), "global: {a: 1}\n").unwrap();
    folder
}

fn check(folder: &Path, outputs: &[String]) -> Output {
    let [manifest, values, snapshot] = ["manifest.yaml", "values.yaml", "snapshot"]
        .map(|name| folder.join(name).to_str().unwrap().to_owned());
    let mut args = vec!["check", "camunda", "-i", &manifest, "-f", &values];
    args.extend(["--snapshot", &snapshot]);
    args.extend(outputs.iter().flat_map(|output| ["-o", output]));
    guard(&args)
}

/// The names of what is in a folder beside what it began with.
fn written(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
    let given = ["manifest.yaml", "values.yaml", "snapshot"];
    let mut names: Vec<_> = names.filter(|it| !given.contains(&it.as_str())).collect();
    names.sort();
    names
}

#[test]
fn each_format_of_a_run_is_what_it_is_alone() {
    let folder = folder();
    let formats = ["text", "json", "yaml", "sarif", "junit", "markdown", "html"];
    let file = |format: &str| folder.path().join(format!("report={format}"));
    let into_files = formats.map(|format| format!("{format}={}", file(format).display()));
    let quiet = check(folder.path(), &into_files);
    assert_eq!(quiet.status.code(), Some(1), "{quiet:?}");
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty());
    for format in formats {
        let alone = check(folder.path(), &[format.to_owned()]);
        assert_eq!(alone.status.code(), Some(1));
        assert_eq!(fs::read(file(format)).unwrap(), alone.stdout, "{format}");
        assert!(!alone.stdout.is_empty());
    }
    assert_eq!(written(folder.path()).len(), formats.len());
    let beside = [
        "text=-".to_owned(),
        format!("json={}", file("json").display()),
    ];
    let beside = check(folder.path(), &beside);
    assert_eq!(beside.stdout, fs::read(file("text")).unwrap());
    assert_eq!(beside.stdout, check(folder.path(), &[]).stdout);
}

#[test]
fn a_file_is_replaced_whole_and_a_link_stays_one() {
    let folder = folder();
    let [file, link] = ["report.json", "link"].map(|name| folder.path().join(name));
    fs::write(&file, "x".repeat(1 << 20)).unwrap();
    symlink("report.json", &link).unwrap();
    let output = check(folder.path(), &[format!("json={}", link.display())]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["outcome"], "refused");
    assert_eq!(written(folder.path()), ["link", "report.json"]);
    // It is no secret: what uploads it may run as somebody else.
    let new = folder.path().join("new.json");
    check(folder.path(), &[format!("json={}", new.display())]);
    let [mode, usual] = [&new, &folder.path().join("manifest.yaml")]
        .map(|file| fs::metadata(file).unwrap().permissions().mode());
    assert_eq!(mode, usual);
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is() {
    let folder = folder();
    let file = folder.path().join("report.json");
    fs::write(&file, "before").unwrap();
    let name = file.display();
    let fine = format!("json={name}");
    let missing = folder.path().join("missing/report.xml");
    for (output, because) in [
        (format!("yaml={name}"), format!("two formats go to {name}")),
        (
            format!("junit={}", missing.display()),
            format!("can't write {}: No such file", missing.display()),
        ),
        (
            format!("junit={}", folder.path().display()),
            "it is a folder".to_owned(),
        ),
        ("junit=".to_owned(), "junit= names no file".to_owned()),
        (
            "pdf=report.pdf".to_owned(),
            "[possible values: text, json, yaml, sarif, junit, markdown, html]".to_owned(),
        ),
    ] {
        let failed = check(folder.path(), &[fine.clone(), output]);
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(2), "{said}");
        assert!(said.contains(&because), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "before");
    }
    let both = ["json".to_owned(), "yaml=-".to_owned()];
    let both = String::from_utf8(check(folder.path(), &both).stderr).unwrap();
    assert!(both.contains("only one format can go to standard output"));
    assert_eq!(written(folder.path()), ["report.json"]);
}

/// A device stays what it is, and one file that fails keeps the others from nothing.
#[test]
fn a_device_is_written_through() {
    let folder = folder();
    let file = folder.path().join("report.json");
    let outputs = [
        "sarif=/dev/full".to_owned(),
        format!("json={}", file.display()),
        "text".to_owned(),
    ];
    let output = check(folder.path(), &outputs);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("can't write /dev/full: "), "{said}");
    assert!(file.exists() && !output.stdout.is_empty());
    let nothing = check(folder.path(), &["text=/dev/null".to_owned()]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}
