//! The control plane: it starts, provisions volumes, lets tests act as others, and goes.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::{
    Binaries, Helm, Kubectl, NodePrograms, Run, StorageClass, cluster_or_skip, wait_until,
};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn the_policy_of_a_volume_decides_whether_its_files_survive_the_claim() {
    let cluster = cluster_or_skip!();
    let keeping = StorageClass::named("keeping").reclaim_policy("Retain");
    cluster.storage_class(&keeping).unwrap();
    let namespace = cluster.namespace("claims").unwrap();
    cluster.claim(&namespace, "deleted", None).unwrap();
    cluster.claim(&namespace, "kept", Some("keeping")).unwrap();

    let file_of = |claim: &str| {
        let volume = cluster.wait_bound(&namespace, claim).unwrap();
        let file = cluster.volume_dir(&volume).unwrap().join("data");
        fs::write(&file, claim).unwrap();
        file
    };
    let (deleted, kept) = (file_of("deleted"), file_of("kept"));
    cluster
        .kubectl(["delete", "pvc", "--all", "--namespace", &namespace])
        .ok()
        .unwrap();
    wait_until("the volume is deleted with its file", MINUTE, || {
        Ok((!deleted.exists()).then_some(()))
    })
    .unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), "kept");
}

#[test]
fn tests_can_act_as_others() {
    let cluster = cluster_or_skip!();
    let namespace = cluster.namespace("others").unwrap();
    let make = [
        "create",
        "serviceaccount",
        "robot",
        "--namespace",
        &namespace,
    ];
    cluster.kubectl(make).ok().unwrap();
    let robot = cluster
        .kubeconfig_of_service_account(&namespace, "robot")
        .unwrap();
    let anna = cluster.kubeconfig_of_user("anna", &["developers"]).unwrap();
    let who = ["auth", "whoami", "-o", "json"];
    let robot = cluster.kubectl_as(&robot).run(who).json().unwrap();
    let name = format!("system:serviceaccount:{namespace}:robot");
    assert_eq!(robot["status"]["userInfo"]["username"], name.as_str());
    let groups = cluster.kubectl_as(&anna).run(who).json().unwrap();
    let groups = groups["status"]["userInfo"]["groups"].to_string();
    assert!(groups.contains("developers"), "{groups}");
    let refused = cluster.kubectl_as(&anna).run(["get", "secrets"]);
    assert!(refused.refused().unwrap().stderr.contains("forbidden"));
}

#[test]
fn a_pasted_script_finds_the_clusters_kubectl_and_helm() {
    let cluster = cluster_or_skip!();
    let namespace = cluster.namespace("pasted").unwrap();
    let shell = cluster.shell(Helm::V4).unwrap();
    let script = format!(
        "kubectl get nothing\n\
         SECRET=$(printf 'a b' | base64)\n\
         kubectl create secret generic own --namespace '{namespace}' --from-literal=key=\"$SECRET\"\n\
         helm version --short"
    );
    let output = shell.paste(&script).unwrap().ok().unwrap();
    assert!(output.stdout.contains("\nv4."), "{}", output.stdout);
    assert!(cluster.get("secret", &namespace, "own").unwrap().is_some());
    shell.run("false\ntrue").unwrap().refused().unwrap();
    shell.check_syntax("echo 'open").unwrap().refused().unwrap();
    shell
        .check_syntax("kubectl delete everything")
        .unwrap()
        .ok()
        .unwrap();
}

#[test]
fn nothing_is_left_when_the_test_process_is_killed_or_ends() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    for killed in [true, false] {
        let (mut holder, dir) = hold(env!("CARGO_BIN_EXE_hold-cluster")).unwrap();
        let config = dir.join("admin.kubeconfig");
        let kubectl = Kubectl::new(&binaries.kubectl, &config, &dir.join("home"));
        let claim = r#"{"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "c", "namespace": "default"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}"#;
        kubectl.apply(claim).unwrap();
        let volume = wait_until("a volume", MINUTE, || {
            let list = kubectl.run(["get", "pv", "-o", "json"]).ok()?.json()?;
            Ok(list["items"].get(0).cloned())
        });
        let volume = harness::cluster::storage::volume_dir(&volume.unwrap()).unwrap();
        fs::write(volume.join("data"), "data").unwrap();
        assert!(commands_that_name(&dir).len() >= 6);

        if killed {
            holder.kill().unwrap();
        }
        drop(holder.stdin.take());
        holder.wait().unwrap();
        wait_until("all processes and folders are gone", MINUTE, || {
            let left = commands_that_name(&dir);
            anyhow::ensure!(left.is_empty(), "{left:?}");
            anyhow::ensure!(!dir.exists() && !volume.exists(), "folders are left");
            Ok(Some(()))
        })
        .unwrap();
    }
}

/// A node's pods, mounts, namespaces and control groups, too.
#[test]
fn nothing_is_left_of_a_node_whose_process_is_killed_or_interrupted() {
    if NodePrograms::find_or_skip().is_none() {
        return;
    }
    for signal in ["KILL", "INT"] {
        let (mut holder, dir) = hold(env!("CARGO_BIN_EXE_hold-node")).unwrap();
        // The folder that goes with the namespaces has the name of the control groups.
        let folder = dir.ancestors().nth(2).unwrap().to_owned();
        let name = folder.file_name().unwrap().to_owned();
        assert!(commands_that_name(&folder).len() >= 10);
        assert!(!groups_called(&name).is_empty());

        let id = holder.id().to_string();
        let kill = Run::new("kill").args(["-s", signal, &id]);
        kill.output().unwrap().ok().unwrap();
        holder.wait().unwrap();
        wait_until("all of the node is gone", MINUTE, || {
            let left = commands_that_name(&folder);
            anyhow::ensure!(left.is_empty(), "{left:?}");
            let groups = groups_called(&name);
            anyhow::ensure!(groups.is_empty(), "{groups:?}");
            anyhow::ensure!(!folder.exists(), "the folder is left");
            let mounts = fs::read_to_string("/proc/mounts")?;
            let path = folder.to_string_lossy();
            anyhow::ensure!(!mounts.contains(&*path), "{mounts}");
            Ok(Some(()))
        })
        .unwrap();
    }
}

fn groups_called(name: &OsStr) -> Vec<PathBuf> {
    let hierarchies = fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten();
    let all = hierarchies.map(|hierarchy| hierarchy.path().join(name));
    let unified = Path::new("/sys/fs/cgroup").join(name);
    all.chain([unified])
        .filter(|group| group.exists())
        .collect()
}

fn hold(program: &str) -> anyhow::Result<(Child, PathBuf)> {
    // In the background it would ignore what Ctrl-C sends, and so would all that it starts.
    let mut holder = Command::new("env")
        .args(["--default-signal=INT", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(stdout) = holder.stdout.as_mut() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    anyhow::ensure!(!line.is_empty(), "no cluster was started");
    Ok((holder, line.trim().into()))
}

/// The command lines of all processes that name this folder.
fn commands_that_name(dir: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&*dir.to_string_lossy()))
        .collect()
}
