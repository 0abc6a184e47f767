//! Helm's last attempt at a release, if it did not become the deployed revision.

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
    /// The facts about it.
    pub attempt: Attempt,
    /// Its rendered objects.
    pub rendered: Arc<Rendered>,
    _held: Held,
}

impl Reader {
    /// Returns the newest revision of a release if it failed or is pending.
    ///
    /// # Errors
    /// When it exists and can't be read.
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
            // That the records can't be listed is reported with the running release.
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

    /// Returns the live workloads that look as the new manifest has them, and those that look as the old one has
    /// them.
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

/// Whether a live workload matches a rendered one in its images and its chart label.
fn looks_like(live: &Object, rendered: &Object) -> bool {
    let images = |workload: &Object| -> Vec<String> {
        let images = workload.containers();
        let images = images.filter_map(|it| Some(it.get("image")?.as_str()?.to_owned()));
        images.collect()
    };
    let chart = |workload: &Object| workload.label("helm.sh/chart").map(str::to_owned);
    images(live) == images(rendered) && chart(live) == chart(rendered)
}
