//! Reads the releases of a cluster, a few at a time.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, stream};

use super::{Row, Scan, labels, row};
use crate::{
    camunda::NewestPatches,
    change::{ChartVersion, Gap, Unseen},
    cluster::Cluster,
    forecast::{Forecast, InstalledRelease},
    gather::{Read, Reader, Recorded, Records, releases},
    kubernetes::Kind,
};

/// Number of releases that are read at a time.
const AT_A_TIME: usize = 4;

/// Time limit for reading one release.
const PATIENCE: Duration = Duration::from_secs(60);

/// Scans a namespace (None: all); `today` is a date such as `2026-10-13`.
pub async fn look(cluster: &Cluster, namespace: Option<&str>, today: &str) -> Scan {
    let recorded = releases(cluster, namespace).await;
    let records = Records::default();
    let looking = Looking {
        cluster,
        records: &records,
        today,
    };
    let mut scan = Scan {
        not_seen: recorded.unseen,
        ..Scan::default()
    };
    let rows = recorded
        .found
        .iter()
        .map(|recorded| looking.recorded(recorded));
    let mut rows = stream::iter(rows).buffer_unordered(AT_A_TIME);
    while let Some(looked) = rows.next().await {
        scan.add(looked);
    }
    let secrets = crate::gather::listing(Kind::Secret, namespace);
    if scan.not_seen.iter().any(|gap| gap.what == secrets) {
        let (standings, gaps) = labels::standings(cluster, namespace).await;
        scan.not_seen.extend(gaps);
        let known = |standing: &&InstalledRelease| {
            let mut rows = scan.releases.iter();
            !rows.any(|row| row.namespace == standing.namespace && row.release == standing.release)
        };
        let standings: Vec<_> = standings.iter().filter(known).cloned().collect();
        let rows = standings
            .into_iter()
            .map(|standing| looking.standing(None, standing));
        let mut rows = stream::iter(rows).buffer_unordered(AT_A_TIME);
        let mut found = Vec::new();
        while let Some(looked) = rows.next().await {
            found.push(looked);
        }
        for looked in found {
            scan.add(looked);
        }
    }
    let name = |row: &Row| {
        let (namespace, release) = (row.namespace.clone(), row.release.clone());
        (namespace, release, row.subchart.clone())
    };
    scan.releases.sort_by_key(name);
    scan
}

impl Scan {
    fn add(&mut self, (rows, gaps): (Vec<Row>, Vec<Gap>)) {
        self.releases.extend(rows);
        self.not_seen.extend(gaps);
    }
}

struct Looking<'a> {
    cluster: &'a Cluster,
    records: &'a Records,
    today: &'a str,
}

impl Looking<'_> {
    /// Scans a release by its record: one row for each Camunda in it; none if it is of another chart or gone.
    async fn recorded(&self, recorded: &Recorded) -> (Vec<Row>, Vec<Gap>) {
        let pending = recorded
            .newest()
            .filter(|newest| newest.status.is_pending());
        let Some(revision) = recorded.running().or(pending) else {
            return (Vec::new(), Vec::new());
        };
        let reader = Reader::of_command(self.cluster.clone(), PATIENCE);
        match reader.standing(self.records, recorded, revision).await {
            Ok(Read::Other(_) | Read::Gone) => (Vec::new(), Vec::new()),
            Ok(Read::Camunda(standing, _held)) => self.standing(Some(recorded), *standing).await,
            Err(error) => {
                let (release, namespace) = (&recorded.release, &recorded.namespace);
                let what = format!("release {release} in namespace {namespace}");
                let reason = error.to_string();
                let gap = Gap::new(what, &*reason);
                (vec![Row::unreadable(recorded, reason)], vec![gap])
            }
        }
    }

    async fn standing(
        &self,
        recorded: Option<&Recorded>,
        standing: InstalledRelease,
    ) -> (Vec<Row>, Vec<Gap>) {
        let (mut rows, mut gaps) = (Vec::new(), Vec::new());
        for (subchart, standing) in standing.parts() {
            let next = next(&standing);
            let reader = Reader::of_command(self.cluster.clone(), PATIENCE);
            let change = next.as_ref().map(|next| next.change.clone());
            let facts = reader.standing_facts(&standing, change).await;
            let row = Row::of(recorded, &standing, &facts, next.as_ref(), self.today);
            rows.push(Row { subchart, ..row });
            for gap in grouped(&standing, facts.gaps()) {
                if !gaps.contains(&gap) {
                    gaps.push(gap);
                }
            }
        }
        (rows, gaps)
    }
}

/// Returns the upgrade to the newest patch of the next line with today's values.
fn next(standing: &InstalledRelease) -> Option<Forecast> {
    let line = row::next_line(&standing.chart)?;
    let newest = NewestPatches::default();
    let chart = ChartVersion::new(newest.of(line).version);
    standing.upgraded(&chart, &standing.rendered.values)
}

/// Merges gaps with the same reason into one line: a user who may read no volume may read none of fifty.
fn grouped(standing: &InstalledRelease, gaps: &[Gap]) -> Vec<Gap> {
    let mut by_reason: BTreeMap<&str, Vec<&Unseen>> = BTreeMap::new();
    for gap in gaps {
        by_reason.entry(&gap.reason).or_default().push(&gap.what);
    }
    let one = |(reason, what): (&str, Vec<&Unseen>)| {
        let (first, rest) = what.split_first()?;
        let more = match rest.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let (release, namespace) = (&standing.release, &standing.namespace);
        let what = format!("{first}{more} of release {release} in namespace {namespace}");
        Some(Gap::new(what, reason))
    };
    by_reason.into_iter().filter_map(one).collect()
}
