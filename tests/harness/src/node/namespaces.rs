//! Runs this program once more in network, mount, process and IPC namespaces of its own. The kernel ends all of their
//! processes and mounts with the first process in them, so a node leaves none behind, however this program ends.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use super::NODE_ADDRESS;
use crate::process::Run;
use crate::supervise::{KEEPER, Nest};

/// Set for the program inside: the folder that goes with the namespaces.
const INSIDE: &str = "GUARD_NODE_FOLDER";
/// Where the controller manager's provisioner makes volumes.
const HOST_PATHS: &str = "/tmp/hostpath_pv";

/// The first process must collect those that lost their parent, which a shell does.
const FIRST: &str = r#""$@"; exit $?"#;

/// What is ours within the namespaces: where containerd, kubelet and the network plugins write, and the network.
const SET_UP: &str = r#"
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/var/upper /run/var/work "$1/volumes" "$2"
mount -t overlay -o lowerdir=/var,upperdir=/run/var/upper,workdir=/run/var/work overlay /var
mount --bind "$1/volumes" "$2"
for group in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ ! -e "$group/cgroup.procs" ] || mkdir -p "$group/${1##*/}"
done
ip link set lo up
ip link add br0 type bridge
ip address add "$3/16" dev br0
ip link set br0 up
ip route add default dev br0
echo 1 >/proc/sys/net/ipv4/ip_forward
"#;

/// Runs `inside` in namespaces of its own, in a copy of this process with the same arguments.
pub(super) fn run(inside: impl FnOnce() -> ExitCode) -> Result<ExitCode> {
    match std::env::var_os(INSIDE) {
        Some(folder) => {
            let folder = PathBuf::from(folder);
            let set_up = Run::new("sh").args(["-c", SET_UP, "sh"]).args([
                folder.as_os_str(),
                HOST_PATHS.as_ref(),
                NODE_ADDRESS.as_ref(),
            ]);
            set_up.output()?.ok().context("the node's namespaces")?;
            Ok(inside())
        }
        None => outside(),
    }
}

fn outside() -> Result<ExitCode> {
    let nest = Nest::new("guard-node-")?;
    let temporary = nest.dir().join("tmp");
    fs::create_dir(&temporary)?;
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER, "sh", "/dev/null", "unshare"])
        .args(["--net", "--mount", "--pid", "--ipc", "--fork"])
        .args(["--kill-child", "--mount-proc", "sh", "-c", FIRST, "sh"])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, nest.dir())
        .env("TMPDIR", &temporary)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("starting unshare")?;
    // Which `wait` would close, and so end what it waits for.
    let held = keeper.stdin.take();
    let status = keeper.wait()?;
    drop(held);
    drop(nest);
    match status.code() {
        Some(code) => Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)),
        None => bail!("the node's first process ended: {status}"),
    }
}
