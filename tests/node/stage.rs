//! The node that all tests share, and the guard on it as its chart installs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use harness::{Helm, Node, NodePrograms, Run, StorageClass, Volumes};

pub const NAME: &str = "camunda-upgrade-guard";

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
    INSTALLED.get_or_init(|| {
        let chart = repository().join("deploy/chart");
        let args = ["--create-namespace", "--wait", "--timeout=120s"];
        let helm = node().helm(Helm::V3);
        helm.install(NAME, &chart, NAME, &args).ok().unwrap();
    });
    node()
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

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One of the project's own charts.
pub fn chart(name: &str) -> PathBuf {
    repository().join("tests/charts").join(name)
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
