//! Writes the policy reports of a scan into the cluster.

use std::collections::BTreeSet;

use super::{ReportApi, Scan};
use crate::{
    cluster::{LiveCluster, WriteError},
    finding::shell::PROGRAM,
};

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Reports that are now as they are to be.
    pub applied: usize,
    /// Reports of namespaces that have no release of Camunda any more.
    pub deleted: usize,
}

/// Reason why reports could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Nobody has installed the kind.
    #[error(
        "the cluster does not know {0}: its CustomResourceDefinition has to be installed first"
    )]
    Unknown(String),
    /// The list of those that are there was refused.
    #[error("can't list {0}: {1}")]
    List(String, WriteError),
    /// One was refused; the others may be written.
    #[error("can't write the report of namespace {0}: {1}")]
    Write(String, WriteError),
}

impl Scan {
    /// Writes the report of each namespace that was scanned (None: all), and deletes those of namespaces without a release.
    ///
    /// # Errors
    /// When the API server does not take one; the others are written all the same.
    pub async fn publish(
        &self,
        cluster: &LiveCluster,
        namespace: Option<&str>,
        api: ReportApi,
    ) -> Result<Published, PublishError> {
        let collection = api.collection();
        let kind = || format!("{} of {}", collection.plural, collection.version);
        let label = ("app.kubernetes.io/managed-by", PROGRAM);
        let there = cluster.reports(collection, namespace, PROGRAM, label).await;
        let there = there.map_err(|error| match error {
            WriteError::Missing => PublishError::Unknown(kind()),
            error => PublishError::List(kind(), error),
        })?;
        let (mut published, mut failed) = (Published::default(), None);
        let mut reported = BTreeSet::new();
        for (namespace, report) in self.reports(api) {
            let place = (namespace, PROGRAM);
            let applied = cluster.apply_report(collection, place, &report, PROGRAM);
            match applied.await {
                Ok(()) => published.applied += 1,
                Err(error) => {
                    failed.get_or_insert(PublishError::Write(namespace.to_owned(), error));
                }
            }
            reported.insert(namespace);
        }
        // Where a list is missing, a release may only have been overlooked.
        let gone = there
            .iter()
            .filter(|(namespace, _)| self.all_listed && !reported.contains(namespace.as_str()));
        for (namespace, uid) in gone {
            let place = (namespace.as_str(), PROGRAM);
            match cluster.delete_report(collection, place, uid).await {
                Ok(()) => published.deleted += 1,
                Err(error) => {
                    failed.get_or_insert(PublishError::Write(namespace.clone(), error));
                }
            }
        }
        failed.map_or(Ok(published), Err)
    }
}
