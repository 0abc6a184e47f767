//! Reads the releases of a cluster, a few at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt, stream};

use super::{Row, Scan, labels, row};
use crate::{
    camunda::NewestPatches,
    change::{ChartVersion, Gap, Unseen},
    cluster::Cluster,
    forecast::{Forecast, InstalledRelease},
    gather::{RECORDED_ELSEWHERE, Read, Reader, Recorded, Records, releases},
};

/// Number of releases that are read at a time.
const AT_A_TIME: usize = 4;

/// Time limit for reading one release.
const PATIENCE: Duration = Duration::from_secs(60);

/// A release's namespace and name.
type Place = (String, String);

/// Scans a namespace (None: all); `today` is a date such as `2026-10-13`.
pub async fn look(cluster: &Cluster, namespace: Option<&str>, today: &str) -> Scan {
    let recorded = releases(cluster, namespace).await;
    let records = Records::default();
    let looking = Looking {
        cluster,
        records: &records,
        today,
    };
    let all_listed = recorded.unseen.is_empty();
    let mut scan = Scan {
        not_seen: recorded.unseen,
        ..Scan::default()
    };
    let rows = recorded
        .found
        .iter()
        .map(|recorded| looking.recorded(recorded));
    let mut rows = stream::iter(rows).buffer_unordered(AT_A_TIME);
    let mut with_records = BTreeSet::new();
    while let Some((place, looked)) = rows.next().await {
        with_records.insert(place);
        scan.add(looked);
    }
    drop(rows);
    // Whoever applied it, its workloads have labels.
    let (mut standings, gaps) = labels::labelled_releases(cluster, namespace).await;
    scan.all_listed = all_listed && gaps.is_empty();
    scan.not_seen.extend(gaps);
    standings.retain(|it| !with_records.contains(&(it.namespace.clone(), it.release.clone())));
    let rows = standings
        .into_iter()
        .map(|standing| looking.without_record(standing, all_listed));
    let mut rows = stream::iter(rows).buffer_unordered(AT_A_TIME);
    while let Some(looked) = rows.next().await {
        scan.add(looked);
    }
    drop(rows);
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
    async fn recorded(&self, recorded: &Recorded) -> (Place, (Vec<Row>, Vec<Gap>)) {
        let (release, namespace) = (&recorded.release, &recorded.namespace);
        let mut place = (namespace.clone(), release.clone());
        let pending = recorded
            .newest()
            .filter(|newest| newest.status.is_pending());
        let Some(revision) = recorded.running().or(pending) else {
            return (place, Default::default());
        };
        let reader = Reader::of_command(self.cluster.clone(), PATIENCE);
        let looked = match reader.standing(self.records, recorded, revision).await {
            Ok(Read::Other(_) | Read::Gone) => Default::default(),
            Ok(Read::Camunda(standing, _held)) => {
                // Its record may lie in another namespace than the release.
                place.0.clone_from(&standing.namespace);
                self.standing(Some(recorded), *standing).await
            }
            Err(error) => {
                let what = format!("release {release} in namespace {namespace}");
                let reason = error.to_string();
                let gap = Gap::new(what, &*reason);
                (vec![Row::unreadable(recorded, reason)], vec![gap])
            }
        };
        (place, looked)
    }

    /// Scans a release that only labels reveal; `all_listed` tells that there is no record.
    async fn without_record(
        &self,
        standing: InstalledRelease,
        all_listed: bool,
    ) -> (Vec<Row>, Vec<Gap>) {
        let (release, namespace) = (&standing.release, &standing.namespace);
        let what = format!("release {release} in namespace {namespace}");
        let (rows, mut gaps) = self.standing(None, standing).await;
        if all_listed {
            let reason = format!(
                "no Secret or ConfigMap holds Helm's record of it, so its values are unknown: {RECORDED_ELSEWHERE}"
            );
            gaps.insert(0, Gap::new(what, reason));
        }
        (rows, gaps)
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
            let not_seen = grouped(&standing, facts.gaps());
            for gap in &not_seen {
                if !gaps.contains(gap) {
                    gaps.push(gap.clone());
                }
            }
            rows.push(Row {
                subchart,
                not_seen,
                ..row
            });
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
