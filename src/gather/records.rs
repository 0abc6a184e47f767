//! Decodes release records, a few at a time, off the threads that serve connections.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    change::Rendered,
    cluster::ReadError,
    helm::release::{self, DecodeError, Limits, Release, Storage},
    kubernetes::Object,
    policy::Guarded,
};

/// Number of records inflated at once: limits the memory that hostile ones can take.
const INFLATING: usize = 2;

/// Total size in KiB of records above [`KEPT_BYTES`] that are held at once, from decoding to verdict: thirty of the
/// largest that a Camunda chart makes.
const HELD: usize = 128 * 1024;

/// Number of running releases that are kept decoded.
const KEPT: usize = 4;

/// Largest running release that is kept decoded, in bytes: four larger ones could fill the memory.
const KEPT_BYTES: usize = 1024 * 1024;

/// Decodes records, and caches recently judged running releases: a refused upgrade is retried against the same one.
#[derive(Debug)]
pub struct Records {
    inflating: Semaphore,
    holding: Arc<Semaphore>,
    kept: Mutex<Vec<(Key, Arc<Rendered>)>>,
}

/// A record's uid and resourceVersion, and the configured guarded releases at the time.
type Key = (String, String, Arc<[Guarded]>);

/// A decoded record with its manifest's objects.
#[derive(Debug)]
pub struct Decoded {
    /// The record.
    pub release: Release,
    /// The objects of its manifest.
    pub rendered: Rendered,
    /// The memory share of both; keep it as long as either is needed.
    pub held: Held,
}

/// Reason why a record's content is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The API server did not return the record.
    #[error(transparent)]
    Unread(#[from] ReadError),
    /// The record is malformed.
    #[error(transparent)]
    Broken(#[from] DecodeError),
    /// The guard panicked while decoding it (a bug).
    #[error("decoding it failed")]
    Panicked,
    /// No memory share or no time was left.
    #[error("too many records are judged at once; try again")]
    Busy,
}

/// A large record's share of the memory; freed when the last clone is dropped.
#[derive(Clone, Debug, Default)]
pub struct Held(#[expect(dead_code, reason = "only held")] Option<Arc<OwnedSemaphorePermit>>);

impl Default for Records {
    fn default() -> Self {
        Self {
            inflating: Semaphore::new(INFLATING),
            holding: Arc::new(Semaphore::new(HELD)),
            kept: Mutex::default(),
        }
    }
}

impl Records {
    /// Decodes `data.release` of a record in namespace `home` and parses its manifest; documents that are the same in
    /// `known` are not parsed again.
    ///
    /// # Errors
    /// When it is malformed, or no memory share is left.
    pub async fn decode(
        &self,
        data: String,
        storage: Storage,
        home: &str,
        known: Option<Arc<Rendered>>,
        guarded: &Arc<[Guarded]>,
    ) -> Result<Decoded, RecordError> {
        let (home, guarded) = (home.to_owned(), Arc::clone(guarded));
        let permit = self.inflating.acquire().await;
        let span = tracing::Span::current();
        let decoded = tokio::task::spawn_blocking(move || {
            let _review = span.entered();
            let release = release::decode(&data, storage, Limits::default());
            drop(data);
            release.map(|mut release| {
                if release.namespace.is_empty() {
                    release.namespace = home;
                }
                let mut rendered = Rendered::of(&release, known.as_deref());
                if Guarded::covers(&guarded, &release) {
                    rendered = rendered.as_camundas(&release);
                }
                (release, rendered)
            })
        });
        let decoded = decoded.await;
        let (release, rendered) = decoded.map_err(|_| RecordError::Panicked)??;
        let held = self.hold(release.bytes())?;
        drop(permit);
        Ok(Decoded {
            release,
            rendered,
            held,
        })
    }

    /// Takes a share of the memory. Fails at once if none is left: waiting would hold what was already decoded.
    fn hold(&self, bytes: usize) -> Result<Held, RecordError> {
        if bytes <= KEPT_BYTES {
            return Ok(Held::default());
        }
        let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        match Arc::clone(&self.holding).try_acquire_many_owned(kib) {
            Ok(permit) => Ok(Held(Some(Arc::new(permit)))),
            Err(_) => Err(RecordError::Busy),
        }
    }

    /// Decodes the record of a running release, or takes it from the cache.
    pub(super) async fn running(
        &self,
        record: &Object,
        storage: Storage,
        guarded: &Arc<[Guarded]>,
    ) -> Result<(Arc<Rendered>, Held), RecordError> {
        let text = |pointer| record.str(pointer).unwrap_or_default().to_owned();
        let key = (
            text("/metadata/uid"),
            text("/metadata/resourceVersion"),
            Arc::clone(guarded),
        );
        if let Some(rendered) = self.remembered(&key) {
            return Ok((rendered, Held::default()));
        }
        let data = data(record)?;
        let home = record.namespace().unwrap_or_default();
        let decoded = self.decode(data, storage, home, None, guarded).await?;
        let rendered = Arc::new(decoded.rendered);
        if decoded.release.bytes() <= KEPT_BYTES {
            self.remember(key, &rendered);
        }
        Ok((rendered, decoded.held))
    }

    fn remembered(&self, key: &Key) -> Option<Arc<Rendered>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(other, _)| other == key);
        found.map(|(_, rendered)| Arc::clone(rendered))
    }

    fn remember(&self, key: Key, rendered: &Arc<Rendered>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(0, (key, Arc::clone(rendered)));
        kept.truncate(KEPT);
    }
}

/// Returns a record's encoded release.
pub(super) fn data(record: &Object) -> Result<String, DecodeError> {
    let data = record.str("/data/release");
    data.map(str::to_owned).ok_or(DecodeError::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_records_find_room_until_it_is_full_and_small_ones_always() {
        let records = Records::default();
        let large = 32 * 1024 * 1024;
        let held: Vec<_> = (0..4).map(|_| records.hold(large).unwrap()).collect();
        assert!(matches!(records.hold(large), Err(RecordError::Busy)));
        records.hold(KEPT_BYTES).unwrap();
        drop(held);
        records.hold(large).unwrap();
    }
}
