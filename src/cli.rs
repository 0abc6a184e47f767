//! The command line.

mod check;
mod connect;
mod explain;
mod ready;
mod serve;
mod snapshot;
mod webhooks;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps Camunda 8 safe through Helm upgrades.
#[derive(Debug, Parser)]
#[command(name = "camunda-upgrade-guard", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the admission webhook
    Serve(Box<serve::ServeArgs>),
    /// Say of an upgrade what the webhook would say, before there is one
    Check(Box<check::CheckArgs>),
    /// Say what a rule stops, what it lets pass and what cures it
    Explain(explain::ExplainArgs),
    /// Keep what check needs of a namespace as files without any secret value
    Snapshot(snapshot::SnapshotArgs),
    /// Ask a guard that serves whether it is ready
    Ready(ready::ReadyArgs),
    /// Print the webhook configurations, for kubectl apply -f -
    Webhooks(webhooks::WebhooksArgs),
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Serve(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Check(args) => args.run(),
            Command::Explain(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Snapshot(args) => args.run(),
            Command::Ready(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Webhooks(args) => args.run().map(|()| ExitCode::SUCCESS),
        };
        done.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        })
    }
}
