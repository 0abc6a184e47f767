//! Finds releases by the names and labels of their Helm records.

use std::collections::BTreeMap;

use crate::{
    change::{Gap, Unseen, Wanted},
    cluster::{Cluster, Contents},
    helm::release::{Status, Storage, parse_record_name, record_name},
    kubernetes::{Kind, ObjectRef},
};

/// A release and its revisions, as the records' labels tell; no record is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The namespace of its records.
    pub namespace: String,
    /// Its name.
    pub release: String,
    /// The storage driver of its records.
    pub storage: Storage,
    /// Its revisions, the oldest first; there is at least one.
    pub revisions: Vec<Revision>,
}

/// The number and status of one revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The number, from 1.
    pub number: u64,
    /// The status in the record's label.
    pub status: Status,
}

/// The releases that were found, and lists that failed.
#[derive(Clone, Debug, Default)]
pub struct Releases {
    /// The releases, by namespace and name.
    pub found: Vec<Recorded>,
    /// The lists that failed.
    pub unseen: Vec<Gap>,
}

impl Releases {
    /// Returns whether a release has no record, though all could be looked for.
    pub fn is_missing(&self, release: &str) -> bool {
        self.unseen.is_empty() && self.found.iter().all(|it| it.release != release)
    }
}

impl Recorded {
    /// Returns the newest revision.
    pub fn newest(&self) -> Option<Revision> {
        self.revisions.last().copied()
    }

    /// Returns the running revision, as Helm sees it: the newest deployed revision, else the newest one if it failed
    /// or was superseded.
    pub fn running(&self) -> Option<Revision> {
        let newest_first = || self.revisions.iter().rev();
        let deployed = newest_first().find(|revision| revision.status == Status::Deployed);
        let left = newest_first().find(|revision| !revision.status.is_pending());
        let left = left.filter(|it| matches!(it.status, Status::Failed | Status::Superseded));
        deployed.or(left).copied()
    }

    /// Returns the reference of a revision's record.
    pub fn record(&self, revision: u64) -> ObjectRef {
        let name = record_name(&self.release, revision);
        ObjectRef::new(self.storage.kind(), &self.namespace, &name)
    }
}

/// Finds the releases of a namespace, or of all of them, by the labels of their records.
pub async fn releases(cluster: &Cluster, namespace: Option<&str>) -> Releases {
    let mut by_name: BTreeMap<(String, String, Kind), Recorded> = BTreeMap::new();
    let mut unseen = Vec::new();
    for storage in [Storage::Secret, Storage::ConfigMap] {
        let kind = storage.kind();
        let labels = [("owner", "helm")];
        let listed = cluster.list_within(kind, namespace, &labels, Contents::Metadata);
        let records = match listed.await {
            Ok(records) => records,
            Err(error) => {
                unseen.push(Gap::new(listing(kind, namespace), error.to_string()));
                continue;
            }
        };
        for record in records {
            let Some((release, number)) = parse_record_name(record.name()) else {
                continue;
            };
            let namespace = record.namespace().unwrap_or_default();
            let revision = Revision {
                number,
                status: Status::of(record.label("status").unwrap_or_default()),
            };
            let key = (namespace.to_owned(), release.to_owned(), kind);
            let recorded = by_name.entry(key).or_insert_with(|| Recorded {
                namespace: namespace.to_owned(),
                release: release.to_owned(),
                storage,
                revisions: Vec::new(),
            });
            recorded.revisions.push(revision);
        }
    }
    let mut found: Vec<_> = by_name.into_values().collect();
    for recorded in &mut found {
        recorded.revisions.sort_by_key(|revision| revision.number);
    }
    Releases { found, unseen }
}

/// Returns a gap's name for a list of a namespace, or of all of them.
pub fn listing(kind: Kind, namespace: Option<&str>) -> Unseen {
    Wanted::All(kind, namespace.unwrap_or_default().to_owned()).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    fn record(kind: &str, namespace: &str, name: &str, status: &str) -> Value {
        json!({"kind": kind, "metadata": {"name": name, "namespace": namespace,
            "labels": {"owner": "helm", "status": status}}})
    }

    #[tokio::test]
    async fn revisions_are_put_together_by_release_and_storage() {
        let objects = [
            record("Secret", "prod", "sh.helm.release.v1.camunda.v10", "failed"),
            record(
                "Secret",
                "prod",
                "sh.helm.release.v1.camunda.v9",
                "deployed",
            ),
            record(
                "ConfigMap",
                "prod",
                "sh.helm.release.v1.camunda.v1",
                "superseded",
            ),
            record(
                "Secret",
                "test",
                "sh.helm.release.v1.a.v2.v3",
                "pending-upgrade",
            ),
            record("Secret", "prod", "not-a-record", "deployed"),
        ];
        let cluster = Cluster::Snapshot(Arc::new(objects.into_iter().collect()));
        let all = releases(&cluster, None).await;
        let names: Vec<_> = all
            .found
            .iter()
            .map(|it| {
                (
                    it.namespace.as_str(),
                    it.release.as_str(),
                    it.revisions.len(),
                )
            })
            .collect();
        let expected = [
            ("prod", "camunda", 2),
            ("prod", "camunda", 1),
            ("test", "a.v2", 1),
        ];
        assert_eq!(names, expected);
        let running = |index: usize| all.found[index].running().map(|revision| revision.number);
        assert_eq!(running(0), Some(9));
        assert_eq!(running(1), Some(1));
        assert_eq!(running(2), None);
        assert_eq!(all.found[0].newest().map(|it| it.number), Some(10));
        assert_eq!(all.found[0].record(9).name, "sh.helm.release.v1.camunda.v9");
        assert_eq!(releases(&cluster, Some("test")).await.found.len(), 1);
    }
}
