//! The node that all tests share, and the guard on it as its chart installs it.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use harness::{Helm, Node, NodePrograms, Run, StorageClass, Volumes, binaries::workspace};

pub const NAME: &str = "camunda-upgrade-guard";

/// Helm's flags by which it waits for the guard.
const READY: [&str; 2] = ["--wait", "--timeout=120s"];

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

/// One of the project's own charts.
pub fn chart(name: &str) -> PathBuf {
    workspace().join("tests/charts").join(name)
}

/// A copy of one as a chart of another version, with the images of another application version.
pub fn released_as(name: &str, version: [&str; 2], tags: [&str; 2]) -> PathBuf {
    let copy = node().scratch("chart").unwrap().join(name);
    let cp = Run::new("cp").args(["-rL"]).args([&chart(name), &copy]);
    cp.output().unwrap().ok().unwrap();
    for (file, [from, to]) in [("Chart.yaml", version), ("values.yaml", tags)] {
        let file = copy.join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from} in {}", file.display());
        fs::write(&file, text.replace(from, to)).unwrap();
    }
    copy
}
