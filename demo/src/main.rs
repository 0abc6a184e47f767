//! `make demo`: a bad Camunda upgrade is refused, cured as the refusal says, and admitted.
//!
//! The control plane, Helm, the volumes and the guard are real. Every step is checked, and the first that does
//! not come out as promised ends the demo with an error. Nothing outlives this process, however it ends.

mod story;
mod terminal;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

use anyhow::{Context, Result, bail};
use harness::{Binaries, Cluster, ClusterOptions, Guard, Node, NodePrograms, run_on_a_node};

use self::{
    story::{Stage, Story},
    terminal::Terminal,
};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\ndemo: FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs pods, too, where that can be done. A cluster that stays is one that another terminal reaches, so it has no node.
fn run() -> Result<ExitCode> {
    let guard = guard_binary(env::args_os().skip(1).collect())?;
    if wants_to_keep() || NodePrograms::find().is_err() {
        return without_a_node(&guard).map(|()| ExitCode::SUCCESS);
    }
    run_on_a_node(|programs| match on_a_node(&programs, &guard) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: FAILED: {error:#}");
            ExitCode::FAILURE
        }
    })
}

fn on_a_node(programs: &NodePrograms, guard: &Path) -> Result<()> {
    let terminal = title();
    terminal.step(
        "Start a cluster: etcd, kube-apiserver, kube-controller-manager, and a node on which pods run",
        &[
            "It runs on this machine and only for the demo. PostgreSQL and Keycloak are real; another program",
            "stands in for Elasticsearch and the brokers.",
        ],
    );
    let node = Node::start(programs)?;
    terminal.say("The node is ready.");
    tell(&terminal, Stage::Node(&node), guard, &mut None)
}

fn without_a_node(guard: &Path) -> Result<()> {
    let terminal = title();
    terminal.step(
        "Start a control plane: etcd, kube-apiserver, kube-controller-manager",
        &[
            "It runs on this machine and only for the demo. It has no node, so no pod runs; the API, Helm,",
            "claims, volumes and the files on them are real. After `make node` (root, Debian) pods run, too.",
        ],
    );
    let binaries = Binaries::find_for_demo()?;
    let cluster = Cluster::start(ClusterOptions {
        binaries: Some(binaries),
        ..ClusterOptions::default()
    })?;
    terminal.say(&format!("It answers at {}.", cluster.server()));
    // Whoever keeps the cluster keeps the guard.
    let mut running = None;
    let end = tell(
        &terminal,
        Stage::ControlPlane(&cluster),
        guard,
        &mut running,
    );
    if wants_to_keep() {
        keep(&terminal, &cluster);
    }
    end
}

fn title() -> Terminal {
    let terminal = Terminal::stdout();
    terminal.title("A bad Camunda 8 upgrade: refused, cured, done");
    terminal
}

/// `running` receives the guard.
fn tell<'a>(
    terminal: &'a Terminal,
    stage: Stage<'a>,
    guard: &'a Path,
    running: &mut Option<Guard<'a>>,
) -> Result<()> {
    let story = Story::new(terminal, stage, guard);
    let end = story.and_then(|story| story.tell(running));
    match &end {
        Ok(()) => terminal.title("Refused, cured, upgraded; nothing was lost."),
        Err(error) => eprintln!("\ndemo: {error:#}"),
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
