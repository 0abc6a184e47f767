//! Finds a release and the Secrets that hold its credentials.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context, Result, anyhow, bail};

use super::{Rescued, credentials, kept::RESCUED_FROM};
use crate::{
    camunda::{Application, INSTANCE, Line, PART_OF, running_line},
    change::Rendered,
    cluster::Cluster,
    gather::releases,
    helm::{release, values::Values},
    kubernetes::{Kind, Object},
};

/// A release's credentials, as its record names their Secrets, or their labels where there is no record (Argo CD).
///
/// # Errors
/// When there is no such release, it is not Camunda's, or something can't be read.
pub async fn release(cluster: &Cluster, namespace: &str, release: &str) -> Result<Rescued> {
    let rendered = rendered(cluster, namespace, release).await?;
    if rendered.as_ref().is_some_and(|rendered| !rendered.camunda) {
        bail!("release {release} in namespace {namespace} is no Camunda release");
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
        let read = cluster.get(&object.reference).await;
        let read = read.with_context(|| format!("can't get {}", object.reference))?;
        secrets.extend(read.map(|secret| (secret, object.charts.clone())));
    }
    // An earlier chart's, which were told to stay.
    let labelled = list(cluster, Kind::Secret, namespace, &[(INSTANCE, release)]).await?;
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

/// What the release that runs was rendered as; nothing where Helm has no record of it.
async fn rendered(cluster: &Cluster, namespace: &str, release: &str) -> Result<Option<Rendered>> {
    let releases = releases(cluster, Some(namespace)).await;
    let recorded = releases.found.iter().find(|it| it.release == release);
    let Some(recorded) = recorded else {
        return match releases.unseen.first() {
            Some(gap) => bail!("can't list {}: {}", gap.what, gap.reason),
            None => Ok(None),
        };
    };
    let Some(revision) = recorded.running().or_else(|| recorded.newest()) else {
        return Ok(None);
    };
    let reference = recorded.record(revision.number);
    let record = cluster.get(&reference).await;
    let record = record.with_context(|| format!("can't get {reference}"))?;
    let record = record.with_context(|| format!("{reference} has gone meanwhile"))?;
    let decoded = release::of_record(&record, recorded.storage)
        .map_err(|error| anyhow!("{reference} can't be decoded: {error}"))?;
    Ok(Some(Rendered::of(&decoded, None)))
}

/// The line of a release's brokers.
async fn line_that_runs(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<Option<&'static Line>> {
    let labels = [PART_OF, (INSTANCE, release)];
    let mut found = Vec::new();
    for kind in [Kind::StatefulSet, Kind::Deployment] {
        found.extend(list(cluster, kind, namespace, &labels).await?);
    }
    if found.is_empty() {
        bail!(
            "there is no Camunda release {release} in namespace {namespace}: neither a record of Helm's nor workloads with its name; -n names another namespace"
        );
    }
    let brokers = found
        .iter()
        .find(|workload| Application::of(workload) == Some(Application::ZEEBE));
    Ok(brokers
        .and_then(|brokers| running_line(brokers))
        .map(|(_, line)| line))
}

async fn list(
    cluster: &Cluster,
    kind: Kind,
    namespace: &str,
    labels: &[(&str, &str)],
) -> Result<Vec<Arc<Object>>> {
    let listed = cluster.list(kind, namespace, labels).await;
    listed.with_context(|| format!("can't list {}", kind.plural()))
}
