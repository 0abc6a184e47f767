//! The upgrade that `make try` judges: its files are what the real commands make of a release on a real control plane.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use harness::{Cluster, Denial, GuardOptions, Helm, Run, Shell, binaries::workspace, wait_until};
use regex_lite::Regex;
use serde_json::Value;

use crate::{charts::own, command::says, stage::BINARY};

const BUNDLE: &str = "demo/upgrade";
const NAMESPACE: &str = "camunda";
const PATIENCE: Duration = Duration::from_secs(60);

/// They make credentials up, as Argo CD would.
const VALUES: &str = "global: {secretsMode: generateAnew}\n";

/// What differs each time that it is made: in a text, and as a field.
const VOLATILE: [(&str, &str); 7] = [
    (
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "UUID",
    ),
    (r"digest:[0-9a-f]{32},?", "DIGEST"),
    (r"ZGlnZXN0O[A-Za-z0-9+/]+=*", "DIGEST"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    // The end of a pod's name.
    (r#"-[bcdfghjklmnpqrstvwxz2456789]{5}""#, "-RANDOM\""),
    // What the charts make up, in a manifest and in the values that carry it over.
    (r#": \\"[A-Za-z0-9+/]{14,}={0,2}\\""#, ": SECRET"),
    (r#":\s*"([A-Za-z0-9]{10}|[0-9a-f]{32})""#, ": \"SECRET\""),
];
const FIELDS: [&str; 6] = [
    "uid",
    "resourceVersion",
    "salt",
    "takenBy",
    "status",
    "generation",
];

#[test]
fn it_is_what_the_commands_make() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let made = made(&cluster);
    let bundle = workspace().join(BUNDLE);
    if env::var_os("INSTA_UPDATE").is_some_and(|it| it == "always") {
        let _ = fs::remove_dir_all(&bundle);
        let copy = Run::new("cp").args(["-r"]).args([&made, &bundle]);
        copy.output().unwrap().ok().unwrap();
    }
    let (made, kept) = (files(&made), files(&bundle));
    assert_eq!(
        made.keys().collect::<Vec<_>>(),
        kept.keys().collect::<Vec<_>>()
    );
    for (file, made) in &made {
        let mut lines = made.lines().zip(kept[file].lines());
        let first = lines.find(|(made, kept)| made != kept);
        let old = "is old; INSTA_UPDATE=always makes it anew";
        assert_eq!(first, None, "{BUNDLE}/{file} {old}");
        assert_eq!(made.len(), kept[file].len(), "{BUNDLE}/{file} {old}");
    }
}

/// As it is without a guard, and as it is once the lines of the refusal were pasted with one.
fn made(cluster: &Cluster) -> PathBuf {
    let shell = cluster.shell(Helm::V4).unwrap();
    shell
        .install("camunda-upgrade-guard", BINARY.as_ref())
        .unwrap();
    fs::write(shell.dir().join("values.yaml"), VALUES).unwrap();
    let chart = own("camunda-8.2");
    let args = ["--create-namespace"];
    let installed = cluster
        .helm(Helm::V4)
        .install("camunda", &chart, NAMESPACE, &args);
    installed.ok().unwrap();
    cluster.wait_all_bound(NAMESPACE).unwrap();
    run(&shell, "mkdir -p upgrade/unprepared upgrade/prepared");
    run(&shell, &upgrade("upgrade/unprepared"));
    take_snapshot(cluster, &shell, "upgrade/unprepared");
    let check = "camunda-upgrade-guard check -i upgrade/unprepared/upgrade.json";
    let denial = Denial::of_check(&shell.run(check).unwrap());

    let guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let prepared = upgrade("upgrade/prepared");
    run(&shell, &denial.cure(&prepared));
    take_snapshot(cluster, &shell, "upgrade/prepared");
    let check = "camunda-upgrade-guard check -i upgrade/prepared/upgrade.json";
    says(&shell.run(check).unwrap(), 0, "");
    drop(guard);
    shell.dir().join("upgrade")
}

fn run(shell: &Shell, script: &str) {
    shell.run(script).unwrap().ok().unwrap();
}

/// What Helm would do, into a file.
fn upgrade(folder: &str) -> String {
    let chart = own("camunda-8.3");
    format!(
        "helm upgrade camunda {} -n {NAMESPACE} -f values.yaml --dry-run=server -o json > {folder}/upgrade.json",
        chart.display()
    )
}

fn take_snapshot(cluster: &Cluster, shell: &Shell, folder: &str) {
    wait_until("as many pods as are wanted", PATIENCE, || {
        let workloads = cluster.list("deployments,statefulsets", NAMESPACE, "")?;
        let wanted: u64 = workloads.iter().map(pods_of).sum();
        let pods = cluster.list("pods", NAMESPACE, "")?;
        Ok((pods.len() as u64 == wanted).then_some(()))
    })
    .unwrap();
    run(
        shell,
        &format!("camunda-upgrade-guard snapshot -n {NAMESPACE} -o {folder}/snapshot"),
    );
}

/// No pod becomes ready, so a workload that starts them one by one has one.
fn pods_of(workload: &Value) -> u64 {
    let spec = &workload["spec"];
    let replicas = spec["replicas"].as_u64().unwrap();
    match spec["podManagementPolicy"] == "OrderedReady" {
        true => replicas.min(1),
        false => replicas,
    }
}

/// The files of a folder without what differs each time.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let list = Run::new("find")
        .args(["-type", "f", "-printf", "%P\\n"])
        .current_dir(folder);
    let list = list.output().unwrap().ok().unwrap().stdout;
    let read = |file: &str| {
        let mut text = fs::read_to_string(folder.join(file)).unwrap();
        for (pattern, with) in VOLATILE {
            let pattern = Regex::new(pattern).unwrap();
            text = pattern.replace_all(&text, with).into_owned();
        }
        let mut value = serde_json::from_str(&text).unwrap();
        settle(&mut value);
        (file.to_owned(), format!("{value:#}"))
    };
    list.lines().map(read).collect()
}

/// Takes fields away that differ each time, and orders lists whose order is that of random names.
fn settle(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !FIELDS.contains(&name.as_str()));
            fields.values_mut().for_each(settle);
            if let Some(items) = fields.get_mut("items").and_then(Value::as_array_mut) {
                items.sort_by_key(ToString::to_string);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        _ => {}
    }
}
