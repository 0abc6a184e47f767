//! The release that runs: the newest record before this one that was deployed.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;

use super::{PARALLEL, Reader};
use crate::{
    change::Rendered,
    cluster::ReadError,
    object::{Kind, Object, ObjectRef},
    release::{self, Limits, Release, Status, Storage},
};

/// Helm never prunes the deployed record, so it can be far below the newest; this far the guard looks.
const MAX_PROBES: u64 = 1024;

/// How many running releases are kept decoded.
const KEPT: usize = 4;

/// What runs, or why that can't be told.
#[derive(Clone, Debug)]
pub enum Running {
    /// Nothing.
    Nothing,
    /// This release.
    Release(Arc<Rendered>),
    /// It could not be read.
    Unknown(String),
}

/// Running releases that were decoded lately: whoever was refused tries again, and the record stays the same.
#[derive(Debug, Default)]
pub struct RunningReleases {
    kept: Mutex<Vec<(Key, Arc<Rendered>)>>,
}

type Key = (String, String);

impl RunningReleases {
    fn find(&self, key: &Key) -> Option<Arc<Rendered>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .find(|(other, _)| other == key)
            .map(|(_, rendered)| Arc::clone(rendered))
    }

    fn keep(&self, key: Key, rendered: &Arc<Rendered>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(0, (key, Arc::clone(rendered)));
        kept.truncate(KEPT);
    }
}

impl Reader {
    /// Finds what runs before revision `revision`, as Helm does: the newest deployed record, else the newest one
    /// if it failed or was superseded. Records are asked for by name: the guard may not list Secrets.
    pub async fn running(
        &self,
        known: &RunningReleases,
        storage: Storage,
        namespace: &str,
        release: &str,
        revision: u64,
    ) -> Running {
        match self
            .find_running(storage, namespace, release, revision)
            .await
        {
            Err(error) => Running::Unknown(format!("the records of release {release}: {error}")),
            Ok(None) => Running::Nothing,
            Ok(Some(record)) => {
                let key = (
                    record.uid().unwrap_or_default().to_owned(),
                    record
                        .str("/metadata/resourceVersion")
                        .unwrap_or_default()
                        .to_owned(),
                );
                if let Some(rendered) = known.find(&key) {
                    return Running::Release(rendered);
                }
                let decoded = tokio::task::spawn_blocking(move || {
                    decode(&record, storage).map(|release| Rendered::of(&release))
                });
                match decoded.await {
                    Ok(Ok(rendered)) => {
                        let rendered = Arc::new(rendered);
                        known.keep(key, &rendered);
                        Running::Release(rendered)
                    }
                    Ok(Err(error)) => Running::Unknown(error),
                    Err(_) => {
                        Running::Unknown("the running release's record can't be read".to_owned())
                    }
                }
            }
        }
    }

    async fn find_running(
        &self,
        storage: Storage,
        namespace: &str,
        release: &str,
        revision: u64,
    ) -> Result<Option<Arc<Object>>, ReadError> {
        let kind = match storage {
            Storage::Secret => Kind::Secret,
            Storage::ConfigMap => Kind::ConfigMap,
        };
        let mut newest: Option<Arc<Object>> = None;
        let lowest = revision.saturating_sub(MAX_PROBES).max(1);
        let mut next = revision;
        // Nearly always the first one is it.
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

fn decode(record: &Object, storage: Storage) -> Result<Release, String> {
    let unreadable =
        |reason: String| format!("record {} can't be decoded: {reason}", record.name());
    let data = record
        .str("/data/release")
        .ok_or_else(|| unreadable("it has no data.release".to_owned()))?;
    let release = release::decode(data, storage, Limits::default())
        .map_err(|error| unreadable(error.to_string()))?;
    match release.info.status {
        Status::Uninstalled | Status::Uninstalling => {
            Err(unreadable("it is uninstalled".to_owned()))
        }
        _ => Ok(release),
    }
}
