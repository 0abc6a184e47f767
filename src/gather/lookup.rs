//! What runs of a release, for whoever asks without a record that names its revision.

use std::sync::Arc;

use super::{Left, Reader, Records, Running};
use crate::{
    camunda::INSTANCE,
    change::{Gap, Rendered, Wanted},
    cluster::{Contents, ReadError},
    helm::release::{self, Release, Storage, parse_record_name},
    kubernetes::{Kind, Object, ObjectRef},
};

/// What Argo CD and `kubectl apply` leave on the cluster of what they have applied.
const APPLIED: [Kind; 5] = [
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::Job,
    Kind::ConfigMap,
    Kind::Secret,
];

/// Where Helm keeps records.
pub(super) const STORAGES: [Storage; 2] = [Storage::Secret, Storage::ConfigMap];

impl Reader {
    /// What runs before `revision`, or now, wherever Helm keeps it; without any record, what the live objects say.
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
            gaps.insert(0, Gap::new("running release", reason));
        }
        match rendered.camunda || !gaps.is_empty() {
            true => Running::Live(Arc::new(rendered), gaps),
            false => Running::Nothing,
        }
    }

    /// What a rollback leaves that would be the next revision, wherever Helm keeps it.
    pub async fn left_anywhere(&self, records: &Records, namespace: &str, release: &str) -> Left {
        for storage in STORAGES {
            let Ok(Some(next)) = self.next(storage, namespace, release, None).await else {
                // Why it can't be told is told with what runs.
                continue;
            };
            return self.left(records, storage, namespace, release, next).await;
        }
        Left::Nothing
    }

    /// The newest revision of which there is a record.
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
            // Who may not list them may know their names.
            Err(ReadError::Forbidden(_)) => {
                let newest = self.newest_record(kind, namespace, release).await?;
                Ok(newest.as_ref().and_then(revision))
            }
            Err(error) => Err(error),
        }
    }

    /// The objects that carry the release's label, as if a manifest had held them.
    async fn live_release(&self, namespace: &str, release: &str) -> (Rendered, Vec<Gap>) {
        let (mut objects, mut gaps) = (Vec::new(), Vec::new());
        // Elastic's chart knows no other label.
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

    /// The record of what runs before a revision, or now.
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

    /// The revision before which to look: the one that is announced, or the one after the newest.
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

    /// A record of this revision.
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
