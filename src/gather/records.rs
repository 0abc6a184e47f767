//! Decodes release records, a few at a time, off the threads that serve connections, and within one budget of memory.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

use crate::{
    change::{Excess, Rendered},
    cluster::ReadError,
    helm::{
        manifest::{self, Budget, Memory},
        release::{DecodeError, Limits, Packed, Release, Storage},
    },
    kubernetes::Object,
    policy::Guarded,
    server::BodyError,
};

/// Number of records inflated at once: more would only share the processors.
const INFLATING: usize = 2;

/// Largest record that is inflated: three times the largest that a Camunda chart makes.
const LIMITS: Limits = Limits {
    inflated: 16 * 1024 * 1024,
};

/// Memory in KiB for all records, from inflating to verdict. The largest one just fits.
const MEMORY: usize = 48 * 1024;

/// Memory in bytes that a review's own values may take without a share.
const FREE: usize = 256 * 1024;

/// Size of the JSON in bytes above which a record is decoded on a thread of its own.
const LARGE: usize = 1024 * 1024 * 2;

/// What parsing takes, by the size of the JSON: serde_json unescapes a string before it copies it.
const PARSING: usize = 3;

/// How long a record waits for memory.
const MEMORY_TIMEOUT: Duration = Duration::from_secs(1);

/// Number of running releases that are kept decoded.
const KEPT: usize = 4;

/// Largest running release that is kept decoded, in bytes of memory: four larger ones could fill it.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// Decodes records, and caches recently judged running releases: a refused upgrade is retried against the same one.
#[derive(Debug)]
pub struct Records {
    inflating: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    kept: Mutex<Vec<Kept>>,
}

/// A record's uid and resourceVersion, and the configured guarded releases at the time.
type Key = (String, String, Arc<[Guarded]>);

/// A running release that is kept decoded, and its share of the memory.
type Kept = (Key, Arc<Rendered>, Held);

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
    /// It holds more than any release does.
    #[error(transparent)]
    Excess(#[from] Excess),
    /// The guard panicked while decoding it (a bug).
    #[error("decoding it failed")]
    Panicked,
    /// No memory share or no time was left.
    #[error("too many records are judged at once; try again")]
    Busy,
}

/// A record's share of the memory; freed when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Held(Arc<Share>);

#[derive(Debug)]
struct Share {
    pool: Arc<Semaphore>,
    permit: Mutex<OwnedSemaphorePermit>,
}

/// Memory for a manifest, beside that of the record that it stands in.
#[derive(Debug)]
struct Beside {
    share: Arc<Share>,
    record: usize,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            inflating: Arc::new(Semaphore::new(INFLATING)),
            memory: Arc::new(Semaphore::new(MEMORY)),
            kept: Mutex::default(),
        }
    }
}

impl Records {
    /// Decodes `data.release` of a record in namespace `home` and parses its manifest; documents that are the same in
    /// `known` are not parsed again.
    ///
    /// # Errors
    /// When it is malformed, or no memory becomes free.
    pub async fn decode(
        &self,
        data: &str,
        storage: Storage,
        home: &str,
        known: Option<Arc<Rendered>>,
        guarded: &Arc<[Guarded]>,
    ) -> Result<Decoded, RecordError> {
        let (home, guarded) = (home.to_owned(), Arc::clone(guarded));
        let inflating = Arc::clone(&self.inflating).acquire_owned().await;
        let packed = Packed::new(data, storage, LIMITS)?;
        let held = self.hold(packed.inflated() * PARSING).await?;
        let (span, large) = (tracing::Span::current(), packed.inflated() > LARGE);
        let work = move || {
            let _review = span.entered();
            // Whoever waits for the record may go away; its memory is needed until the work ends.
            let _inflating = inflating;
            let mut release = packed.release()?;
            if release.namespace.is_empty() {
                release.namespace = home;
            }
            let (mut budget, record) = held.budget(&release);
            let mut rendered = Rendered::within(&release, known.as_deref(), &mut budget);
            if let Some(excess) = rendered.excess {
                return Err(excess.into());
            }
            if Guarded::covers(&guarded, &release) {
                rendered = rendered.as_camundas(&release);
            }
            held.0.shrink(record + budget.bytes());
            Ok(Decoded {
                release,
                rendered,
                held,
            })
        };
        let decoded = match large {
            true => on_a_new_thread(work).await,
            false => tokio::task::spawn_blocking(work).await.ok(),
        };
        decoded.ok_or(RecordError::Panicked)?
    }

    /// Waits for a share of the memory for what a review becomes once it is parsed; None if that is little.
    ///
    /// # Errors
    /// When it is more than all of the memory, or none becomes free.
    pub async fn hold_review(&self, review: &[u8]) -> Result<Option<Held>, BodyError> {
        // Fewer bytes can't become much.
        let size = match review.len() > FREE / 16 {
            true => manifest::parsed_size(review),
            false => 0,
        };
        match size {
            ..=FREE => Ok(None),
            size if size > MEMORY * 1024 => Err(BodyError::TooManyValues),
            size => match self.hold(size).await {
                Ok(held) => Ok(Some(held)),
                Err(_) => Err(BodyError::NoMemory),
            },
        }
    }

