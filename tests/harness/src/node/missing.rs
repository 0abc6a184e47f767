//! What a machine must have to run pods.

use std::path::{Path, PathBuf};

use crate::binaries::{Binaries, binaries_folder, found_or_skip, workspace};

/// A program and the Debian package that has it.
const PROGRAMS: [(&str, &str); 7] = [
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("conntrack", "conntrack"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
];
/// Where Debian puts the network plugins.
pub(super) const NETWORK_PLUGINS: &str = "/usr/lib/cni";
/// Where an administrator's programs are, whether or not they are on the path.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The programs and images that a node needs beside a control plane's.
#[derive(Clone, Debug)]
pub struct NodePrograms {
    pub binaries: Binaries,
    pub kubelet: PathBuf,
    pub kube_proxy: PathBuf,
    pub kube_scheduler: PathBuf,
    pub coredns: PathBuf,
    pub provisioner: PathBuf,
    /// The folder of layers, see `tests/node-images/build.sh`.
    pub images: PathBuf,
}

impl NodePrograms {
    /// Returns what is there, or what is missing and how to get it.
    pub fn find() -> Result<Self, String> {
        let binaries = Binaries::find().map_err(|missing| missing.to_string())?;
        let images = workspace().join("target/node-images");
        let mut lacks = Vec::new();
        let mut packages: Vec<_> = PROGRAMS
            .iter()
            .filter(|(program, _)| !installed(program))
            .map(|(_, package)| *package)
            .collect();
        if !Path::new(NETWORK_PLUGINS).join("bridge").is_file() {
            packages.push("containernetworking-plugins");
        }
        packages.dedup();
        if !packages.is_empty() {
            lacks.push(format!(
                "apt-get install --no-install-recommends {}",
                packages.join(" ")
            ));
        }
        let mut find = |name: &str| {
            let path = binaries_folder().join(name);
            if !path.is_file() {
                lacks.push(format!("make node (for {name})"));
            }
            path
        };
        let programs = Self {
            kubelet: find("kubelet"),
            kube_proxy: find("kube-proxy"),
            kube_scheduler: find("kube-scheduler"),
            coredns: find("coredns"),
            provisioner: find("provisioner"),
            binaries,
            images,
        };
        for layer in super::images::LAYERS {
            if !programs.images.join(format!("{layer}.tar")).is_file() {
                lacks.push(format!("make node (for the image layer {layer})"));
            }
        }
        if !is_root() {
            lacks.push("to be root, as a kubelet is".into());
        }
        match lacks.is_empty() {
            true => Ok(programs),
            false => Err(format!("a node needs: {}", lacks.join("; "))),
        }
    }

    /// Like [`NodePrograms::find`], but prints that a test is skipped if something is missing.
    ///
    /// # Panics
    /// When something is missing and `CI` is set: its machine can run a node.
    pub fn find_or_skip() -> Option<Self> {
        found_or_skip(Self::find())
    }
}

fn installed(program: &str) -> bool {
    FOLDERS
        .iter()
        .any(|folder| Path::new(folder).join(program).is_file())
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut ids = status.lines().filter_map(|line| line.strip_prefix("Uid:"));
    ids.next()
        .and_then(|ids| ids.split_whitespace().nth(1))
        .is_some_and(|effective| effective == "0")
}
