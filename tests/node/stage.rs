//! The node that all tests share, and the guard on it as its chart installs it.

use std::path::PathBuf;
use std::sync::OnceLock;

use harness::{Helm, Node, NodePrograms, StorageClass, Volumes, binaries::workspace};

pub const NAME: &str = "camunda-upgrade-guard";

/// Helm's flags by which it waits for the guard, whose image the node has.
const READY: [&str; 3] = [
    "--wait",
    "--timeout=120s",
    "--set=image.repository=camunda-upgrade-guard",
];

static NODE: OnceLock<Node> = OnceLock::new();

/// Starts the node. It ends with the process.
pub fn start(programs: &NodePrograms) {
    let node = Node::start(programs);
    let node = node.unwrap_or_else(|error| panic!("the node does not start: {error:#}"));
    // Its volumes keep their owner, as NFS and host paths do.
    let class = StorageClass::named("keeps-owner").volumes(Volumes::HostPath);
    node.storage_class(&class).unwrap();
    assert!(NODE.set(node).is_ok(), "started twice");
}

pub fn node() -> &'static Node {
    NODE.get().unwrap()
}

/// The node with a guard, which judges every namespace that does not have it ignored.
pub fn guarded() -> &'static Node {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| install_guard(Helm::V3, &["--create-namespace"]));
    node()
}

pub fn install_guard(helm: Helm, args: &[&str]) {
    let args = [&READY, args].concat();
    let installed = node()
        .helm(helm)
        .install(NAME, &guards_chart(), NAME, &args);
    installed.ok().unwrap();
}

pub fn upgrade_guard(helm: Helm, args: &[&str]) {
    let args = [&READY, args].concat();
    let upgraded = node()
        .helm(helm)
        .upgrade(NAME, &guards_chart(), NAME, &args);
    upgraded.ok().unwrap();
}

fn guards_chart() -> PathBuf {
    workspace().join("deploy/chart")
}

/// Leaves the node running for somebody who looks into it, until this process is stopped.
pub fn keep() {
    eprintln!("KEEP: this process and its node stay; a shell beside them:");
    eprintln!(
        "nsenter --net --mount --pid --target $(pgrep -f -- '--root-dir={}/kubelet') env KUBECONFIG={} bash",
        node().dir().display(),
        node().kubeconfig().display()
    );
    loop {
        std::thread::park();
    }
}
