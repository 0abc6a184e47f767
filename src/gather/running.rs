//! Finds the running release: the newest record before the new one that was deployed.

use std::sync::Arc;

use futures::future::join_all;

use super::{Held, PARALLEL, Reader, Records};
use crate::{
    change::{Gap, Rendered},
    cluster::ReadError,
    helm::release::{self, Storage},
    kubernetes::{Object, ObjectRef},
};

/// Number of revisions searched: Helm never prunes the deployed record, so it can be far below the newest.
const MAX_PROBES: u64 = 1024;

/// Where the record of a release may be that runs and has none in a Secret or ConfigMap.
pub const RECORDED_ELSEWHERE: &str = "either Helm keeps its records elsewhere (in SQL, or in another namespace), or it was applied without Helm";

/// Names the gap of records that could not be read.
pub(super) const UNREAD: &str = "running release";

/// The running release, or why it is unknown.
#[derive(Clone, Debug)]
pub enum Running {
    /// No release runs.
    Nothing,
    /// The release in this record.
    Release(Arc<Rendered>, Held),
    /// Rebuilt from live objects because no record was found or readable; with the gaps.
    Live(Arc<Rendered>, Vec<Gap>),
    /// The record could not be read; the reason.
    Unknown(String),
}

/// The revision that a rollback starts from, if Helm compares with it rather than with the deployed one.
#[derive(Clone, Debug, Default)]
pub enum Left {
    /// No other revision than the deployed one.
    #[default]
    Nothing,
    /// The release in this record.
    Release(Arc<Rendered>, Held),
    /// The record could not be read.
    Unknown(Gap),
}

impl Running {
    /// Returns whether the release runs and no record of it was found, though all could be looked for.
    pub fn is_without_record(&self) -> bool {
        match self {
            Self::Live(rendered, gaps) => {
                rendered.camunda && gaps.iter().all(|gap| gap.what != UNREAD.into())
            }
            _ => false,
        }
    }
}

impl Reader {
    /// Finds what a rollback to the new revision `revision` starts from: the revision right before it, whatever its
    /// status.
    pub async fn left(
        &self,
        records: &Records,
        storage: Storage,
        namespace: &str,
        release: &str,
        revision: u64,
    ) -> Left {
        let name = release::record_name(release, revision.saturating_sub(1));
        let unknown = |reason: String| Left::Unknown(Gap::new(format!("record {name}"), reason));
        let reference = ObjectRef::new(storage.kind(), namespace, &name);
        let record = match self.hurried().get(&reference).await {
            Err(error) => return unknown(error.to_string()),
            Ok(record) => record.filter(|record| record.label("status") != Some("deployed")),
        };
        let Some(record) = record else {
            return Left::Nothing;
        };
        let decoding = records.running(&record, storage, &self.guarded);
        match self.decoding(decoding).await {
            Ok((rendered, held)) => Left::Release(rendered, held),
            Err(error) => unknown(error.to_string()),
        }
    }

    /// Finds what runs before revision `revision`, as Helm does: the newest deployed record, else the newest one
    /// if it failed or was superseded. Records are asked for by name: the guard may not list Secrets.
    pub async fn running(
        &self,
        records: &Records,
        storage: Storage,
        namespace: &str,
        release: &str,
        revision: u64,
    ) -> Running {
        let reader = self.hurried();
        let found = reader.find_running(storage, namespace, release, revision);
        let record = match found.await {
            Err(error) => {
                return Running::Unknown(format!("the records of release {release}: {error}"));
            }
            Ok(None) => return Running::Nothing,
            Ok(Some(record)) => record,
        };
        let decoding = records.running(&record, storage, &self.guarded);
        match self.decoding(decoding).await {
            Ok((rendered, held)) => Running::Release(rendered, held),
            Err(error) => Running::Unknown(format!(
                "record {} can't be decoded: {error}",
                record.name()
            )),
        }
    }

    pub(super) async fn find_running(
        &self,
        storage: Storage,
        namespace: &str,
        release: &str,
        revision: u64,
    ) -> Result<Option<Arc<Object>>, ReadError> {
        let kind = storage.kind();
        let mut newest: Option<Arc<Object>> = None;
        let lowest = revision.saturating_sub(MAX_PROBES).max(1);
        let mut next = revision;
        // The first probe nearly always finds it.
        let mut batch = 1;
        while next > lowest {
            let from = next.saturating_sub(batch).max(lowest);
            let probes = (from..next).rev().map(|revision| {
                ObjectRef::new(kind, namespace, &release::record_name(release, revision))
            });
            let references: Vec<_> = probes.collect();
            for found in join_all(references.iter().map(|reference| self.get(reference))).await {
                let Some(record) = found? else { continue };
                if record.label("status") == Some("deployed") {
                    return Ok(Some(record));
                }
                newest.get_or_insert(record);
            }
            next = from;
            batch = PARALLEL as u64;
        }
        if lowest > 1 && newest.is_none() {
            return Err(ReadError::Api(format!(
                "none of the {MAX_PROBES} revisions before {revision} is there"
            )));
        }
        Ok(newest.filter(|record| matches!(record.label("status"), Some("failed" | "superseded"))))
    }
}
