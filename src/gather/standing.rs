//! Reads an installed release when no change of it is requested.

use std::{sync::Arc, time::Duration};

use super::{
    Asker, Decoded, Held, ReadErrors, Reader, RecordError, Recorded, Records, Revision,
    records::data,
};
use crate::{
    change::{Change, Facts, Operation},
    cluster::Cluster,
    forecast::InstalledRelease,
    knowledge::claims::{named_class, named_volume},
    kubernetes::{Kind, ObjectRef},
};

/// The content of a release's record.
#[derive(Clone, Debug)]
pub enum Read {
    /// A Camunda release.
    Camunda(Box<InstalledRelease>, Held),
    /// A release of another chart, which is named.
    Other(String),
    /// The record no longer exists.
    Gone,
}

/// Reason why a record's release is unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StandingError {
    /// The record can't be read or decoded.
    #[error("record {0}: {1}")]
    Record(String, RecordError),
    /// The version of its chart is invalid.
    #[error("record {record}: the version of its chart ({chart}) is none")]
    Version {
        /// The record.
        record: String,
        /// The chart and its version.
        chart: String,
    },
}

impl Reader {
    /// Reads and decodes the record of a revision.
    ///
    /// # Errors
    /// When that fails, or the chart of the release has no version.
    pub async fn standing(
        &self,
        records: &Records,
        recorded: &Recorded,
        revision: Revision,
    ) -> Result<Read, StandingError> {
        let reference = recorded.record(revision.number);
        let read = self.decoded(records, recorded, &reference).await;
        let record = reference.name;
        let decoded = match read {
            Ok(Some(decoded)) => decoded,
            Ok(None) => return Ok(Read::Gone),
            Err(error) => return Err(StandingError::Record(record, error)),
        };
        let (release, rendered) = (decoded.release, decoded.rendered);
        if !rendered.camunda {
            return Ok(Read::Other(release.chart.metadata.to_string()));
        }
        let chart = release.chart.metadata.to_string();
        match InstalledRelease::of(&recorded.release, &release.namespace, rendered) {
            Some(standing) => Ok(Read::Camunda(Box::new(standing), decoded.held)),
            None => Err(StandingError::Version { record, chart }),
        }
    }

    async fn decoded(
        &self,
        records: &Records,
        recorded: &Recorded,
        reference: &ObjectRef,
    ) -> Result<Option<Decoded>, RecordError> {
        let Some(record) = self.get(reference).await? else {
            return Ok(None);
        };
        let (data, home) = (data(&record)?, &recorded.namespace);
        let decoding = records.decode(data, recorded.storage, home, None, &self.guarded);
        self.decoding(decoding).await.map(Some)
    }

    /// Reads the facts needed to judge a change of an installed release (None: an upgrade to itself).
    pub async fn standing_facts(
        &self,
        standing: &InstalledRelease,
        change: Option<Change>,
    ) -> Facts {
        let mut change = change.unwrap_or_else(|| {
            let (release, namespace) = (&standing.release, &standing.namespace);
            let same = &standing.rendered;
            Change::between(Operation::Upgrade, release, namespace, same, Some(same))
        });
        let mut facts = self.release_facts(&mut change, Asker::Reader).await;
        for reason in &standing.rendered.unreadable {
            facts.insert_gap("manifest", reason.clone());
        }
        let secrets = standing.rendered.objects.iter();
        let secrets = secrets.filter(|it| it.camunda && it.reference.kind == Kind::Secret);
        let secrets = secrets.map(|it| it.reference.clone());
        let claims = facts.claims(&standing.namespace);
        let claims =
            claims.flat_map(|claim| named_volume(claim).into_iter().chain(named_class(claim)));
        let wanted: Vec<_> = secrets
            .chain(claims)
            .filter(|wanted| facts.get(wanted).is_none() && !facts.unread(wanted))
            .collect();
        self.get_all(&mut facts, wanted).await;
        self.drivers(&mut facts).await;
        facts
    }

    /// Creates a reader for one command, whose failed reads nobody else counts.
    pub fn of_command(cluster: Cluster, budget: Duration) -> Self {
        Self::new(cluster, budget, ReadErrors::default(), Arc::default())
    }
}
