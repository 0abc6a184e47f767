//! Reads, before any rule runs and within a deadline, what the rules need to judge one change.
//!
//! A failed read becomes a gap among the facts and is never passed over in silence.

mod attempt;
mod concerned;
mod lookup;
mod measure;
mod newest_record;
mod object;
mod processors;
mod records;
mod release;
mod releases;
mod removal;
mod running;
mod standing;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream};
use serde::Deserialize;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

pub use self::{
    attempt::Attempted,
    measure::{ReadErrors, Spent},
    processors::{Late, Processors},
    records::{Decoded, Held, RecordError, Records},
    release::{Announced, Asker},
    releases::{Recorded, Releases, Revision, listing, releases},
    running::{Left, RECORDED_ELSEWHERE, Running},
    standing::{Read, StandingError},
};
use self::{concerned::Concerned, measure::Clock};
use crate::{
    camunda::{INSTANCE, PART_OF, is_own},
    change::{Facts, Wanted},
    cluster::{Cluster, Contents, ReadError},
    kubernetes::{Kind, Object, ObjectRef},
    policy::{Guarded, chart_label},
};

/// Number of reads at a time; more would only queue in the API server.
const PARALLEL: usize = 16;

/// Reads from a cluster until a deadline.
#[derive(Clone)]
pub struct Reader {
    cluster: Cluster,
    deadline: Instant,
    answer: Instant,
    /// The namespaces that may be read; None: all.
    open: Option<Arc<BTreeSet<String>>>,
    guarded: Arc<[Guarded]>,
    /// Set if only those claims are read that a change is about.
    concerned: Option<Concerned>,
    turns: Arc<Semaphore>,
    clock: Arc<Clock>,
    errors: ReadErrors,
    processors: Option<Processors>,
}

/// Adds what was read to the facts, or that it could not be read.
fn note(facts: &mut Facts, wanted: Wanted, read: Result<Vec<Arc<Object>>, ReadError>) {
    match read {
        Ok(objects) => {
            for object in objects {
                facts.insert(wanted.kind(), object);
            }
        }
        Err(error) => facts.insert_gap(wanted, error.to_string()),
    }
}

impl Reader {
    /// Creates a reader that reads for seven eighths of `budget`, so that time is left to judge, and counts failed
    /// reads in `errors`.
    pub fn new(
        cluster: Cluster,
        budget: Duration,
        errors: ReadErrors,
        guarded: Arc<[Guarded]>,
    ) -> Self {
        let now = Instant::now();
        Self {
            cluster,
            deadline: now + budget * 7 / 8,
            answer: now + budget,
            open: None,
            guarded,
            concerned: None,
            turns: Arc::new(Semaphore::new(PARALLEL)),
            clock: Arc::default(),
            errors,
            processors: None,
        }
    }

    /// Returns a reader with half of the remaining time, so that later reads have a chance, too.
    fn hurried(&self) -> Self {
        let left = self.deadline.saturating_duration_since(Instant::now());
        Self {
            deadline: self.deadline - left / 2,
            ..self.clone()
        }
    }

    /// Returns where the waiting time went.
    pub fn spent(&self) -> Spent {
        self.clock.spent()
    }

    /// Waits for a record to be decoded, at most until the answer is due.
    ///
    /// # Errors
    /// When it can't be decoded, or not in time.
    pub async fn decoding<T>(
        &self,
        work: impl Future<Output = Result<T, RecordError>>,
    ) -> Result<T, RecordError> {
        let _decoding = self.clock.decoding();
        let decoded = timeout_at(self.answer, work).await;
        decoded.unwrap_or(Err(RecordError::Busy))
    }

    async fn within<T>(
        &self,
        kind: &'static str,
        read: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        let _reading = self.clock.reading();
        let late = || ReadError::Late("the API server did not answer in time".to_owned());
        let read = async {
            let _turn = self.turns.acquire().await;
            read.await
        };
        // Even a single poll would send a request that nobody waits for.
        let read = match Instant::now() < self.deadline {
            true => timeout_at(self.deadline, read).await.ok(),
            false => None,
        };
        let read = read.ok_or_else(late).flatten();
        read.inspect_err(|error| self.errors.count(kind, error))
    }

