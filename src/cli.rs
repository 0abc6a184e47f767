//! The command line.

mod connect;
mod explain;
mod plan;
mod ready;
mod scan;
mod serve;
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
    /// List the Camunda releases of a cluster, and what would stop their next upgrades today
    Scan(scan::ScanArgs),
    /// Print the whole way of a release to another chart, hop by hop
    Plan(Box<plan::PlanArgs>),
    /// Say what a rule stops, what it lets pass and what cures it
    Explain(explain::ExplainArgs),
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
            Command::Scan(args) => args.run(),
            Command::Plan(args) => args.run(),
            Command::Explain(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Ready(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Webhooks(args) => args.run().map(|()| ExitCode::SUCCESS),
        };
        done.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        })
    }
}
