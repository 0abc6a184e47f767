//! The program on charts of the project's own, which have the names, images, users and claims of real ones.

#![allow(clippy::unwrap_used)]

use std::{env, fs, path::PathBuf};

use harness::{Binaries, Output, Run, binaries::workspace};

/// A copy of a chart, as Helm unpacks one: without links.
fn unpacked(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join(name);
    let from = workspace().join("tests/charts").join(name);
    let copied = Run::new("cp").args(["-rL"]).args([&from, &chart]).output();
    copied.unwrap().ok().unwrap();
    (folder, chart)
}

/// Runs the program with the helm of the tests on the path.
fn lines(binaries: &Binaries, args: &[&str]) -> Output {
    let bin = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&binaries.helm3, bin.path().join("helm")).unwrap();
    let others = env::var("PATH").unwrap_or_default();
    let path = format!("{}:{others}", bin.path().display());
    Run::new(env!("CARGO_BIN_EXE_lines"))
        .args(["from-chart"])
        .args(args)
        .env("PATH", path)
        .output()
        .unwrap()
}

#[test]
fn a_draft_has_what_the_chart_says() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let (_old, before) = unpacked("camunda-12");
    let (_new, chart) = unpacked("camunda-13");
    let before = before.display().to_string();
    let said = lines(
        &binaries,
        &[&chart.display().to_string(), "--before", &before],
    );
    let draft = said.ok().unwrap().stdout;
    let draft: serde_json::Value = serde_saphyr::from_str(&draft).unwrap();
    assert_eq!(draft["line"], "13");
    assert_eq!(draft["application"], "8.8");
    assert_eq!(draft["newestPatch"]["version"], "13.13.0");
    let workloads = draft["workloads"].as_array().unwrap();
    let brokers = workloads.iter().find(|it| it["name"] == "-zeebe").unwrap();
    assert_eq!(brokers["kind"], "StatefulSet");
    assert_eq!(brokers["claim"], "data");
    assert!(
        brokers["image"]
            .as_str()
            .unwrap()
            .starts_with("camunda/camunda:8.8.")
    );
    // What 12 has and 13 has not.
    let dropped = draft["droppedValues"].as_object().unwrap();
    assert!(
        dropped.contains_key("zeebe") && dropped.contains_key("operate"),
        "{dropped:?}"
    );
    assert!(!dropped.contains_key("global"));
}

#[test]
fn a_line_that_says_otherwise_is_told() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let (_folder, chart) = unpacked("camunda-13");
    let path = chart.display().to_string();
    let values = chart.join("values.yaml");
    let text = fs::read_to_string(&values).unwrap();
    let said = lines(
        &binaries,
        &[&path, "--compare", "--", "--set=orchestration.pvcSize=77Gi"],
    );
    assert_eq!(said.code, Some(1), "{}", said.report());
    assert!(
        said.stdout
            .contains("workloads: -zeebe has storage 32Gi here, 77Gi in the chart"),
        "{}",
        said.report()
    );
    assert_eq!(
        fs::read_to_string(&values).unwrap(),
        text,
        "a chart is only read"
    );
}

#[test]
fn what_is_no_chart_is_said_to_be_none() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let (_folder, chart) = unpacked("camunda-13");
    let said = lines(&binaries, &[&chart.join("templates").display().to_string()]);
    assert_eq!(said.code, Some(2));
    assert!(said.text().contains("Chart.yaml"), "{}", said.report());
    let path = chart.display().to_string();
    let said = lines(
        &binaries,
        &[&path, "--", "--set=no-such-flag", "--nonsense"],
    );
    assert_eq!(said.code, Some(2));
    assert!(
        said.text().contains("helm can't render"),
        "{}",
        said.report()
    );
}
