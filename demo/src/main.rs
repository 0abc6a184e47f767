//! `make demo`: a bad Camunda upgrade is refused, cured as the refusal says, and admitted.
//!
//! The control plane, Helm, the volumes and the guard are real. Every step is checked, and the first that does
//! not come out as promised ends the demo with an error. Nothing outlives this process, however it ends.

mod story;
mod terminal;

use std::{env, path::PathBuf, process::ExitCode, thread};

use anyhow::{Context, Result, bail};
use harness::{Cluster, ClusterOptions};

use self::{story::Story, terminal::Terminal};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let guard = guard_binary(env::args_os().skip(1).collect())?;
    let terminal = Terminal::stdout();
    terminal.title("A bad Camunda 8 upgrade: refused, cured, done");
    terminal.step(
        "Start a control plane: etcd, kube-apiserver, kube-controller-manager",
        &[
            "It runs on this machine and only for the demo. It has no node, so no pod runs; the API, Helm,",
            "claims, volumes and the files on them are real.",
        ],
    );
    let cluster = Cluster::start(ClusterOptions::default())?;
    terminal.say(&format!("It answers at {}.", cluster.server()));

    let mut running = None;
    let end = Story::new(&terminal, &cluster, &guard).and_then(|story| story.tell(&mut running));
    match &end {
        Ok(()) => terminal.title("Refused, cured, upgraded; nothing was lost."),
        Err(error) => eprintln!("\ndemo: {error:#}"),
    }
    if wants_to_keep() {
        keep(&terminal, &cluster);
    }
    end
}

fn guard_binary(args: Vec<std::ffi::OsString>) -> Result<PathBuf> {
    let [flag, path] = args.as_slice() else {
        bail!("usage: demo --guard PROGRAM   (`make demo` builds both and runs it)");
    };
    if flag != "--guard" {
        bail!("usage: demo --guard PROGRAM");
    }
    let path = PathBuf::from(path);
    path.canonicalize()
        .with_context(|| format!("there is no guard at {}", path.display()))
}

fn wants_to_keep() -> bool {
    env::var_os("KEEP").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Keeps the cluster and the guard running until the user stops this process; both end with it.
fn keep(terminal: &Terminal, cluster: &Cluster) {
    terminal.title("KEEP=1: the cluster and the guard stay up as long as this runs");
    terminal.say("In another terminal:");
    terminal.command(&format!(
        "export KUBECONFIG={}",
        cluster.kubeconfig().display()
    ));
    terminal.say("kubectl and helm, if you have none:");
    for program in [&cluster.binaries().kubectl, &cluster.binaries().helm3] {
        terminal.say(&format!("  {}", program.display()));
    }
    terminal.say("Ctrl-C here stops it all and removes it, and so does:");
    terminal.command(&format!("kill {}", std::process::id()));
    loop {
        thread::park();
    }
}
