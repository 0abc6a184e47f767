//! `make real-charts CHARTS=FOLDER`: what the guard says to the upgrades between somebody's own charts, and where its words lead.
//!
//! The folder holds unpacked charts of Camunda's, two or more versions, as `helm pull --untar` leaves them. What an upgrade
//! is given stands in `values.yaml` beside them, or in `values-VERSION.yaml` for one version. The control plane, Helm, the
//! volumes and the guard are real; no pod runs.

mod charts;
mod way;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use harness::{Cluster, ClusterOptions, GuardOptions};

use self::{
    charts::{Chart, consecutive},
    way::{Way, walk},
};

const USAGE: &str = "usage: real-charts FOLDER --guard PROGRAM   (`make real-charts CHARTS=FOLDER` builds and runs it)";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("real-charts: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Succeeds where every upgrade is admitted, as it is or once its refusal's block is typed.
fn run() -> Result<ExitCode> {
    let (folder, guard) = arguments()?;
    let charts = Chart::all(&folder)?;
    let pairs = consecutive(&charts);
    if pairs.is_empty() {
        bail!(
            "{} holds no two charts of which one follows the other",
            folder.display()
        );
    }
    let cluster = Cluster::start(ClusterOptions::default())?;
    let _running = cluster.guard(GuardOptions::new(&guard))?;
    println!("{}", Way::heading());
    let mut all_led_through = true;
    for (from, to) in pairs {
        let way = walk(&cluster, &guard, from, to)?;
        println!("{way}");
        all_led_through &= way.ends_well();
    }
    Ok(match all_led_through {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn arguments() -> Result<(PathBuf, PathBuf)> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [folder, flag, guard] = arguments.as_slice() else {
        bail!(USAGE);
    };
    if flag != "--guard" {
        bail!(USAGE);
    }
    let there = |path: &Path| {
        path.canonicalize()
            .with_context(|| format!("there is no {}", path.display()))
    };
    Ok((there(folder.as_ref())?, there(guard.as_ref())?))
}
