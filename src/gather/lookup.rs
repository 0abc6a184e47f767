//! Finds the running release when no record names its revision.

use std::sync::Arc;

use super::{Left, Reader, Records, Running, running::UNREAD};
use crate::{
    camunda::INSTANCE,
    change::{Gap, Rendered, Wanted},
    cluster::{Contents, ReadError},
    helm::release::{self, Release, Storage, parse_record_name},
    kubernetes::{Kind, Object, ObjectRef},
};

/// Kinds of applied objects that are read where Argo CD or `kubectl apply` left no record.
const APPLIED: [Kind; 5] = [
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::Job,
    Kind::ConfigMap,
    Kind::Secret,
];

/// The drivers with which Helm keeps records in the cluster.
pub(super) const STORAGES: [Storage; 2] = [Storage::Secret, Storage::ConfigMap];

impl Reader {
    /// Finds what runs before `revision` (None: now), with either storage driver; without a record, rebuilds it from
    /// live objects.
    pub async fn running_anywhere(
        &self,
        records: &Records,
        namespace: &str,
        release: &str,
        revision: Option<u64>,
    ) -> Running {
        let mut unread = None;
        for storage in STORAGES {
            match self.next(storage, namespace, release, revision).await {
                Ok(None) => {}
                Ok(Some(next)) => {
                    match self
                        .running(records, storage, namespace, release, next)
                        .await
                    {
                        Running::Nothing => {}
                        Running::Unknown(reason) => unread = unread.or(Some(reason)),
                        found => return found,
                    }
                }
                Err(error) => {
                    let reason = format!("the records of release {release}: {error}");
                    unread = unread.or(Some(reason));
                }
            }
        }
        let (rendered, mut gaps) = self.live_release(namespace, release).await;
        if let Some(reason) = unread {
            gaps.insert(0, Gap::new(UNREAD, reason));
        }
        match rendered.camunda || !gaps.is_empty() {
            true => Running::Live(Arc::new(rendered), gaps),
            false => Running::Nothing,
        }
    }

    /// Finds the revision that a rollback starts from if it were done next, with either storage driver.
    pub async fn left_anywhere(&self, records: &Records, namespace: &str, release: &str) -> Left {
        for storage in STORAGES {
            let Ok(Some(next)) = self.next(storage, namespace, release, None).await else {
                // The reason is reported with the running release.
                continue;
            };
            return self.left(records, storage, namespace, release, next).await;
        }
        Left::Nothing
    }

    /// Returns the newest revision that has a record.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn newest_revision(
        &self,
        kind: Kind,
        namespace: &str,
        release: &str,
    ) -> Result<Option<u64>, ReadError> {
        let labels = [("owner", "helm"), ("name", release)];
        let list = self
            .cluster
            .list_within(kind, Some(namespace), &labels, Contents::Metadata);
        let listed = self.within(kind.name(), list).await;
        let revision = |record: &Object| parse_record_name(record.name()).map(|(_, it)| it);
        match listed {
            Ok(records) => Ok(records.iter().filter_map(|it| revision(it)).max()),
            // Without the right to list records, they may still be read by name.
            Err(ReadError::Forbidden(_)) => {
                let newest = self.newest_record(kind, namespace, release).await?;
                Ok(newest.as_ref().and_then(revision))
            }
            Err(error) => Err(error),
        }
    }

    /// Rebuilds a release from the objects that carry its label, as if they were its manifest.
    async fn live_release(&self, namespace: &str, release: &str) -> (Rendered, Vec<Gap>) {
        let (mut objects, mut gaps) = (Vec::new(), Vec::new());
        // Elastic's chart sets no other label than `release`.
        let labels = [(INSTANCE, release), ("release", release)];
        for (kind, label) in APPLIED
            .into_iter()
            .map(|kind| (kind, labels[0]))
            .chain([(Kind::StatefulSet, labels[1])])
        {
            let list = self
                .cluster
                .list(kind, namespace, std::slice::from_ref(&label));
            match self.within(kind.name(), list).await {
                Ok(found) => objects.extend(found.into_iter().map(|object| (kind, object))),
                Err(error) => {
                    let all = Wanted::All(kind, namespace.to_owned());
                    gaps.push(Gap::new(all, error.to_string()));
                }
            }
        }
        gaps.dedup();
        (Rendered::of_live(objects), gaps)
    }

    /// Reads the record of what runs before a revision (None: now).
    pub async fn running_record(
        &self,
        namespace: &str,
        release: &str,
        revision: Option<u64>,
    ) -> Option<Release> {
        for storage in STORAGES {
            let next = self.next(storage, namespace, release, revision).await;
            let Some(next) = next.ok()? else { continue };
            let found = self.find_running(storage, namespace, release, next).await;
            if let Some(record) = found.ok()? {
                return release::of_record(&record, storage).ok();
            }
        }
        None
    }

    /// Returns the revision to search below: the announced one, or the one after the newest.
    async fn next(
        &self,
        storage: Storage,
        namespace: &str,
        release: &str,
        revision: Option<u64>,
    ) -> Result<Option<u64>, ReadError> {
        if revision.is_some() {
            return Ok(revision);
        }
        let newest = self
            .newest_revision(storage.kind(), namespace, release)
            .await?;
        Ok(newest.map(|newest| newest.saturating_add(1)))
    }

    /// Reads a record by its name, with either storage driver.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn record(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<(Arc<Object>, Storage)>, ReadError> {
        for storage in STORAGES {
            let reference = ObjectRef::new(storage.kind(), namespace, name);
            let wanted = Wanted::One(reference);
            if let Some(found) = self.read(&wanted).await?.pop() {
                return Ok(Some((found, storage)));
            }
        }
        Ok(None)
    }
}
