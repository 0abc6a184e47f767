//! Starts what runs pods, with the settings that a machine without systemd and without a network needs.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::images::{self, Images};
use super::missing::NETWORK_PLUGINS;
use super::{NODE, NODE_ADDRESS, NodePrograms, containerd_root, control_group};
use crate::cluster::Cluster;
use crate::process::Run;
use crate::supervise::{Program, Supervised};
use crate::wait::wait_until;

const SOCKET: &str = "/run/containerd/containerd.sock";

pub(super) fn start(programs: &NodePrograms, cluster: &Cluster) -> Result<Vec<Supervised>> {
    let dir = cluster.dir();
    let containerd = containerd(programs, cluster)?;
    let kubelet = kubelet(programs, cluster)?;
    let scheduler = cluster.kubeconfig_of("system:kube-scheduler", None)?;
    let proxy = cluster.kubeconfig_of("system:kube-proxy", None)?;
    let mut others = vec![
        ("kubelet", kubelet),
        (
            "kube-scheduler",
            Program::new(&programs.kube_scheduler)
                .flag("kubeconfig", scheduler)
                .flag("leader-elect", "false"),
        ),
        (
            "kube-proxy",
            Program::new(&programs.kube_proxy)
                .flag("kubeconfig", proxy)
                .flag("hostname-override", NODE)
                .flag("proxy-mode", "iptables")
                .flag("conntrack-max-per-core", "0")
                // Pods share a bridge, so an answer would go past the rules that turn its address back.
                .flag("masquerade-all", "true"),
        ),
        ("coredns", coredns(programs, cluster)?),
    ];
    let volumes = dir.join("volumes");
    fs::create_dir_all(&volumes)?;
    others.push((
        "provisioner",
        Program::new(&programs.provisioner)
            .flag("kubeconfig", cluster.kubeconfig())
            .flag("folder", volumes)
            .flag("node", NODE),
    ));
    let mut processes = Vec::new();
    for (name, program) in &others {
        processes.push(cluster.supervise(name, program)?);
    }
    processes.push(containerd);
    Ok(processes)
}

fn containerd(programs: &NodePrograms, cluster: &Cluster) -> Result<Supervised> {
    let (dir, root) = (cluster.dir(), containerd_root(programs));
    let lock = File::create(programs.images.join(".node"))?;
    lock.lock().context("waiting for another node")?;
    // Held as long as this process lives.
    std::mem::forget(lock);
    let images = Images::of(&programs.images)?;
    if root.exists() && !images.are_in(&root) {
        fs::remove_dir_all(&root)?;
    }
    fs::create_dir_all(&root)?;
    let networks = networks(dir)?;
    let config = format!(
        r#"version = 2
root = "{root}"
state = "/run/containerd"
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
# Where CAP_SYS_RESOURCE is missing, no sandbox starts without it.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{NETWORK_PLUGINS}"
conf_dir = "{networks}"
"#,
        root = root.display(),
        pause = images::PAUSE,
        networks = networks.display(),
    );
    let file = dir.join("containerd.toml");
    fs::write(&file, config)?;
    let program = Program::new(Path::new("containerd"))
        .arg("--config")
        .arg(&file);
    let process = cluster.supervise("containerd", &program)?;
    wait_for_containerd().with_context(|| process.log_tail(25))?;
    forget_containers()?;
    if !images.are_in(&root) {
        images.import(&programs.images, &root, dir)?;
    }
    Ok(process)
}

pub(super) fn wait_for_containerd() -> Result<()> {
    let answers = || Run::new("ctr").args(["version"]).output()?.ok();
    wait_until("containerd", Duration::from_secs(30), || {
        answers().map(Some)
    })?;
    Ok(())
}

/// Removes what an earlier run has left in containerd's books; its processes ended with their namespaces.
fn forget_containers() -> Result<()> {
    let script = "set -e
for id in $(ctr -n k8s.io containers ls -q); do ctr -n k8s.io containers rm \"$id\"; done
ctr -n k8s.io snapshots ls | awk '$3 == \"Active\" { print $1 }' | while read -r key; do ctr -n k8s.io snapshots rm \"$key\"; done
";
    Run::new("bash").args(["-c", script]).output()?.ok()?;
    Ok(())
}

fn networks(dir: &Path) -> Result<std::path::PathBuf> {
    let folder = dir.join("networks");
    fs::create_dir_all(&folder)?;
    let list = json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "br0",
                "isGateway": true,
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "dataDir": dir.join("addresses"),
                    "ranges": [[{
                        "subnet": "10.88.0.0/16",
                        "rangeStart": "10.88.1.1",
                        "gateway": NODE_ADDRESS,
                    }]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
        ],
    });
    fs::write(folder.join("pods.conflist"), list.to_string())?;
    Ok(folder)
}

fn kubelet(programs: &NodePrograms, cluster: &Cluster) -> Result<Program> {
    let dir = cluster.dir();
    let names = dir.join("resolv.conf");
    fs::write(&names, "")?;
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": {"enabled": false},
            "x509": {"clientCAFile": dir.join("ca.crt")},
        },
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": control_group(cluster),
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": format!("unix://{SOCKET}"),
        "enforceNodeAllocatable": [],
        "evictionHard": {
            "memory.available": "1Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        "failCgroupV1": false,
        "failSwapOn": false,
        "imageGCHighThresholdPercent": 100,
        "maxPods": 250,
        "resolvConf": names,
        // How soon a mounted ConfigMap follows its object, which takes a minute and more by default.
        "syncFrequency": "5s",
        // A container that ends is started again soon, not after minutes.
        "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},
        "featureGates": {"KubeletCrashLoopBackOffMax": true},
    });
    let file = dir.join("kubelet.json");
    fs::write(&file, config.to_string())?;
    let user = format!("system:node:{NODE}");
    let kubeconfig = cluster.kubeconfig_of(&user, Some("system:nodes"))?;
    Ok(Program::new(&programs.kubelet)
        .flag("config", file)
        .flag("kubeconfig", kubeconfig)
        .flag("hostname-override", NODE)
        .flag("node-ip", NODE_ADDRESS)
        .flag("root-dir", dir.join("kubelet"))
        .flag("cert-dir", dir.join("kubelet-certificates")))
}

fn coredns(programs: &NodePrograms, cluster: &Cluster) -> Result<Program> {
    let file = cluster.dir().join("Corefile");
    let text = format!(
        "cluster.local:53 {{
    bind {NODE_ADDRESS}
    errors
    kubernetes cluster.local {{
        kubeconfig {}
        ttl 0
    }}
}}
",
        cluster.kubeconfig().display()
    );
    fs::write(&file, text)?;
    Ok(Program::new(&programs.coredns).arg("-conf").arg(file))
}
