//! `rescue`: a release's credentials go into a Secret that stays, and the values that use it are printed.

use std::process::ExitCode;

use anyhow::{Context, anyhow, bail, ensure};
use clap::Args;

use super::{
    confirm_and_run::say,
    connect::{ConnectArgs, Connection},
    show_line, waiting_for,
};
use crate::{
    camunda::Line,
    cluster::{Cluster, Effect, LiveCluster, Patch, WriteError},
    kubernetes::{Access, Kind, ObjectRef, is_name},
    rescue::{
        Rescued,
        keep_secret::{Missing, missing},
        read,
        values::given,
    },
    terminal::{Piece, Role},
};

/// Which release, and where its credentials go.
#[derive(Args, Debug)]
pub struct RescueArgs {
    /// The release
    #[arg(value_name = "RELEASE")]
    release: String,

    /// Secret that is to keep them, in the release's namespace; made, or filled up if rescue made it
    #[arg(long, value_name = "SECRET")]
    to: String,

    /// Print the values for this release line, too (8.3, 12, 13, …, or a chart's version)
    #[arg(long = "for", value_name = "LINE", value_parser = line)]
    line: Option<&'static Line>,

    /// Send what would be written as a dry run, and store nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    connect: ConnectArgs,
}

impl RescueArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (release, to) = (self.release.as_str(), self.to.as_str());
        if !is_name(to) {
            bail!("--to {to:?} is no name of a Secret");
        }
        let connection = self.connect.connect().await?;
        let cluster = Cluster::Live(connection.cluster.clone());
        let namespace = connection.namespace.as_str();
        let reading = waiting_for(format_args!("reading release {release}"));
        let rescued = read::release(&cluster, namespace, release).await?;
        drop(reading);
        if rescued.found.is_empty() {
            bail!(
                "nothing to rescue: release {release} in namespace {namespace} has no credentials in Secrets of its own; those of Secrets that you made stay where they are"
            );
        }
        if rescued.rendered.contains(to) {
            bail!("the chart makes a Secret {to} itself, and Helm deletes that; --to another name");
        }
        let reference = ObjectRef::new(Kind::Secret, namespace, to);
        let written = self
            .write(&connection, &cluster, &reference, &rescued)
            .await?;
        show_line(&[Piece::new(Role::Heading, &format!("# {written}"))])?;
        let lines = [rescued.line, self.line];
        let mut lines: Vec<_> = lines.into_iter().flatten().collect();
        lines.dedup_by_key(|line| &line.line);
        if lines.is_empty() {
            say("# The line of its chart is not known; --for LINE prints the values of one.")?;
        }
        for line in lines {
            say(&printed(&rescued, line, namespace, to)?)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Writes the missing credentials, and returns what the Secret holds then.
    async fn write(
        &self,
        connection: &Connection,
        cluster: &Cluster,
        reference: &ObjectRef,
        rescued: &Rescued,
    ) -> anyhow::Result<String> {
        let all: Vec<_> = rescued.found.iter().map(|it| it.key.as_str()).collect();
        let all = all.join(", ");
        let missing = self.look(cluster, reference, rescued).await?;
        let (verb, what) = match &missing {
            Missing::Nothing => return Ok(format!("{reference} keeps all already: {all}")),
            Missing::Secret(_) => ("create", format!("keeps {all}")),
            Missing::Keys(keys, _) => ("patch", format!("keeps {}, too", keys.join(", "))),
        };
        ensure_allowed(&connection.cluster, verb, reference).await?;
        let effect = match self.dry_run {
            true => Effect::DryRun,
            false => Effect::Stored,
        };
        let written = send(&connection.cluster, reference, &missing, effect).await;
        written.with_context(|| format!("can't {verb} {reference}"))?;
        if self.dry_run {
            return Ok(format!(
                "This was a dry run, nothing was changed: {reference} {what}"
            ));
        }
        match self.look(cluster, reference, rescued).await? {
            Missing::Nothing => Ok(format!(
                "{reference} {what}; helm uninstall leaves it alone, deleting namespace {} does not",
                connection.namespace
            )),
            _ => bail!("{reference} does not stay as it was written: something else changes it"),
        }
    }

    /// Reads the Secret, and returns which credentials it lacks.
    async fn look(
        &self,
        cluster: &Cluster,
        reference: &ObjectRef,
        rescued: &Rescued,
    ) -> anyhow::Result<Missing> {
        let secret = cluster.need(reference).await?;
        let missing = missing(
            secret.as_deref(),
            &reference.namespace,
            &reference.name,
            &self.release,
            &rescued.found,
        );
        Ok(missing?)
    }
}

/// Checks that the user may write the Secret, before anything is written.
async fn ensure_allowed(
    live: &LiveCluster,
    verb: &'static str,
    reference: &ObjectRef,
) -> anyhow::Result<()> {
    let lacking = live.lacking(&[Access::new(verb, reference)]).await;
    let lacking = lacking.context("can't ask what you may do")?;
    ensure!(
        lacking.is_empty(),
        "nothing was changed: you may not {}",
        lacking.join(", nor ")
    );
    Ok(())
}

/// Sends the missing credentials.
async fn send(
    live: &LiveCluster,
    reference: &ObjectRef,
    missing: &Missing,
    effect: Effect,
) -> Result<(), WriteError> {
    match missing {
        Missing::Secret(secret) => live.create(reference, secret, effect).await.map(drop),
        Missing::Keys(_, patch) => {
            let patch = Patch::Merge(patch);
            live.patch(reference, patch, effect).await.map(drop)
        }
        Missing::Nothing => Ok(()),
    }
}

/// Returns the values for a line as a commented file; commands that only a shell may run are comments to copy.
fn printed(
    rescued: &Rescued,
    line: &'static Line,
    namespace: &str,
    secret: &str,
) -> anyhow::Result<String> {
    let given = given(rescued, line, namespace, secret);
    let mut text = Vec::new();
    let chart = format!("chart {} (Camunda {})", line.line, line.application);
    if !given.values.is_empty() {
        text.push(format!("# For {chart}, into a values file:"));
        let yaml = serde_saphyr::to_string(&rescued.values.in_file(given.values));
        text.push(yaml.context("writing YAML")?.trim_end().to_owned());
    }
    if let Some(flag) = given.flag {
        text.push(format!(
            "# For {chart}, to add to helm install or helm upgrade, in bash or zsh:"
        ));
        text.push(flag.to_string());
    }
    if !given.unused.is_empty() {
        text.push(format!(
            "# {chart} has no use for {}.",
            given.unused.join(", ")
        ));
    }
    Ok(text.join("\n"))
}

fn line(text: &str) -> anyhow::Result<&'static Line> {
    let lines = Line::all();
    let named = lines.iter().find(|line| line.line == text);
    named.or_else(|| Line::of(text)).ok_or_else(|| {
        let names: Vec<_> = lines.iter().map(|line| line.line.as_str()).collect();
        anyhow!("the release lines are {}", names.join(", "))
    })
}
