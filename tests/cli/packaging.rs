//! What installs the program in other people's pipelines.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging")
        .join(name)
}

/// A folder with an archive as `packaging/build.sh` makes it, and its checksum.
fn published(folder: &Path) -> String {
    let program = folder.join("camunda-upgrade-guard");
    fs::write(&program, "#!/bin/sh\necho started\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let archive = "camunda-upgrade-guard-9.9.9-linux-amd64.tar.gz";
    let packed = Command::new("tar")
        .args(["-czf", archive, "camunda-upgrade-guard"])
        .current_dir(folder)
        .status();
    assert!(packed.unwrap().success());
    let sum = Command::new("sha256sum")
        .arg(archive)
        .current_dir(folder)
        .output();
    let sums = String::from_utf8(sum.unwrap().stdout).unwrap();
    fs::write(folder.join("SHA256SUMS"), &sums).unwrap();
    sums.split(' ').next().unwrap().to_owned()
}

fn install(from: &Path, runner: &Path, system: &str, sha256: &str) -> Output {
    Command::new(file("github-action/install.sh"))
        .env("GUARD_DOWNLOADS", format!("file://{}", from.display()))
        .env("GUARD_VERSION", "9.9.9")
        .env("GUARD_SHA256", sha256)
        .env("RUNNER_OS", system)
        .env("RUNNER_ARCH", "X64")
        .env("RUNNER_TEMP", runner)
        .env("GITHUB_PATH", runner.join("path"))
        .output()
        .unwrap()
}

/// By the checksum of the release, or by one that the workflow names.
#[test]
fn the_action_installs_the_program_that_was_published() {
    let [from, runner] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let sum = published(from.path());
    for sha256 in ["", &sum] {
        let path = runner.path().join("path");
        let _ = fs::remove_file(&path);
        let output = install(from.path(), runner.path(), "Linux", sha256);
        assert!(output.status.success(), "{output:?}");
        let folder = fs::read_to_string(path).unwrap();
        let program = Path::new(folder.trim_end()).join("camunda-upgrade-guard");
        let started = Command::new(program).output().unwrap();
        assert_eq!(started.stdout, b"started\n");
    }
}

#[test]
fn the_action_installs_nothing_else() {
    let [from, runner] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let sum = published(from.path());
    let refused = |system, sha256: &str, because: &str| {
        let output = install(from.path(), runner.path(), system, sha256);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(because), "{said}");
        assert!(!runner.path().join("path").exists());
    };
    refused("Linux", &"0".repeat(64), "has the checksum");
    refused("Plan9", &sum, "there is no camunda-upgrade-guard for Plan9");
    fs::write(from.path().join("SHA256SUMS"), "").unwrap();
    refused("Linux", "", "not one of those that the release names");
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// What installs or starts a version starts this one.
#[test]
fn pipelines_take_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let action = yaml(&fs::read_to_string(file("github-action/action.yml")).unwrap());
    assert_eq!(action["inputs"]["version"]["default"], version);
    let component = fs::read_to_string(file("gitlab/camunda-upgrade-guard.yml")).unwrap();
    let image = format!("default: camunda-upgrade-guard-ci:{version}\n");
    assert!(component.contains(&image), "{image}");
}

/// GitLab's component names each input that its job takes, and no other.
#[test]
fn the_component_has_the_inputs_that_it_takes() {
    let text = fs::read_to_string(file("gitlab/camunda-upgrade-guard.yml")).unwrap();
    let (header, job) = text.split_once("\n---\n").unwrap();
    let named = yaml(header)["spec"]["inputs"].clone();
    let named: BTreeSet<_> = named.as_object().unwrap().keys().cloned().collect();
    let taken = job.split("$[[ inputs.").skip(1);
    let taken = taken.map(|rest| rest.split(' ').next().unwrap().to_owned());
    assert_eq!(taken.collect::<BTreeSet<_>>(), named);
    assert!(yaml(job)["check-camunda-upgrade"]["script"].is_array());
}
