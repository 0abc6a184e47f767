//! Release records decoded off the threads that serve connections, a few at a time.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    change::Rendered,
    cluster::ReadError,
    helm::release::{self, DecodeError, Limits, Release, Storage},
    kubernetes::Object,
    policy::Guarded,
};

/// How many records are inflated at once: this bounds the memory that hostile ones can take.
const INFLATING: usize = 2;

/// How much of records above [`KEPT_BYTES`] is held at once, from decoding to verdict, in KiB: thirty of the largest that a Camunda
/// chart makes.
const HELD: usize = 128 * 1024;

/// How many running releases are kept decoded.
const KEPT: usize = 4;

/// A running release above this is decoded each time: four of them must not fill the memory.
const KEPT_BYTES: usize = 1024 * 1024;

/// Decodes records and remembers those that ran lately: whoever was refused tries again over the same one.
#[derive(Debug)]
pub struct Records {
    inflating: Semaphore,
    holding: Arc<Semaphore>,
    kept: Mutex<Vec<(Key, Arc<Rendered>)>>,
}

/// The uid and resourceVersion of a record, and what was Camunda's by the configuration then.
type Key = (String, String, Arc<[Guarded]>);

/// A record and what its manifest holds.
#[derive(Debug)]
pub struct Decoded {
    /// The record.
    pub release: Release,
    /// The objects in it.
    pub rendered: Rendered,
    /// Kept until neither is needed.
    pub held: Held,
}

/// Why what a record holds is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The API server does not hand it out.
    #[error(transparent)]
    Unread(#[from] ReadError),
    /// It is broken.
    #[error(transparent)]
    Broken(#[from] DecodeError),
    /// A bug of the guard's met it.
    #[error("decoding it failed")]
    Panicked,
    /// There was no room for it, or no time.
    #[error("too many records are judged at once; try again")]
    Busy,
}

/// The room that a large record takes; given back when the last clone is dropped.
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
    /// Decodes what `data.release` of a record in namespace `home` holds, and takes its manifest apart; what `known`
    /// holds in the same words is not parsed again.
    ///
    /// # Errors
    /// When it is broken, or there is no room for it.
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

    /// Room for so many bytes. Whoever finds none does not wait for it with what was decoded.
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

    /// Decodes a record that runs, or remembers it.
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

/// The encoded release in a record.
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
