//! The command line.

mod check;
mod completions;
mod confirm_and_run;
mod connect;
mod convert;
mod examples;
mod explain;
mod hints;
mod invoked_as;
mod man;
mod outputs;
mod plan;
mod post_render;
mod printing;
mod ready;
mod rebind;
mod relabel;
mod rescue;
mod rules;
mod scan;
mod serve;
mod snapshot;
mod standing;
mod validate;
mod webhooks;
mod written;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::finding::shell;

use self::{
    connect::block_on,
    printing::{complain, print, show, show_line, tell, tell_as, waiting_for},
};

/// Exit code if a read failed, so that the output may lack something.
const UNSEEN: u8 = 3;

/// Exit code for unreadable input and wrong usage; the same as clap's.
const UNUSABLE: u8 = 2;

/// Returns the exit code after output; `all_seen`: whether every read succeeded.
fn ended(all_seen: bool) -> ExitCode {
    match all_seen {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(UNSEEN),
    }
}

/// Returns the exit code of a command of which 1 says something else than that it failed.
fn unless_unusable(done: anyhow::Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::from(UNUSABLE)
    })
}

/// The program's name, whatever name it was called by.
const NAME: &str = shell::PROGRAM;

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
    #[command(after_help = examples::SERVE)]
    Serve(Box<serve::ServeArgs>),
    /// Say of an upgrade what the webhook would say, before there is one
    #[command(after_help = examples::CHECK)]
    Check(Box<check::CheckArgs>),
    /// List the rules
    #[command(after_help = examples::RULES)]
    Rules(rules::RulesArgs),
    /// List the Camunda releases of a cluster, and what would stop their next upgrades today
    #[command(after_help = examples::SCAN)]
    Scan(scan::ScanArgs),
    /// Print the whole way of a release to another chart, hop by hop
    #[command(after_help = examples::PLAN)]
    Plan(Box<plan::PlanArgs>),
    /// Convert values files to a later chart, or write a release's values under the keys that the next chart reads
    #[command(after_help = examples::CONVERT)]
    Convert(Box<convert::ConvertArgs>),
    /// Say whether values files fit a chart, without the chart
    #[command(after_help = examples::VALIDATE)]
    Validate(validate::ValidateArgs),
    /// Say what a rule stops and what cures it, or what a word means
    #[command(after_help = examples::EXPLAIN)]
    Explain(explain::ExplainArgs),
    /// Refuse as helm's post-renderer, where no webhook may be installed
    #[command(after_help = examples::POST_RENDER)]
    PostRender(Box<post_render::PostRenderArgs>),
    /// Keep what check needs of a namespace as files without any secret value
    #[command(after_help = examples::SNAPSHOT)]
    Snapshot(snapshot::SnapshotArgs),
    /// Hand Elasticsearch's volumes over to the claims of chart 8.3, or take them back
    #[command(after_help = examples::REBIND)]
    Rebind(rebind::RebindArgs),
    /// Do the steps of 8.0.13 for Elasticsearch's claims
    #[command(after_help = examples::RELABEL)]
    Relabel(relabel::RelabelArgs),
    /// Write a release's credentials into one Secret, and print the values that use it
    #[command(after_help = examples::RESCUE)]
    Rescue(rescue::RescueArgs),
    /// Ask a guard that serves whether it is ready
    #[command(after_help = examples::READY)]
    Ready(ready::ReadyArgs),
    /// Print the webhook configurations, for kubectl apply -f -
    #[command(after_help = examples::WEBHOOKS)]
    Webhooks(webhooks::WebhooksArgs),
    /// Print what completes this program's commands in a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write those of all commands
    #[command(after_help = examples::MAN)]
    Man(man::ManArgs),
}

impl Cli {
    /// Parses the command line; an invalid one ends the program with a message, under the name that was typed.
    pub fn typed() -> Cli {
        let mut command = Cli::command();
        if let Some(name) = invoked_as::name() {
            command = command.bin_name(name);
        }
        let typed = command.try_get_matches();
        let typed = typed.and_then(|matches| Cli::from_arg_matches(&matches));
        typed.unwrap_or_else(|error| hints::with_one_hint(error).exit())
    }

    /// Runs the command.
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Serve(args) => args.run().map(|()| ExitCode::SUCCESS),
            Command::Check(args) => args.run(),
            Command::Scan(args) => args.run(),
            Command::Plan(args) => args.run(),
            Command::Convert(args) => args.run(),
            Command::Validate(args) => args.run(),
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
            complain(&error);
            ExitCode::FAILURE
        })
    }
}
