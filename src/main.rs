use std::process::ExitCode;

use camunda_upgrade_guard::cli::Cli;

fn main() -> ExitCode {
    Cli::typed().run()
}
