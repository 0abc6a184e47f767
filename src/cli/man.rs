//! `man`: the manual, from the same definition as `--help`.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::{Cli, print};

/// Where the pages go.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Folder to write the pages of all commands to, in place of printing the main one
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl ManArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let command = Cli::command().disable_help_subcommand(true);
        match self.out {
            Some(folder) => {
                let name = folder.display();
                fs::create_dir_all(&folder).with_context(|| format!("can't make --out {name}"))?;
                clap_mangen::generate_to(command, &folder)
                    .with_context(|| format!("can't write to --out {name}"))
            }
            None => {
                let mut page = Vec::new();
                Man::new(command).render(&mut page)?;
                print(String::from_utf8_lossy(&page))
            }
        }
    }
}
