//! A cluster with a node on which pods run: containerd, kubelet, kube-proxy, scheduler and names for Services.
//!
//! A program that starts one runs in namespaces of its own, see [`run_on_a_node`].

mod images;
mod kubelet;
mod missing;
mod namespaces;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, ClusterOptions};
use crate::process::Run;
use crate::supervise::Supervised;
use crate::wait::wait_until;
pub use missing::NodePrograms;

/// The node's name.
pub const NODE: &str = "node";
/// The address of the node and of the API server; a node's must not be a loopback one.
pub(crate) const NODE_ADDRESS: &str = "10.88.0.1";

/// A running cluster with a node.
pub struct Node {
    // Dropped in this order: what runs pods, the last one to start first; then the control plane.
    processes: Mutex<Vec<Supervised>>,
    cluster: Cluster,
}

/// Runs `inside` in namespaces of its own, where a node can be started; prints what is missing where one cannot be.
///
/// # Panics
/// When something is missing and `CI` is set.
pub fn run_on_a_node(inside: impl FnOnce(NodePrograms) -> ExitCode) -> Result<ExitCode> {
    match NodePrograms::find_or_skip() {
        Some(programs) => namespaces::run(|| inside(programs)),
        None => Ok(ExitCode::SUCCESS),
    }
}

impl Node {
    /// Starts the control plane and what runs pods, and waits until the node is ready.
    pub fn start(programs: &NodePrograms) -> Result<Self> {
        let cluster = Cluster::start(ClusterOptions {
            binaries: Some(programs.binaries.clone()),
            node: Some(NODE_ADDRESS.parse()?),
            ..ClusterOptions::default()
        })?;
        let processes = kubelet::start(programs, &cluster)?;
        let node = Self {
            processes: Mutex::new(processes),
            cluster,
        };
        node.wait_ready()?;
        Ok(node)
    }

    fn wait_ready(&self) -> Result<()> {
        let ready = wait_until("the node is ready", Duration::from_secs(60), || {
            let node = self.get("node", "", NODE)?.context("not registered")?;
            let conditions = node["status"]["conditions"].as_array();
            let ready = conditions
                .into_iter()
                .flatten()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            let tainted = node["spec"]["taints"].is_array();
            Ok((ready && !tainted).then_some(()))
        });
        ready.with_context(|| {
            let processes = self
                .processes
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let tails: Vec<_> = processes.iter().map(|it| it.log_tail(25)).collect();
            tails.join("\n")
        })
    }

    /// Kills everything at once, pods and control plane, and starts it again over what is on the disk.
    pub fn cut_power(&self) -> Result<()> {
        let processes = self.processes.lock();
        let mut processes = processes.unwrap_or_else(PoisonError::into_inner);
        self.cluster.restart(|| {
            processes.iter_mut().for_each(Supervised::kill);
            let kill = Run::new("sh").args(["-c", KILL_PODS, "sh", &control_group(self)]);
            kill.output()?.ok().map(drop)
        })?;
        for process in processes.iter_mut().rev() {
            self.cluster.start_again(process)?;
            // Without it the kubelet would end.
            kubelet::wait_for_containerd()?;
        }
        drop(processes);
        self.wait_ready()
    }
}

/// Everything in the node's control groups, and what holds it; this process' namespace has no other.
const KILL_PODS: &str = r#"
find /sys/fs/cgroup -path "*$1/*" -name cgroup.procs -exec cat {} + | sort -u | xargs -r kill -s KILL 2>/dev/null
for line in /proc/[0-9]*/cmdline; do
    if tr '\0' ' ' <"$line" 2>/dev/null | grep -q '^[^ ]*containerd-shim'; then
        pid=${line#/proc/}
        kill -s KILL "${pid%/cmdline}"
    fi
done
true
"#;

impl Deref for Node {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

/// The folder in which containerd keeps images from one run to the next.
fn containerd_root(programs: &NodePrograms) -> PathBuf {
    programs.images.join("containerd")
}

/// Returns the name of the control group that is removed with the namespaces.
fn control_group(cluster: &Cluster) -> String {
    let folder = cluster.dir().ancestors().nth(2).unwrap_or(Path::new("/"));
    format!(
        "/{}",
        folder.file_name().unwrap_or_default().to_string_lossy()
    )
}
