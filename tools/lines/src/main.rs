//! `lines from-chart FOLDER`: what an unpacked chart of Camunda's says about its release line.
//!
//! It renders the chart by the helm on the PATH, with every application switched on that the chart has a value for, and prints a
//! draft of the line's data file, or where the file that is compiled in says otherwise. `docs/release-lines.md` walks through it.

mod chart;
mod compared;
mod draft;
mod workloads;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use self::{chart::Chart, draft::Draft};

#[derive(Parser)]
#[command(name = "lines", about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read an unpacked chart
    FromChart(FromChart),
}

#[derive(Args)]
struct FromChart {
    /// Folder of the chart, as helm pull --untar leaves it
    #[arg(value_name = "FOLDER")]
    chart: PathBuf,

    /// Folder of a chart of the line before: what it reads and this one does not is told, too
    #[arg(long, value_name = "FOLDER")]
    before: Option<PathBuf>,

    /// Print the differences to the line's own file in place of a draft, and end with 1 where there is one
    #[arg(long)]
    compare: bool,

    /// Flags for helm template, such as --set KEY=VALUE for a chart that does not render without
    #[arg(last = true, value_name = "HELM FLAGS")]
    flags: Vec<String>,
}

fn main() -> ExitCode {
    let Command::FromChart(args) = Cli::parse().command;
    match args.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lines: {error:#}");
            ExitCode::from(2)
        }
    }
}

impl FromChart {
    fn run(&self) -> Result<ExitCode> {
        let before = match &self.before {
            Some(folder) => Some(Chart::read(folder, &self.flags)?),
            None => None,
        };
        let chart = Chart::read(&self.chart, &self.flags)?;
        let draft = Draft::of(&chart, before.as_ref());
        if !self.compare {
            print!("{}", draft.yaml()?);
            return Ok(ExitCode::SUCCESS);
        }
        let differences = compared::with_ours(&draft)?;
        for difference in &differences {
            println!("{difference}");
        }
        Ok(match differences.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}