    async fn get(&self, reference: &ObjectRef) -> Result<Option<Arc<Object>>, ReadError> {
        let get = self.cluster.get(reference);
        self.within(reference.kind.name(), get).await
    }

    async fn read(&self, wanted: &Wanted) -> Result<Vec<Arc<Object>>, ReadError> {
        if let (Some(open), Some(namespace)) = (&self.open, wanted.namespace())
            && !open.contains(namespace)
        {
            let reason = "whoever asks may not write there";
            return Err(ReadError::Forbidden(reason.to_owned()));
        }
        match wanted {
            Wanted::One(reference) => Ok(self.get(reference).await?.into_iter().collect()),
            Wanted::All(kind, namespace) => match (&self.concerned, kind) {
                (Some(concerned), Kind::PersistentVolumeClaim) => {
                    self.concerned_claims(concerned, namespace).await
                }
                (Some(concerned), Kind::PersistentVolume) => {
                    self.concerned_volumes(concerned).await
                }
                _ => {
                    let list = self.cluster.list(*kind, namespace, &[]);
                    self.within(kind.name(), list).await
                }
            },
        }
    }

    /// Reads all wanted objects into the facts, many at a time.
    async fn read_all(&self, facts: &mut Facts, wanted: impl IntoIterator<Item = Wanted>) {
        let unique: BTreeSet<_> = wanted.into_iter().collect();
        let mut reads = stream::iter(unique)
            .map(|wanted| async move {
                let objects = self.read(&wanted).await;
                (wanted, objects)
            })
            .buffer_unordered(PARALLEL);
        while let Some((wanted, objects)) = reads.next().await {
            note(facts, wanted, objects);
        }
    }

    async fn get_all(&self, facts: &mut Facts, references: impl IntoIterator<Item = ObjectRef>) {
        let wanted = references.into_iter().map(Wanted::One);
        self.read_all(facts, wanted).await;
    }

    async fn list_all(&self, facts: &mut Facts, kinds: &[Kind], namespace: &str) {
        let wanted = kinds
            .iter()
            .map(|kind| Wanted::All(*kind, namespace.to_owned()));
        self.read_all(facts, wanted).await;
    }

    fn guards(&self, chart: Option<&str>, namespace: &str, release: &str) -> bool {
        let mut guarded = self.guarded.iter();
        guarded.any(|guarded| guarded.fits(chart, namespace, release))
    }

    /// Returns the labels of a namespace; none if it does not exist.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn namespace_labels(
        &self,
        namespace: &str,
    ) -> Result<BTreeMap<String, String>, ReadError> {
        let reference = ObjectRef::new(Kind::Namespace, "", namespace);
        let found = self.hurried().get(&reference).await?;
        let labels = found
            .as_ref()
            .and_then(|found| found.at("/metadata/labels"));
        let labels = labels.and_then(|labels| BTreeMap::deserialize(labels).ok());
        Ok(labels.unwrap_or_default())
    }

    /// Notes whether a release is Camunda's: whether one of Camunda's own objects in the namespace carries its name.
    async fn recognise(&self, facts: &mut Facts, namespace: &str, release: &str) {
        if self.guards(None, namespace, release) {
            facts.insert_release(namespace, release);
            return;
        }
        // Only an object itself tells which chart another release's objects come from.
        let labels = match self.guarded.iter().any(Guarded::names_charts) {
            true => vec![(INSTANCE, release)],
            false => vec![PART_OF, (INSTANCE, release)],
        };
        // A claim outlives the workloads that a user was told to delete.
        let kinds = [
            Kind::PersistentVolumeClaim,
            Kind::Deployment,
            Kind::StatefulSet,
        ];
        let (labels, only) = (&labels, Contents::Metadata);
        let list = |kind| {
            self.cluster
                .list_within(kind, Some(namespace), labels, only)
        };
        let lists = kinds.map(|kind| self.within(kind.name(), list(kind)));
        for found in futures::future::join_all(lists).await {
            match found {
                Ok(objects) => {
                    let camundas = |object: &Arc<Object>| {
                        is_own(object) || self.guards(chart_label(object), namespace, release)
                    };
                    if objects.iter().any(camundas) {
                        facts.insert_release(namespace, release);
                    }
                }
                Err(error) => facts.insert_gap(format!("release {release}"), error.to_string()),
            }
        }
    }
}
