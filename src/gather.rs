//! Reads, before any rule runs, what the rules of one change need, within a deadline.
//!
//! What could not be read becomes a gap among the facts, never silence.

mod at_work;
mod measure;
mod object;
mod records;
mod release;
mod running;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use self::measure::Clock;
pub use self::{
    measure::{ReadErrors, Spent},
    records::{Decoded, Records},
    running::Running,
};
use crate::{
    camunda::{INSTANCE, PART_OF},
    cluster::{Cluster, ReadError},
    facts::Facts,
    object::{Kind, Object, ObjectRef},
};

/// How many reads go on at a time; more would only queue in the API server.
const PARALLEL: usize = 16;

/// Reads from a cluster until a deadline.
#[derive(Clone)]
pub struct Reader {
    cluster: Cluster,
    deadline: Instant,
    clock: Arc<Clock>,
    errors: ReadErrors,
}

impl Reader {
    /// Reads for as long as `budget`, and counts what can't be read.
    pub fn new(cluster: Cluster, budget: Duration, errors: ReadErrors) -> Self {
        Self {
            cluster,
            deadline: Instant::now() + budget,
            clock: Arc::default(),
            errors,
        }
    }

    /// What its time has gone into.
    pub fn spent(&self) -> Spent {
        self.clock.spent()
    }

    /// Waits for a record to be decoded, until the deadline.
    pub async fn decoding<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let _decoding = self.clock.decoding();
        self.in_time(work).await
    }

    /// Waits for work until the deadline.
    pub async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.deadline, work).await.ok()
    }

    async fn within<T>(
        &self,
        kind: &'static str,
        read: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        let _reading = self.clock.reading();
        let late = || ReadError::Late("the API server did not answer in time".to_owned());
        let read = self.in_time(read).await.ok_or_else(late).flatten();
        read.inspect_err(|error| self.errors.count(kind, error))
    }

    async fn get(&self, reference: &ObjectRef) -> Result<Option<Arc<Object>>, ReadError> {
        let get = self.cluster.get(reference);
        self.within(reference.kind.name(), get).await
    }

    /// Gets many objects at once into the facts.
    async fn get_all(&self, facts: &mut Facts, references: impl IntoIterator<Item = ObjectRef>) {
        let unique: BTreeSet<_> = references.into_iter().collect();
        let mut reads = stream::iter(unique)
            .map(|reference| async move {
                let object = self.get(&reference).await;
                (reference, object)
            })
            .buffer_unordered(PARALLEL);
        while let Some((reference, object)) = reads.next().await {
            match object {
                Ok(Some(object)) => facts.insert(reference.kind, object),
                Ok(None) => {}
                Err(error) => facts.insert_gap(reference.to_string(), error.to_string()),
            }
        }
    }

    async fn list(&self, facts: &mut Facts, kind: Kind, namespace: &str) -> Vec<Arc<Object>> {
        let read = self.cluster.list(kind, namespace, &[]);
        match self.within(kind.name(), read).await {
            Ok(objects) => {
                for object in &objects {
                    facts.insert(kind, Arc::clone(object));
                }
                objects
            }
            Err(error) => {
                facts.insert_gap(Facts::listing(kind, namespace), error.to_string());
                Vec::new()
            }
        }
    }

    /// Notes whether a release is Camunda's: something of Camunda's own in the namespace carries its name.
    async fn recognise(&self, facts: &mut Facts, namespace: &str, release: &str) {
        let labels = [PART_OF, (INSTANCE, release)];
        // A claim outlives the workloads that a user was told to delete.
        let kinds = [
            Kind::PersistentVolumeClaim,
            Kind::Deployment,
            Kind::StatefulSet,
        ];
        let labels = &labels;
        let list = |kind| self.cluster.list(kind, namespace, labels);
        let lists = kinds.map(|kind| self.within(kind.name(), list(kind)));
        for found in futures::future::join_all(lists).await {
            match found {
                Ok(objects) if objects.is_empty() => {}
                Ok(_) => facts.insert_release(namespace, release),
                Err(error) => facts.insert_gap(format!("release {release}"), error.to_string()),
            }
        }
    }
}
