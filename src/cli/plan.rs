//! `plan`: the whole way of a release to another chart.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use semver::Version;

use super::{
    connect::{ConnectArgs, block_on},
    ended, print, show,
    standing::{self, Looked},
    tell_as, waiting_for,
};
use crate::{
    camunda::NewestPatches,
    forecast::InstalledRelease,
    html,
    plan::{self, Means, Plan},
    storage::Storage,
    terminal::Role,
};

/// Which release, and where to.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// The release
    #[arg(value_name = "RELEASE")]
    release: String,

    /// Chart to go to: its version (13.12.7), its line (13), a version of Camunda (8.8), or latest
    #[arg(long, value_name = "VERSION", value_parser = standing::version)]
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
    /// A page for a browser, which loads nothing
    Html,
}

/// A plan, and what else is known of it.
struct Planned {
    plan: Plan,
    /// Where the data is at each of its upgrades.
    data: Vec<Storage>,
    /// Whether every read for it succeeded.
    seen: bool,
}

impl PlanArgs {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Planned { plan, data, seen } = block_on(self.plan())?;
        match self.output {
            Format::Text => show(|width| plan.text(width))?,
            Format::Markdown => print(plan.markdown())?,
            Format::Shell => print(plan.script())?,
            Format::Html => print(html::plan(&plan, &data))?,
        }
        if self.values.is_empty() && !plan.means.values.is_empty() {
            let note = "values.yaml stands for your values files; --values FILE names them";
            tell_as(Role::Warning, "note", note);
        }
        Ok(ended(seen))
    }

    async fn plan(&self) -> anyhow::Result<Planned> {
        let Looked {
            standing, reader, ..
        } = &standing::look(&self.cluster, &self.release, self.subchart.as_deref()).await?;
        let _reading = waiting_for(format_args!("reading what release {} has", self.release));
        let newest = NewestPatches::default();
        let change = plan::first(standing, &self.to, &newest)?;
        let facts = reader.standing_facts(standing, change).await;
        let means = self.means(standing)?;
        let plan = Plan::of(standing, &facts, &self.to, means, &newest)?;
        Ok(Planned {
            data: html::data(&plan, standing, &facts),
            seen: facts.gaps().is_empty(),
            plan,
        })
    }

    fn means(&self, standing: &InstalledRelease) -> anyhow::Result<Means> {
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
        })
    }
}
