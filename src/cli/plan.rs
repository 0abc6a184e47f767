//! `plan`: the whole way of a release to another chart, or back to a backup.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use semver::Version;

use super::{
    connect::{ConnectArgs, block_on},
    ended,
    outputs::Outputs,
    standing::{self, Looked},
    tell_as, waiting_for,
};
use crate::{
    camunda::NewestPatches,
    change::Facts,
    forecast::InstalledRelease,
    html,
    plan::{self, Means, Plan, Unfinished},
    terminal::{Role, printable},
};

/// Which release, and where to.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// The release
    #[arg(value_name = "RELEASE")]
    release: String,

    /// Chart to go to: its version (13.13.0), its line (13), a version of Camunda (8.8), or latest
    ///
    /// With --restore: the chart that made the backup, which may be an older one than runs; by default the one that runs.
    #[arg(long, value_name = "VERSION", value_parser = standing::version, required_unless_present = "restore")]
    to: Option<Version>,

    /// Restore the backup with this number as Camunda documents it, instead of an upgrade
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..), conflicts_with_all = ["chart", "values"])]
    restore: Option<u64>,

    /// Go on where an upgrade was cut off, which Helm and this refuse otherwise
    #[arg(long)]
    resume: bool,

    /// Name or alias of Camunda's chart below an umbrella chart, where there are several
    #[arg(long, value_name = "NAME")]
    subchart: Option<String>,

    /// Chart that helm upgrade is to be given; {version} in it stands for the version of each upgrade
    #[arg(long, value_name = "REF", default_value = "camunda/camunda-platform")]
    chart: String,

    /// Values file that helm upgrade is to be given, may be repeated; without one values.yaml stands for yours
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    values: Vec<String>,

    #[command(flatten)]
    outputs: Outputs<Format>,

    #[command(flatten)]
    cluster: ConnectArgs,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// For a program, as docs/plan.schema.json describes it
    Json,
    /// The same as YAML
    Yaml,
    /// For a ticket: a checklist with commands to copy
    Markdown,
    /// For bash: a script whose steps say what they do
    Shell,
    /// A page for a browser, which loads nothing
    Html,
}

/// A plan, and what it was made of.
struct Planned {
    plan: Plan,
    looked: Looked,
    facts: Facts,
}

impl PlanArgs {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        self.outputs.look_at()?;
        let Planned {
            plan,
            looked,
            facts,
        } = block_on(self.plan())?;
        self.outputs.write(|format, look| {
            let text = match format {
                Format::Text => look.paint(&plan.text(look.width)),
                Format::Json => plan.json()?,
                Format::Yaml => plan.yaml()?,
                Format::Markdown => printable(&plan.markdown()),
                Format::Shell => printable(&plan.script()),
                Format::Html => {
                    let data = match plan.restores() {
                        // What a backup holds nobody can see here.
                        Some(_) => Vec::new(),
                        None => html::data(&plan, &looked.standing, &facts),
                    };
                    printable(&html::plan(&plan, &data))
                }
            };
            Ok(text.into_bytes())
        })?;
        if self.values.is_empty() && !plan.means.values.is_empty() {
            let note = "values.yaml stands for your values files; --values FILE names them";
            tell_as(Role::Warning, "note", note);
        }
        Ok(ended(facts.gaps().is_empty()))
    }

    async fn plan(&self) -> anyhow::Result<Planned> {
        let subchart = self.subchart.as_deref();
        let looked = standing::look(&self.cluster, &self.release, subchart, self.resume);
        let looked = looked.await?;
        let _reading = waiting_for(format_args!("reading what release {} has", self.release));
        let (plan, facts) = match (self.restore, &self.to) {
            (Some(id), to) => self.restore(&looked, id, to.as_ref()).await?,
            (None, Some(to)) => self.upgrade(&looked, to).await?,
            (None, None) => bail!("--to names the chart to go to"),
        };
        Ok(Planned {
            plan,
            looked,
            facts,
        })
    }

    async fn upgrade(&self, looked: &Looked, to: &Version) -> anyhow::Result<(Plan, Facts)> {
        let (standing, newest) = (&looked.standing, NewestPatches::default());
        let change = plan::first(standing, to, &newest)?;
        let facts = looked.reader.standing_facts(standing, change).await;
        let means = self.means(standing, looked.unfinished)?;
        let plan = Plan::of(standing, &facts, to, means, &newest)?;
        Ok((plan, facts))
    }

    async fn restore(
        &self,
        looked: &Looked,
        id: u64,
        to: Option<&Version>,
    ) -> anyhow::Result<(Plan, Facts)> {
        let standing = &looked.standing;
        let earlier = match to {
            Some(to) => looked.earlier(to, self.subchart.as_deref()).await?,
            None => None,
        };
        let change = earlier.as_ref().map(|earlier| earlier.rollback(standing));
        let facts = looked.reader.standing_facts(standing, change).await;
        let means = Means {
            context: self.cluster.current_context()?,
            unfinished: looked.unfinished,
            ..Means::default()
        };
        let plan = Plan::restore(standing, earlier.as_ref(), &facts, id, means)?;
        Ok((plan, facts))
    }

    fn means(
        &self,
        standing: &InstalledRelease,
        unfinished: Option<Unfinished>,
    ) -> anyhow::Result<Means> {
        let values = &standing.rendered.values;
        let none = values.leaves().is_empty() && values.root().is_none();
        let placeholder = match none {
            true => Vec::new(),
            false => vec!["values.yaml".to_owned()],
        };
        Ok(Means {
            chart: self.chart.clone(),
            values: match self.values.is_empty() {
                true => placeholder,
                false => self.values.clone(),
            },
            context: self.cluster.current_context()?,
            unfinished,
        })
    }
}
