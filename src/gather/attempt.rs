//! What Helm did last with a release, where that did not become what is deployed.

use std::sync::Arc;

use super::{Held, Reader, RecordError, Records, lookup::STORAGES};
use crate::{
    change::{Attempt, Change, Facts, Gap, Operation, Rendered, Side, Wanted},
    helm::release::{Status, record_name},
    kubernetes::{Kind, Object, ObjectRef},
};

/// A revision that failed or was cut off.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// What is told of it.
    pub attempt: Attempt,
    /// Its objects.
    pub rendered: Arc<Rendered>,
    _held: Held,
}

impl Reader {
    /// The newest revision of a release, where it is neither deployed nor meant to be what runs no more.
    ///
    /// # Errors
    /// When there is one that can't be read.
    pub async fn attempted(
        &self,
        records: &Records,
        namespace: &str,
        release: &str,
        deployed: &Rendered,
    ) -> Result<Option<Attempted>, Gap> {
        for storage in STORAGES {
            let newest = self
                .newest_revision(storage.kind(), namespace, release)
                .await;
            // Whoever can't list them is told so with what runs.
            let Ok(Some(revision)) = newest else {
                continue;
            };
            let name = record_name(release, revision);
            let gap = |error: RecordError| Gap::new(format!("record {name}"), error.to_string());
            let reference = ObjectRef::new(storage.kind(), namespace, &name);
            let record = self.get(&reference).await;
            let Some(record) = record.map_err(|error| gap(error.into()))? else {
                continue;
            };
            let status = Status::of(record.label("status").unwrap_or_default());
            if status != Status::Failed && !status.is_pending() {
                return Ok(None);
            }
            let decoding = records.running(&record, storage, &self.guarded);
            let decoded = self.decoding(decoding).await;
            let (rendered, held) = decoded.map_err(gap)?;
            let before = self
                .find_running(storage, namespace, release, revision)
                .await;
            let before = before.map_err(|error| gap(error.into()))?;
            let is_first = before.is_none_or(|it| it.label("status") != Some("deployed"));
            let live = self.arrived(namespace, release, &rendered, deployed).await;
            let charts = [&*rendered, deployed].map(|it| it.camunda_version.clone());
            return Ok(Some(Attempted {
                attempt: Attempt {
                    revision,
                    status,
                    charts,
                    is_first,
                    live,
                },
                rendered,
                _held: held,
            }));
        }
        Ok(None)
    }

    /// The workloads that are as the one manifest has them, and as the other has.
    async fn arrived(
        &self,
        namespace: &str,
        release: &str,
        new: &Rendered,
        old: &Rendered,
    ) -> [Vec<ObjectRef>; 2] {
        let change = Change::between(Operation::Upgrade, release, namespace, new, Some(old));
        let workloads = || {
            let kinds = [Kind::StatefulSet, Kind::Deployment];
            let objects = change.objects.iter();
            objects.filter(move |it| it.camunda && kinds.contains(&it.object.kind))
        };
        let mut facts = Facts::default();
        let wanted = workloads().map(|it| Wanted::One(it.object.clone()));
        self.read_all(&mut facts, wanted).await;
        let mut arrived = [Vec::new(), Vec::new()];
        for workload in workloads() {
            let Some(live) = facts.get(&workload.object) else {
                continue;
            };
            let is = |side| workload.on(side).is_some_and(|side| looks_like(live, side));
            match (is(Side::Planned), is(Side::Running)) {
                (true, false) => arrived[0].push(workload.object.clone()),
                (false, true) => arrived[1].push(workload.object.clone()),
                _ => {}
            }
        }
        arrived
    }
}

/// Whether a live workload is of a manifest, as far as its images and the chart that its label names tell.
fn looks_like(live: &Object, rendered: &Object) -> bool {
    let images = |workload: &Object| -> Vec<String> {
        let images = workload.containers();
        let images = images.filter_map(|it| Some(it.get("image")?.as_str()?.to_owned()));
        images.collect()
    };
    let chart = |workload: &Object| workload.label("helm.sh/chart").map(str::to_owned);
    images(live) == images(rendered) && chart(live) == chart(rendered)
}
