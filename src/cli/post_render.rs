//! `post-render`: between Helm's rendering and its first write, where no webhook may be installed.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::value::to_raw_value;

use super::{
    check::{bounded, values_files},
    connect::{ConnectArgs, block_on},
    waiting_for,
};
use crate::{
    check::{Check, PATIENCE},
    cluster::Cluster,
    input::{self, Input, Source},
    look::Look,
    policy::Policy,
    report::{Format, Outcome, Report},
};

/// What Helm does not tell a post-renderer.
#[derive(Args, Debug)]
pub struct PostRenderArgs {
    /// The release that is being installed or upgraded [default: the one that the objects' labels name]
    #[arg(value_name = "RELEASE")]
    release: Option<String>,

    /// Values file that helm was given, too: a rendered manifest does not show the values
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    values: Vec<PathBuf>,

    #[command(flatten)]
    cluster: ConnectArgs,

    /// The guard's configuration, where the rules count otherwise than their pages say
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl PostRenderArgs {
    /// Passes the manifest through unchanged, or prints nothing if it is refused.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = bounded(io::stdin().lock()).context("can't read the rendered manifest")?;
        // A chart may render nothing.
        if !bytes.iter().all(u8::is_ascii_whitespace) {
            let report = self.judge(bytes.clone())?;
            let out = io::stderr();
            report.write(Format::Text, Look::of(&out), &mut out.lock())?;
            match report.outcome() {
                Outcome::Clean => {}
                refused => return Ok(ExitCode::from(refused.code())),
            }
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(&bytes).and_then(|()| out.flush());
        written.context("can't hand the manifest on")?;
        Ok(ExitCode::SUCCESS)
    }

    fn judge(&self, bytes: Vec<u8>) -> anyhow::Result<Report> {
        let Input {
            mut release,
            source,
            parsed,
        } = input::read("the rendered manifest", bytes)?;
        if source != Source::Manifest {
            bail!("this is no rendered manifest: post-render is for helm's --post-renderer");
        }
        if !self.values.is_empty() {
            release.config = Some(to_raw_value(&values_files(&self.values)?)?);
        }
        if let Some(name) = &self.release {
            name.clone_into(&mut release.name);
        }
        let policy = self.config.as_deref().map(Policy::read).transpose()?;
        let policy = policy.unwrap_or_default();
        block_on(async {
            let connection = self.cluster.connect().await?;
            let _reading = waiting_for(format_args!("reading namespace {}", connection.namespace));
            release.namespace = connection.namespace;
            let cluster = Cluster::Live(connection.cluster);
            let check = Check::new(cluster, policy, PATIENCE);
            let input = Input {
                release,
                source,
                parsed,
            };
            Ok(check.judge(input, "").await?)
        })
    }
}
