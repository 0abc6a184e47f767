//! `convert`: values under the keys that a later chart reads. Of values files alone, or of a release.

mod files;
mod release;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::bail;
use clap::Args;
use semver::Version;

pub(super) use self::files::{line, read};
use self::{files::Files, release::Release};
use super::{connect::ConnectArgs, standing, unless_unusable};

/// What is converted, the chart to go to, and where the result goes.
#[derive(Args, Debug)]
pub struct ConvertArgs {
    /// The release; without --from
    #[arg(
        value_name = "RELEASE",
        required_unless_present = "from",
        conflicts_with = "from"
    )]
    release: Option<String>,

    /// Chart to go to: its version (13.13.0), its line (13), or a version of Camunda (8.8); of a release only the next one
    #[arg(long, value_name = "VERSION", value_parser = standing::version)]
    to: Version,

    /// Chart that the values files are for; they are converted hop by hop, without a cluster
    #[arg(
        long,
        value_name = "VERSION",
        value_parser = standing::version,
        requires = "values",
        conflicts_with_all = ["kubeconfig", "context", "namespace"]
    )]
    from: Option<Version>,

    /// Name or alias of Camunda's chart below an umbrella chart, where there are several
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    subchart: Option<String>,

    /// Values file, may be repeated, the last one wins; without one what the release was given is converted
    #[arg(
        short = 'f',
        long = "values",
        value_name = "FILE",
        value_delimiter = ','
    )]
    values: Vec<PathBuf>,

    /// Folder for the converted files, with --from; only their owner may read them
    #[arg(long, value_name = "DIR", requires = "from")]
    output_dir: Option<PathBuf>,

    /// File to write of a release, which only its owner may read; with --from, how to print the report:
    /// text, json, yaml, sarif or markdown, where FORMAT=FILE writes a file. May be repeated then
    #[arg(
        short,
        long,
        value_name = "FILE|FORMAT[=FILE]",
        required_unless_present = "from"
    )]
    output: Vec<OsString>,

    /// Write over the file of a release if it is there
    #[arg(long, conflicts_with = "from")]
    force: bool,

    #[command(flatten)]
    cluster: ConnectArgs,
}

impl ConvertArgs {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(from) = self.from {
            let files = Files {
                from,
                to: self.to,
                values: self.values,
                folder: self.output_dir,
                outputs: self.output,
            };
            return Ok(unless_unusable(files.convert()));
        }
        let (Some(name), [output]) = (self.release, &self.output[..]) else {
            bail!("a release is converted into one file: -o FILE");
        };
        let release = Release {
            name,
            to: self.to,
            subchart: self.subchart,
            values: self.values,
            output: output.into(),
            force: self.force,
            cluster: self.cluster,
        };
        release.convert()
    }
}
