//! The command line.

mod connect;
mod explain;
mod ready;
mod rebind;
mod relabel;
mod rescue;
mod serve;
mod walk;
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
    /// Say what a rule stops, what it lets pass and what cures it
    Explain(explain::ExplainArgs),
    /// Hand Elasticsearch's volumes over to the claims of chart 8.3, or take them back
    Rebind(rebind::RebindArgs),
    /// Do the steps of 8.0.13 for Elasticsearch's claims
    Relabel(relabel::RelabelArgs),
    /// Write a release's credentials into one Secret, and print the values that use it
    Rescue(rescue::RescueArgs),
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
            Command::Explain(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Rebind(args) => args.run(),
            Command::Relabel(args) => args.run(),
            Command::Rescue(args) => args.run(),
            Command::Ready(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Webhooks(args) => args.run().map(|()| ExitCode::SUCCESS),
        };
        done.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        })
    }
}
