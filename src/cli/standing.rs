//! Reads an installed release for commands about its next upgrades.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use semver::Version;

use super::{connect::ConnectArgs, tell_as, waiting_for};
use crate::{
    camunda::NewestPatches,
    cluster::Cluster,
    finding::shell,
    forecast::InstalledRelease,
    gather::{
        Held, RECORDED_ELSEWHERE, Read, Reader, Recorded, Records, Releases, Revision, releases,
    },
    helm::release::Status,
    plan::{self, Earlier, TargetError, Unfinished},
    scan::labelled_releases,
    terminal::Role,
};

/// Time limit for reading the release.
const PATIENCE: Duration = Duration::from_secs(60);

/// The installed release, and the reader that read it.
pub(super) struct Looked {
    pub(super) standing: InstalledRelease,
    pub(super) reader: Reader,
    /// The newest revision, where it is another one than what is deployed.
    pub(super) unfinished: Option<Unfinished>,
    /// Its revisions.
    recorded: Recorded,
    /// The memory share of the decoded record.
    _held: Held,
}

impl Looked {
    /// Returns the newest revision of the history that ran with a chart, unless that chart runs.
    pub(super) async fn earlier(
        &self,
        chart: &Version,
        subchart: Option<&str>,
    ) -> anyhow::Result<Option<Earlier>> {
        if self.standing.chart.parsed.as_ref() == Some(chart) {
            return Ok(None);
        }
        let release = &self.recorded.release;
        let ran =
            |revision: &&Revision| matches!(revision.status, Status::Superseded | Status::Deployed);
        let records = Records::default();
        let mut others = Vec::new();
        for revision in self.recorded.revisions.iter().rev().filter(ran) {
            let number = revision.number;
            let read = self.reader.standing(&records, &self.recorded, *revision);
            let standing = match read.await {
                Ok(Read::Camunda(standing, _)) => part(release, *standing, subchart)?,
                Ok(Read::Gone | Read::Other(_)) => continue,
                Err(error) => {
                    others.push(format!("{number} (can't be read: {error})"));
                    continue;
                }
            };
            if standing.chart.parsed.as_ref() == Some(chart) {
                return Ok(Some(Earlier {
                    revision: number,
                    standing,
                }));
            }
            others.push(format!("{number} ({})", standing.chart.version));
        }
        Err(anyhow!(
            "no revision of release {release} that Helm has kept ran chart {chart}, which is needed with its values and credentials; revisions: {}",
            others.join(", ")
        ))
    }
}

/// Parses a chart's version, or what stands for one, as typed.
pub(super) fn version(text: &str) -> Result<Version, TargetError> {
    plan::target(text, &NewestPatches::default())
}

/// Reads the running release; of several Camundas under an umbrella chart, the one with this name or alias.
pub(super) async fn look(
    connect: &ConnectArgs,
    release: &str,
    subchart: Option<&str>,
    resume: bool,
) -> anyhow::Result<Looked> {
    let connection = connect.connect().await?;
    let cluster = Cluster::Live(connection.cluster.clone());
    let namespace = connection.namespace.as_str();
    let _reading = waiting_for(format_args!("reading release {release}"));
    let found = releases(&cluster, Some(namespace)).await;
    let labelled = match found.is_missing(release) {
        true => labelled_releases(&cluster, Some(namespace)).await.0,
        false => Vec::new(),
    };
    if labelled.iter().any(|it| it.release == release) {
        bail!(
            "no Secret or ConfigMap in namespace {namespace} holds Helm's record of release {release}, though it runs there: \
             {RECORDED_ELSEWHERE}; what helm upgrade --dry-run=server -o json prints can be given to {} check -",
            super::NAME
        );
    }
    let recorded = recorded(release, found, namespace)?;
    let revision = running(&recorded, resume)?;
    let unfinished = recorded
        .newest()
        .filter(|newest| newest.number > revision.number);
    let unfinished = unfinished.map(|newest| Unfinished {
        number: newest.number,
        status: newest.status,
        storage: recorded.storage,
    });
    let reader = Reader::of_command(cluster, PATIENCE);
    let read = reader
        .standing(&Records::default(), &recorded, revision)
        .await;
    let (standing, held) = match read? {
        Read::Camunda(standing, held) => (standing, held),
        Read::Gone => bail!("release {release} has gone meanwhile"),
        Read::Other(chart) => {
            bail!("release {release} is of chart {chart}, and not Camunda's")
        }
    };
    if standing.namespace != namespace {
        let note = format_args!(
            "by its record the release is in namespace {}, and so is what is planned",
            standing.namespace
        );
        tell_as(Role::Warning, "note", note);
    }
    Ok(Looked {
        standing: part(release, *standing, subchart)?,
        reader,
        unfinished,
        recorded,
        _held: held,
    })
}

/// Returns the wanted Camunda of a release.
fn part(
    release: &str,
    standing: InstalledRelease,
    wanted: Option<&str>,
) -> anyhow::Result<InstalledRelease> {
    let root = standing.rendered.values.root().map(str::to_owned);
    let parts = standing.parts();
    let mut names = parts.iter().filter_map(|(name, _)| name.as_deref());
    let several = parts.len() > 1;
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

/// Returns the release with this name among those found.
fn recorded(release: &str, found: Releases, namespace: &str) -> anyhow::Result<Recorded> {
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

/// Returns the running revision; fails if Helm would refuse another upgrade, unless somebody goes on from there.
fn running(recorded: &Recorded, resume: bool) -> anyhow::Result<Revision> {
    let (release, namespace) = (&recorded.release, &recorded.namespace);
    let newest = recorded
        .newest()
        .filter(|newest| newest.status.is_pending());
    match (recorded.running(), newest) {
        (Some(running), Some(_)) if resume => Ok(running),
        (Some(running), Some(newest)) => {
            let revision = running.number.to_string();
            let words = ["helm", "rollback", release, &revision, "-n", namespace];
            bail!(
                "revision {} of release {release} is {}: where no helm is at work on it, it was cut off, and Helm refuses every other \
                 upgrade until {}; {} plan goes on from there with --resume",
                newest.number,
                newest.status,
                shell::command(words),
                super::NAME
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
