//! `plan`: the whole way of a release to another chart.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use semver::Version;

use super::connect::{ConnectArgs, block_on};
use crate::{
    camunda::NewestPatches,
    cluster::Cluster,
    forecast::Standing,
    gather::{Read, Reader, Recorded, Records, Releases, Revision, releases},
    plan::{self, Means, Plan},
    shell,
};

/// The exit code where something could not be looked into, so that the plan may lack what it asks for.
const UNSEEN: u8 = 3;

/// How long reading the release may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which release, and where to.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// The release
    #[arg(value_name = "RELEASE")]
    release: String,

    /// Version of the chart to go to
    #[arg(long, value_name = "VERSION", value_parser = version)]
    to: Version,

    /// Name or alias of Camunda's chart below an umbrella chart, where there are several
    #[arg(long, value_name = "NAME")]
    subchart: Option<String>,

    /// Chart that helm upgrade is to be given; {version} in it stands for the version of each upgrade
    #[arg(long, value_name = "REF", default_value = "camunda/camunda-platform")]
    chart: String,

    /// Values file that helm upgrade is to be given, may be repeated; without one values.yaml stands for yours
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    values: Vec<String>,

    /// How to print the plan
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,

    #[command(flatten)]
    cluster: ConnectArgs,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For a ticket: a checklist with commands to copy
    Markdown,
    /// For bash: a script whose steps say what they do
    Shell,
}

fn version(text: &str) -> Result<Version, String> {
    let version = Version::parse(text.trim_start_matches('v'));
    version.map_err(|error| format!("a chart's version is like 13.12.7: {error}"))
}

impl PlanArgs {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (plan, seen) = block_on(self.plan())?;
        let text = match self.output {
            Format::Text => plan.to_string(),
            Format::Markdown => plan.markdown(),
            Format::Shell => plan.script(),
        };
        let written = io::stdout().write_all(text.as_bytes());
        written.context("writing to standard output")?;
        if self.values.is_empty() && !plan.means.values.is_empty() {
            eprintln!("note: values.yaml stands for your values files; --values FILE names them");
        }
        Ok(match seen {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(UNSEEN),
        })
    }

    /// The plan, and whether all was seen that it is made of.
    async fn plan(&self) -> anyhow::Result<(Plan, bool)> {
        let connection = self.cluster.connect().await?;
        let cluster = Cluster::Live(connection.cluster.clone());
        let namespace = connection.namespace.as_str();
        let found = releases(&cluster, Some(namespace)).await;
        let recorded = self.recorded(found, namespace)?;
        let revision = running(&recorded)?;
        let reader = Reader::of_command(cluster, PATIENCE);
        let read = reader
            .standing(&Records::default(), &recorded, revision)
            .await;
        let (standing, _held) = match read.map_err(|error| anyhow!(error))? {
            Read::Camunda(standing, held) => (standing, held),
            Read::Gone => bail!("release {} has gone meanwhile", self.release),
            Read::Other(chart) => {
                bail!(
                    "release {} is of chart {chart}, and not Camunda's",
                    self.release
                )
            }
        };
        if standing.namespace != namespace {
            eprintln!(
                "note: by its record the release is in namespace {}, and so is what is planned",
                standing.namespace
            );
        }
        let standing = self.part(*standing)?;
        let newest = NewestPatches::default();
        let change = plan::first(&standing, &self.to, &newest)?;
        let facts = reader.standing_facts(&standing, change).await;
        let means = self.means(&standing);
        let plan = Plan::of(&standing, &facts, &self.to, means, &newest)?;
        Ok((plan, facts.gaps().is_empty()))
    }

    /// The Camunda of a release that is to be planned for.
    fn part(&self, standing: Standing) -> anyhow::Result<Standing> {
        let release = &self.release;
        let root = standing.rendered.values.root().map(str::to_owned);
        let parts = standing.parts();
        let mut names = parts.iter().filter_map(|(name, _)| name.as_deref());
        let several = parts.len() > 1;
        let wanted = self.subchart.as_deref();
        if several && wanted.is_none() {
            let names: Vec<_> = names.by_ref().collect();
            bail!(
                "release {release} has several of Camunda's charts: choose one with --subchart ({})",
                names.join(", ")
            );
        }
        let found = parts.into_iter().find(|(name, _)| match wanted {
            Some(wanted) => name.as_deref().or(root.as_deref()) == Some(wanted),
            None => true,
        });
        let (_, standing) = found.with_context(|| {
            let wanted = wanted.unwrap_or_default();
            format!("no chart of Camunda's in release {release} is named {wanted}")
        })?;
        Ok(standing)
    }

    /// The release among those that were found.
    fn recorded(&self, found: Releases, namespace: &str) -> anyhow::Result<Recorded> {
        let release = &self.release;
        let (mut named, others): (Vec<_>, Vec<_>) = found
            .found
            .into_iter()
            .partition(|recorded| recorded.release == *release);
        if named.len() > 1 {
            bail!(
                "release {release} has records in Secrets and in ConfigMaps of namespace {namespace}: delete those that no helm uses"
            );
        }
        if let Some(recorded) = named.pop() {
            return Ok(recorded);
        }
        if let Some(gap) = found.unseen.first() {
            bail!(
                "release {release} can't be looked for: {}: {}",
                gap.what,
                gap.reason
            );
        }
        let others: Vec<_> = others.iter().map(|other| other.release.as_str()).collect();
        match others.is_empty() {
            true => bail!("there is no release {release} in namespace {namespace}, nor any other"),
            false => bail!(
                "there is no release {release} in namespace {namespace}; there is {}",
                others.join(", ")
            ),
        }
    }

    fn means(&self, standing: &Standing) -> Means {
        let values = &standing.rendered.values;
        let none = values.leaves().is_empty() && values.root().is_none();
        let placeholder = match none {
            true => Vec::new(),
            false => vec!["values.yaml".to_owned()],
        };
        Means {
            chart: self.chart.clone(),
            values: match self.values.is_empty() {
                true => placeholder,
                false => self.values.clone(),
            },
        }
    }
}

/// The revision that runs, where Helm lets another one begin.
fn running(recorded: &Recorded) -> anyhow::Result<Revision> {
    let (release, namespace) = (&recorded.release, &recorded.namespace);
    let newest = recorded
        .newest()
        .filter(|newest| newest.status.is_pending());
    match (recorded.running(), newest) {
        (Some(running), Some(newest)) => {
            let revision = running.number.to_string();
            let words = ["helm", "rollback", release, &revision, "-n", namespace];
            bail!(
                "revision {} of release {release} is {}: where no helm is at work on it, it was cut off, and Helm refuses every other \
                 upgrade until {}",
                newest.number,
                newest.status,
                shell::command(words)
            )
        }
        (Some(running), None) => Ok(running),
        (None, Some(newest)) => bail!(
            "revision {} of release {release} is {}, and none is deployed",
            newest.number,
            newest.status
        ),
        (None, None) => bail!("no revision of release {release} is deployed"),
    }
}
