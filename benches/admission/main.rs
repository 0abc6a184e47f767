//! `cargo bench --bench admission`: what the guard's real program costs.
//!
//! First over TLS on this machine, beside a server of the same stack that only answers; then through a real API
//! server, with the guard registered and without. Prints Markdown, and JSON into a file.

mod against;
mod apiserver;
mod load;
mod loopback;
mod machine;
mod release;
mod report;
mod reviews;
mod server;
mod soak;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use camunda_upgrade_guard::server::ServerArgs;
use clap::{Parser, Subcommand};

use crate::{against::Against, release::Releases};

/// Measures the guard.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Only what has this id: claim, claim-patched, record or api-server
    #[arg(long, value_name = "ID")]
    only: Vec<String>,

    /// Rounds for each figure
    #[arg(long, default_value = "5")]
    rounds: usize,

    /// Milliseconds of each round
    #[arg(long, default_value = "500")]
    round: u64,

    /// Compare with this build of the guard, or with the webhook at this https:// address, instead of with the bare server
    #[arg(long, value_name = "FILE|URL")]
    against: Option<Against>,

    /// The authority that signed that webhook's certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "against")]
    ca: Option<PathBuf>,

    /// Where the figures go as JSON
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/admission.json"))]
    json: PathBuf,

    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Be the server that only answers
    #[command(name = server::BARE)]
    Bare(Box<ServerArgs>),
    /// Send millions of reviews to two replicas, and look at their memory
    Soak(soak::Soak),
}

/// What is measured, and how long.
pub struct Plan {
    pub only: Vec<String>,
    pub rounds: usize,
    pub round: Duration,
    pub against: Option<Against>,
    pub ca: Option<PathBuf>,
}

impl Plan {
    pub fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == id)
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(command) = cli.command {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        return runtime.block_on(async {
            match command {
                Command::Bare(args) => server::serve_bare(*args).await,
                Command::Soak(soak) => soak.run().await,
            }
        });
    }
    let plan = Plan {
        only: cli.only,
        rounds: cli.rounds,
        round: Duration::from_millis(cli.round),
        against: cli.against,
        ca: cli.ca,
    };
    let machine = machine::look()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (measured, through) = runtime.block_on(async {
        let releases = Releases::find()?;
        let measured = loopback::measure(&plan, releases.as_ref()).await?;
        let through = match plan.wants(apiserver::ID) {
            true => apiserver::measure(releases.as_ref()).await?,
            false => Vec::new(),
        };
        anyhow::Ok((measured, through))
    })?;
    let json = report::json(&machine, &measured, &through);
    fs::write(&cli.json, format!("{json:#}\n"))
        .with_context(|| format!("writing {}", cli.json.display()))?;
    if let Some(against) = &plan.against {
        println!("Here \"bare\" is {against}.");
    }
    print!("{}", report::markdown(&machine, &measured, &through));
    eprintln!("The same as JSON: {}", cli.json.display());
    Ok(())
}
