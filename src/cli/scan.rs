//! `scan`: all Camunda releases that can be seen, and what would stop their next upgrades today.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{
    connect::{ConnectArgs, block_on},
    outputs::Outputs,
    printing::tell,
    unless_unusable, waiting_for,
};
use crate::{
    cluster::Cluster,
    denial::counted,
    scan::{self, FailOn, Published, ReportApi},
    terminal::printable,
};

/// Where to look.
#[derive(Args, Debug)]
pub struct ScanArgs {
    /// Look into all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,

    #[command(flatten)]
    outputs: Outputs<Format>,

    /// Write policy reports into the cluster, too, and delete those of namespaces whose last release is gone
    #[arg(long, value_enum, value_name = "API")]
    apply: Option<ReportApi>,

    /// Exit with 1 where a release has such a problem
    #[arg(long, value_enum, value_name = "ACTION")]
    fail_on: Option<FailOn>,

    #[command(flatten)]
    cluster: ConnectArgs,
}

/// How a scan is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For a program, as docs/scan.schema.json describes it
    Json,
    /// The same as YAML
    Yaml,
    /// A page for a browser, which loads nothing
    Html,
    /// Reports of openreports.io/v1alpha1, one for each namespace, for kubectl apply
    Openreports,
    /// The same as reports of wgpolicyk8s.io/v1alpha2
    Policyreport,
}

impl ScanArgs {
    /// Prints the scan; one that could not be made has another exit code than one that fails.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        Ok(unless_unusable(self.scanned()))
    }

    fn scanned(self) -> anyhow::Result<ExitCode> {
        self.outputs.look_at()?;
        let today = Timestamp::now().strftime("%Y-%m-%d").to_string();
        let (scan, published) = block_on(async {
            let connection = self.cluster.connect().await?;
            let namespace = (!self.all_namespaces).then_some(connection.namespace.as_str());
            let cluster = Cluster::Live(connection.cluster.clone());
            let _reading = match namespace {
                Some(namespace) => waiting_for(format_args!("reading namespace {namespace}")),
                None => waiting_for("reading all namespaces"),
            };
            let scan = scan::look(&cluster, namespace, &today).await;
            // A printed scan says why its reports could not be written.
            let published = match self.apply {
                Some(api) => Some(scan.publish(&connection.cluster, namespace, api).await),
                None => None,
            };
            Ok((scan, published))
        })?;
        self.outputs.write(|format, look| {
            let text = match format {
                Format::Text => look.paint(&scan.text(look.width)),
                Format::Json => printable(&scan.json()?),
                Format::Yaml => printable(&scan.yaml()?),
                Format::Html => printable(&scan.html()),
                Format::Openreports => printable(&scan.policy_reports(ReportApi::OpenReports)?),
                Format::Policyreport => printable(&scan.policy_reports(ReportApi::PolicyReport)?),
            };
            Ok(text.into_bytes())
        })?;
        if let Some(published) = published {
            let Published { applied, deleted } = published?;
            let (applied, deleted) = (counted(applied, "report"), counted(deleted, "report"));
            tell(format_args!("{applied} written, {deleted} deleted"));
            // They tell what was not seen, and a Job that fails for it would only run again.
            if self.fail_on.is_none() {
                return Ok(ExitCode::SUCCESS);
            }
        }
        Ok(ExitCode::from(scan.outcome(self.fail_on).code()))
    }
}
