//! `validate`: whether values files fit a chart, by what is known of its line.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use semver::Version;

use super::{
    convert::{line, read},
    outputs::Outputs,
    standing, unless_unusable,
};
use crate::{
    convert,
    values_report::{Format, Report},
};

/// The files and the line.
#[derive(Args, Debug)]
pub struct ValidateArgs {
    /// Values file, may be repeated; the last one wins
    #[arg(
        short = 'f',
        long = "values",
        value_name = "FILE",
        value_delimiter = ',',
        required = true
    )]
    values: Vec<PathBuf>,

    /// Chart that they are for: its line (14), its version (14.9.0), or a version of Camunda (8.9)
    #[arg(long, value_name = "LINE", value_parser = standing::version)]
    line: Version,

    #[command(flatten)]
    outputs: Outputs<Format>,
}

impl ValidateArgs {
    /// Judges the files; unreadable ones have another exit code than those that do not fit.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        Ok(unless_unusable(self.validated()))
    }

    fn validated(self) -> anyhow::Result<ExitCode> {
        self.outputs.look_at()?;
        let line = line(&self.line)?;
        let judged = convert::validate(&read(&self.values)?, line)?;
        let report = Report::of_validation(&judged, line);
        let outputs = &self.outputs;
        outputs.write(|format, look| Ok(report.print(*format, look)?.into_bytes()))?;
        Ok(ExitCode::from(judged.outcome().code()))
    }
}
