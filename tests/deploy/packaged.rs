//! The chart as it is published, and the one version of everything.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use harness::{Binaries, Helm, HelmCli, Run, binaries::workspace};
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::rendered::chart;

const VERSION: &str = env!("CARGO_PKG_VERSION");

const IMAGE: &str = concat!("example.test/guard:", env!("CARGO_PKG_VERSION"));

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join(file)).unwrap()
}

#[test]
fn the_archive_says_all_that_the_publisher_knows() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for helm in Helm::BOTH {
        let out = folder.path().join(helm.name());
        let program = match helm {
            Helm::V3 => &binaries.helm3,
            Helm::V4 => &binaries.helm4,
        };
        let packed = Run::new(workspace().join("packaging/chart.sh"))
            .args([&out])
            .env("HELM", program)
            .env("HOMEPAGE", "https://example.test/guard")
            .env("DOCUMENTATION", "https://example.test/docs")
            .env("IMAGE", IMAGE);
        let packed = packed.output().unwrap().ok().unwrap();
        let archive = packed.stdout.trim();
        let helm = HelmCli::new(&binaries, helm, None, folder.path());
        helm.run(&["lint", "--strict", archive]).ok().unwrap();
        let shown = helm.run(&["show", "chart", archive]).ok().unwrap();
        let shown: Value = serde_saphyr::from_str(&shown.stdout).unwrap();
        assert_eq!(shown["home"], "https://example.test/guard");
        assert_eq!(shown["sources"], json!(["https://example.test/guard"]));
        let annotation = |name: &str| {
            let text = shown["annotations"][format!("artifacthub.io/{name}")].clone();
            serde_saphyr::from_str::<Value>(text.as_str().unwrap()).unwrap()
        };
        assert_eq!(annotation("images")[0]["image"], IMAGE);
        let rendered = helm.template("guard", Path::new(archive), "guard", &[]);
        let rendered = rendered.ok().unwrap().stdout;
        assert!(rendered.contains(&format!("image: \"{IMAGE}\"")));
        let page = helm.run(&["show", "readme", archive]).ok().unwrap();
        let row = "| `image.repository` | `\"example.test/guard\"` |";
        assert!(page.stdout.contains(row), "{}", page.stdout);
        assert_eq!(annotation("links")[0]["url"], "https://example.test/docs");
        let changes = annotation("changes");
        let first = changes[0].as_str().unwrap();
        assert!(!first.contains("](") && !first.starts_with('*'), "{first}");
        let own = Run::new("tar").args(["-xOf", archive, "camunda-upgrade-guard/LICENSE"]);
        let own = own.output().unwrap().ok().unwrap();
        assert_eq!(own.stdout, read("LICENSE"));
    }
}

#[test]
fn an_image_of_another_version_is_not_packed() {
    let folder = tempfile::tempdir().unwrap();
    let packed = Run::new(workspace().join("packaging/chart.sh"))
        .args([folder.path()])
        .env("IMAGE", "example.test/guard:9.9.9");
    let refused = packed.output().unwrap().refused().unwrap();
    let told = format!("IMAGE must end in :{VERSION}");
    assert!(refused.stderr.contains(&told), "{}", refused.report());
}

#[test]
fn the_chart_carries_the_icon_and_the_licence_of_the_repository() {
    let (icon, chart) = (read("deploy/icon.svg"), read("deploy/chart/Chart.yaml"));
    let uri = format!("data:image/svg+xml;base64,{}", STANDARD.encode(icon));
    let written = Regex::new("(?m)^icon: .*$").unwrap();
    let chart_now = written.replace(&chart, format!("icon: {uri}"));
    let licence = read("LICENSE");
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(workspace().join("deploy/chart/Chart.yaml"), &*chart_now).unwrap();
        fs::write(workspace().join("deploy/chart/LICENSE"), &licence).unwrap();
    }
    let told = "INSTA_UPDATE=always writes deploy/chart anew";
    assert_eq!(read("deploy/chart/Chart.yaml"), chart_now, "{told}");
    assert_eq!(read("deploy/chart/LICENSE"), licence, "{told}");
}

/// What lies about in a folder of somebody who has looked at the chart.
#[test]
fn what_editors_leave_is_not_packaged() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let copy = Run::new("cp").args([Path::new("-r"), &chart(), folder.path()]);
    copy.output().unwrap().ok().unwrap();
    let copied = folder.path().join("chart");
    for left in [
        "values.yaml.bak",
        "templates/service.yaml~",
        ".README.md.swp",
    ] {
        fs::write(copied.join(left), "left: [").unwrap();
    }
    for helm in Helm::BOTH {
        let helm = HelmCli::new(&binaries, helm, None, folder.path());
        let out = folder.path().join("out");
        let (copied, out) = (copied.display().to_string(), out.display().to_string());
        let packed = helm.run(&["package", &copied, "--destination", &out]);
        packed.ok().unwrap();
        let archive = format!("{out}/camunda-upgrade-guard-{VERSION}.tgz");
        let list = Run::new("tar").args(["-tf", &archive]).output().unwrap();
        let list = list.ok().unwrap().stdout;
        assert!(
            list.contains("camunda-upgrade-guard/values.yaml\n"),
            "{list}"
        );
        for left in [".bak", "~", ".swp"] {
            assert!(!list.contains(left), "{list}");
        }
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Who makes a release changes Cargo.toml; this names what else does not follow by itself.
#[test]
fn everything_has_one_version() {
    let mut all = ["Makefile", "README.md", "tests/harness/src/node/images.rs"]
        .map(|file| workspace().join(file))
        .to_vec();
    for folder in ["deploy", "docs", "packaging", ".github"] {
        files(&workspace().join(folder), &mut all);
    }
    // An image, an archive, or the version of a chart, a plugin or an object.
    let named = r"camunda-upgrade-guard(?:-[a-z]+)?[:-]v?(\d+\.\d+\.\d+)";
    let of_file = r#"(?m)^(?:version|appVersion): "?(\d+\.\d+\.\d+)"#;
    let label = r#"app\.kubernetes\.io/version: "?(\d+\.\d+\.\d+)"#;
    let mut found = 0;
    for pattern in [named, of_file, label] {
        let pattern = Regex::new(pattern).unwrap();
        for file in &all {
            let Ok(text) = fs::read_to_string(file) else {
                continue;
            };
            for version in pattern.captures_iter(&text) {
                assert_eq!(&version[1], VERSION, "{}", file.display());
                found += 1;
            }
        }
    }
    assert!(found >= 12, "{found}");
}
