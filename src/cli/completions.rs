//! `completions`: commands, flags, formats and rules in a shell, on the tab key.

use clap::{Args, Command, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, NAME, print};

/// For which shell.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// Shell that is to complete
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        print(script(self.shell))
    }
}

fn script(shell: Shell) -> String {
    // Writing to memory cannot fail, and where writing fails clap_complete panics.
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        // clap_complete 4.6.11 spells a name with hyphens in two ways and completes no subcommand
        // (https://github.com/clap-rs/clap/issues/6421).
        Shell::Bash => script.replace(&NAME.replace('-', "__subcmd__"), &NAME.replace('-', "__")),
        Shell::Fish => script + &positionals(&Cli::command()),
        _ => script,
    }
}

/// Returns completions that clap_complete omits for fish: the values of positional arguments.
fn positionals(command: &Command) -> String {
    let mut script = String::new();
    for subcommand in command.get_subcommands() {
        for arg in subcommand.get_positionals() {
            for value in arg.get_possible_values() {
                let help = value.get_help().map(ToString::to_string);
                let help = help.unwrap_or_default().replace('\'', "\\'");
                let condition = format!(
                    "__fish_camunda_upgrade_guard_using_subcommand {}",
                    subcommand.get_name()
                );
                script += &format!(
                    "complete -c {NAME} -n \"{condition}\" -f -a \"{}\" -d '{help}'\n",
                    value.get_name()
                );
            }
        }
    }
    script
}