    /// Waits for a share of the memory.
    async fn hold(&self, bytes: usize) -> Result<Held, RecordError> {
        let memory = || Arc::clone(&self.memory);
        let held = |permit| {
            let permit = Mutex::new(permit);
            let pool = memory();
            Held(Arc::new(Share { pool, permit }))
        };
        if let Ok(permit) = memory().try_acquire_many_owned(kib(bytes)) {
            return Ok(held(permit));
        }
        // What is only kept for the next review must not be in the way of this one.
        self.kept().clear();
        let free = memory().acquire_many_owned(kib(bytes));
        match timeout(MEMORY_TIMEOUT, free).await {
            Ok(Ok(permit)) => Ok(held(permit)),
            _ => Err(RecordError::Busy),
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
        if let Some(remembered) = self.remembered(&key) {
            return Ok(remembered);
        }
        let data = data(record)?;
        let home = record.namespace().unwrap_or_default();
        let decoded = self.decode(data, storage, home, None, guarded).await?;
        let (rendered, held) = (Arc::new(decoded.rendered), decoded.held);
        if held.0.bytes() <= KEPT_BYTES {
            self.remember(key, &rendered, &held);
        }
        Ok((rendered, held))
    }

    fn remembered(&self, key: &Key) -> Option<(Arc<Rendered>, Held)> {
        let kept = self.kept();
        let found = kept.iter().find(|(other, _, _)| other == key);
        found.map(|(_, rendered, held)| (Arc::clone(rendered), held.clone()))
    }

    fn remember(&self, key: Key, rendered: &Arc<Rendered>, held: &Held) {
        let mut kept = self.kept();
        kept.insert(0, (key, Arc::clone(rendered), held.clone()));
        kept.truncate(KEPT);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Returns a budget for a record's manifest out of this share, and what the record takes of it.
    fn budget(&self, release: &Release) -> (Budget, usize) {
        let record = release.bytes();
        let share = Arc::clone(&self.0);
        (Budget::within(Arc::new(Beside { share, record })), record)
    }
}

impl Share {
    fn bytes(&self) -> usize {
        self.permit().num_permits() * 1024
    }

    /// Raises the share to so many bytes, if they are free: waiting would hold what was already decoded.
    fn raise(&self, bytes: usize) -> bool {
        let mut permit = self.permit();
        let held = u32::try_from(permit.num_permits()).unwrap_or(u32::MAX);
        let missing = kib(bytes).saturating_sub(held);
        let more = Arc::clone(&self.pool).try_acquire_many_owned(missing);
        more.map(|more| permit.merge(more)).is_ok()
    }

    /// Gives back what is above so many bytes.
    fn shrink(&self, bytes: usize) {
        let kib = usize::try_from(kib(bytes)).unwrap_or(usize::MAX);
        let mut permit = self.permit();
        let above = permit.num_permits().saturating_sub(kib);
        drop(permit.split(above));
    }

    fn permit(&self) -> MutexGuard<'_, OwnedSemaphorePermit> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory for Beside {
    fn grant(&self, bytes: usize) -> bool {
        self.share.raise(self.record + bytes)
    }
}

/// Works on a thread that ends with the work; None if it panicked. glibc's allocator keeps dozens of mebibytes for each
/// thread that has freed as much. Threads that ended pass on what they kept, those of a pool would all have their own.
async fn on_a_new_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, result) = oneshot::channel();
    let work = move || drop(done.send(work()));
    thread::Builder::new().spawn(work).ok()?;
    result.await.ok()
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// Returns a record's encoded release.
pub(super) fn data(record: &Object) -> Result<&str, DecodeError> {
    record.str("/data/release").ok_or(DecodeError::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_kept_gives_way() {
        let records = Records::default();
        let key: Key = ("uid".to_owned(), "1".to_owned(), Arc::from([]));
        let held = records.hold(KEPT_BYTES).await.unwrap();
        records.remember(key.clone(), &Arc::default(), &held);
        drop(held);
        let beside = records.hold(MEMORY * 1024 - KEPT_BYTES).await.unwrap();
        assert!(
            records.remembered(&key).is_some(),
            "there was room for both"
        );
        drop(beside);
        records.hold(MEMORY * 1024).await.unwrap();
        assert!(records.remembered(&key).is_none());
    }

    #[tokio::test]
    async fn a_share_grows_while_memory_is_free_and_is_given_back() {
        let records = Records::default();
        let most = MEMORY * 1024;
        let first = records.hold(most / 2).await.unwrap();
        let second = records.hold(most / 4).await.unwrap();
        assert!(second.0.raise(most / 2));
        assert!(second.0.raise(most / 4), "it has more already");
        assert!(!first.0.raise(most / 2 + 1), "nothing is left");
        assert!(matches!(records.hold(1).await, Err(RecordError::Busy)));

        second.0.shrink(most / 4);
        assert_eq!(second.0.bytes(), most / 4);
        let clone = first.clone();
        drop(first);
        assert!(!second.0.raise(most), "a clone still holds the rest");
        drop(clone);
        assert!(second.0.raise(most));
    }
}
