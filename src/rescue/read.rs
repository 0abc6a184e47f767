//! Finds a release and the Secrets that hold its credentials.

use std::collections::BTreeSet;

use super::{Rescued, credentials, keep_secret::RESCUED_FROM};
use crate::{
    camunda::{Application, INSTANCE, Line, PART_OF, running_line},
    change::{Gap, Rendered},
    cluster::{Cluster, Unread},
    gather::releases,
    helm::{
        release::{self, DecodeError},
        values::Values,
    },
    kubernetes::{Kind, ObjectRef},
};

/// Reason why a release's credentials can't be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// A release of another chart.
    #[error("release {release} in namespace {namespace} is no Camunda release")]
    NotCamunda {
        /// The release.
        release: String,
        /// Its namespace.
        namespace: String,
    },
    /// Neither a record nor a workload of the release.
    #[error(
        "there is no Camunda release {release} in namespace {namespace}: neither a record of Helm's nor workloads with its name; -n names another namespace"
    )]
    NoRelease {
        /// The release's name.
        release: String,
        /// The namespace that was searched.
        namespace: String,
    },
    /// An object that can't be read.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// Records that can't be listed.
    #[error("can't list {}: {}", .0.what, .0.reason)]
    Unseen(Gap),
    /// A record that was pruned after it had been listed.
    #[error("{0} has gone meanwhile")]
    Gone(ObjectRef),
    /// A malformed record.
    #[error("{0} can't be decoded: {1}")]
    Broken(ObjectRef, DecodeError),
}

/// Finds a release's credentials in the Secrets that its record names, or by labels if there is no record (Argo CD).
///
/// # Errors
/// When there is no such release, it is not Camunda's, or something can't be read.
pub async fn release(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<Rescued, FindError> {
    let rendered = rendered(cluster, namespace, release).await?;
    if rendered.as_ref().is_some_and(|rendered| !rendered.camunda) {
        return Err(FindError::NotCamunda {
            release: release.to_owned(),
            namespace: namespace.to_owned(),
        });
    }
    let line = match &rendered {
        Some(rendered) => rendered.camunda_version.as_deref().and_then(Line::of),
        None => line_that_runs(cluster, namespace, release).await?,
    };
    let objects = rendered.iter().flat_map(|rendered| &rendered.objects);
    let named: Vec<_> = objects
        .filter(|object| object.reference.kind == Kind::Secret)
        .filter(|object| object.reference.namespace == namespace)
        .collect();
    let names: BTreeSet<_> = named
        .iter()
        .map(|object| object.reference.name.clone())
        .collect();
    let mut secrets = Vec::new();
    // An umbrella chart may have databases of its own.
    for object in named.iter().filter(|object| object.camunda) {
        let read = cluster.need(&object.reference).await?;
        secrets.extend(read.map(|secret| (secret, object.charts.clone())));
    }
    // Secrets of an earlier chart, which were kept.
    let labels = [(INSTANCE, release)];
    let labelled = cluster.need_all(Kind::Secret, namespace, &labels).await?;
    let left = labelled.into_iter().filter(|secret| {
        !names.contains(secret.name()) && secret.annotation(RESCUED_FROM).is_none()
    });
    secrets.extend(left.map(|secret| (secret, None)));
    let borrowed: Vec<_> = secrets
        .iter()
        .map(|(secret, charts)| (&**secret, charts.as_deref()))
        .collect();
    Ok(Rescued {
        line,
        found: credentials(&borrowed, line),
        rendered: names,
        values: rendered.map_or_else(Values::default, |rendered| rendered.values),
    })
}

/// Returns what the running release was rendered as; None if Helm has no record of it.
async fn rendered(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<Option<Rendered>, FindError> {
    let releases = releases(cluster, Some(namespace)).await;
    let recorded = releases.found.iter().find(|it| it.release == release);
    let Some(recorded) = recorded else {
        let unseen = releases.unseen.into_iter().next();
        return unseen.map_or(Ok(None), |gap| Err(FindError::Unseen(gap)));
    };
    let Some(revision) = recorded.running().or_else(|| recorded.newest()) else {
        return Ok(None);
    };
    let reference = recorded.record(revision.number);
    let Some(record) = cluster.need(&reference).await? else {
        return Err(FindError::Gone(reference));
    };
    match release::of_record(&record, recorded.storage) {
        Ok(decoded) => Ok(Some(Rendered::of(&decoded, None))),
        Err(error) => Err(FindError::Broken(reference, error)),
    }
}

/// Returns the release line that a release's brokers run.
async fn line_that_runs(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<Option<&'static Line>, FindError> {
    let labels = [PART_OF, (INSTANCE, release)];
    let mut found = Vec::new();
    for kind in [Kind::StatefulSet, Kind::Deployment] {
        found.extend(cluster.need_all(kind, namespace, &labels).await?);
    }
    if found.is_empty() {
        return Err(FindError::NoRelease {
            release: release.to_owned(),
            namespace: namespace.to_owned(),
        });
    }
    let brokers = found
        .iter()
        .find(|workload| Application::of(workload) == Some(Application::ZEEBE));
    Ok(brokers
        .and_then(|brokers| running_line(brokers))
        .map(|(_, line)| line))
}
