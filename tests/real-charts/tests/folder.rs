//! The program on charts of the project's own, as somebody has theirs in a folder.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use harness::{Binaries, Output, Run, binaries::workspace};

fn folder(charts: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for chart in charts {
        let from = workspace().join("tests/charts").join(chart);
        let to = folder.path().join(chart);
        let copied = Run::new("cp").args(["-rL"]).args([&from, &to]).output();
        copied.unwrap().ok().unwrap();
    }
    folder
}

/// The guard's program, which a test of the whole workspace builds beside this one.
fn guard() -> PathBuf {
    let beside =
        Path::new(env!("CARGO_BIN_EXE_real-charts")).with_file_name("camunda-upgrade-guard");
    assert!(
        beside.is_file(),
        "cargo build -p camunda-upgrade-guard makes {}",
        beside.display()
    );
    beside
}

fn run(folder: &Path, guard: &Path) -> Output {
    Run::new(env!("CARGO_BIN_EXE_real-charts"))
        .args([folder, "--guard".as_ref(), guard])
        .output()
        .unwrap()
}

#[test]
fn a_folder_without_two_charts_is_said_to_be_one() {
    let folder = folder(&["camunda-12", "unrelated"]);
    let said = run(folder.path(), &workspace().join("Cargo.toml"));
    assert_eq!(said.code, Some(2));
    assert!(said.text().contains("no two charts"), "{}", said.report());
    let said = run(
        &folder.path().join("nowhere"),
        &workspace().join("Cargo.toml"),
    );
    assert!(said.text().contains("there is no"), "{}", said.report());
}

/// From 12 to 13 by the printed block; from 8.2 to 8.3 by it, too, with values of one's own.
#[test]
fn every_two_charts_are_upgraded_as_they_are_and_as_it_is_printed() {
    if Binaries::find_or_skip().is_none() {
        return;
    }
    let folder = folder(&["camunda-8.2", "camunda-8.3", "camunda-12", "camunda-13"]);
    fs::write(
        folder.path().join("values-8.2.34.yaml"),
        "zeebe: {clusterSize: 3}\n",
    )
    .unwrap();
    let said = run(folder.path(), &guard());
    let table: Vec<_> = said.stdout.lines().skip(2).collect();
    assert_eq!(table.len(), 2, "{}", said.report());
    // 8.3 wants its passwords given, and fails by itself.
    let starts = [
        "| 8.2.34 | 8.3.1 | failed: ",
        "| 12.13.3 | 13.13.0 | refused: ",
    ];
    for (row, start) in table.iter().zip(starts) {
        let ends_well = row.starts_with(start) && row.ends_with(" | admitted |");
        assert!(ends_well, "{row}");
    }
    assert_eq!(said.code, Some(0), "{}", said.report());
}
