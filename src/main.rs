use std::process::ExitCode;

use camunda_upgrade_guard::cli::Cli;
use clap::Parser;

fn main() -> ExitCode {
    Cli::parse().run()
}
