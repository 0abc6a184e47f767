//! The command line.

mod check;
mod completions;
mod confirm_and_run;
mod connect;
mod convert;
mod explain;
mod invoked_as;
mod man;
mod plan;
mod post_render;
mod ready;
mod rebind;
mod relabel;
mod rescue;
mod rules;
mod scan;
mod serve;
mod snapshot;
mod standing;
mod webhooks;

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::connect::block_on;
use crate::terminal::printable;

/// Exit code if a read failed, so that the output may lack something.
const UNSEEN: u8 = 3;

/// Prints to standard output; fails once nobody reads it, so that nothing more is done either.
/// No character in it does more than to be shown.
fn print(text: impl AsRef<str>) -> anyhow::Result<()> {
    let text = printable(text.as_ref());
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.context("writing to standard output")
}

/// Prints a line to standard error.
fn tell(text: impl fmt::Display) {
    eprintln!("{}", printable(&text.to_string()));
}

/// Returns the exit code after output; `all_seen`: whether every read succeeded.
fn ended(all_seen: bool) -> ExitCode {
    match all_seen {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(UNSEEN),
    }
}

/// The program's name, whatever name it was called by.
const NAME: &str = "camunda-upgrade-guard";

/// Keeps Camunda 8 safe through Helm upgrades.
#[derive(Debug, Parser)]
#[command(name = NAME, version, about, max_term_width = 100)]
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
    /// List the rules
    Rules(rules::RulesArgs),
    /// List the Camunda releases of a cluster, and what would stop their next upgrades today
    Scan(scan::ScanArgs),
    /// Print the whole way of a release to another chart, hop by hop
    Plan(Box<plan::PlanArgs>),
    /// Write a release's values under the keys that the next chart reads, secret ones among them, into a file of yours
    Convert(Box<convert::ConvertArgs>),
    /// Say what a rule stops, what it lets pass and what cures it
    Explain(explain::ExplainArgs),
    /// Refuse as helm's post-renderer, where no webhook may be installed
    PostRender(Box<post_render::PostRenderArgs>),
    /// Keep what check needs of a namespace as files without any secret value
    Snapshot(snapshot::SnapshotArgs),
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
    /// Print what completes this program's commands in a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write those of all commands
    Man(man::ManArgs),
}

impl Cli {
    /// Parses the command line; an invalid one ends the program with a message, under the name that was typed.
    pub fn typed() -> Cli {
        let mut command = Cli::command();
        if let Some(name) = invoked_as::name() {
            command = command.bin_name(name);
        }
        let matches = command.get_matches();
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Runs the command.
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Serve(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Check(args) => args.run(),
            Command::Scan(args) => args.run(),
            Command::Plan(args) => args.run(),
            Command::Convert(args) => args.run(),
            Command::Explain(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::PostRender(args) => args.run(),
            Command::Snapshot(args) => args.run(),
            Command::Rebind(args) => block_on(args.run()),
            Command::Relabel(args) => block_on(args.run()),
            Command::Rescue(args) => block_on(args.run()),
            Command::Ready(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Webhooks(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Rules(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Completions(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Man(args) => args.run().map(|()| ExitCode::SUCCESS),
        };
        done.unwrap_or_else(|error| {
            tell(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        })
    }
}
