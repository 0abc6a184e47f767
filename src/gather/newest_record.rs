//! Finds Helm's newest record of a release, for requests that come without one.

use futures::future::join_all;
use serde_json::json;

use super::{PARALLEL, Reader};
use crate::{
    change::Facts,
    cluster::ReadError,
    helm::release,
    kubernetes::{Kind, Object, ObjectRef},
};

/// Highest revision that is tried: revisions start at 1 and old ones are pruned, so the first that is left must be
/// searched for.
const MAX_PROBES: u64 = 1024;

impl Reader {
    /// Reads the namespace and the metadata of the release's newest record.
    pub async fn secret_deletion_facts(&self, facts: &mut Facts, namespace: &str, release: &str) {
        let own = ObjectRef::new(Kind::Namespace, "", namespace);
        self.get_all(facts, [own]).await;
        for kind in [Kind::Secret, Kind::ConfigMap] {
            match self.newest_record(kind, namespace, release).await {
                Ok(Some(record)) => {
                    facts.insert(kind, record.into());
                    return;
                }
                Ok(None) => {}
                Err(error) => {
                    facts.insert_gap(
                        format!("the records of release {release}"),
                        error.to_string(),
                    );
                    return;
                }
            }
        }
    }

    /// Finds the newest record by name, since the guard may not list Secrets: upwards until a whole batch is missing.
    pub(super) async fn newest_record(
        &self,
        kind: Kind,
        namespace: &str,
        release: &str,
    ) -> Result<Option<Object>, ReadError> {
        let mut newest = None;
        for first in (1..=MAX_PROBES).step_by(PARALLEL) {
            let references: Vec<_> = (first..first + PARALLEL as u64)
                .map(|revision| release::record_name(release, revision))
                .map(|name| ObjectRef::new(kind, namespace, &name))
                .collect();
            let mut last = None;
            for found in join_all(references.iter().map(|reference| self.get(reference))).await {
                if let Some(record) = found? {
                    last = record.at("/metadata").cloned();
                }
            }
            if last.is_none() && newest.is_some() {
                break;
            }
            newest = last.or(newest);
        }
        Ok(newest.map(|metadata| Object(json!({"metadata": metadata}))))
    }
}
