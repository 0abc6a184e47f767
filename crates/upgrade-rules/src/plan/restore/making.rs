//! What a restore is made of: the release as it runs and as it was with the chart of the backup.

use serde_json::Value;

use super::Earlier;
use crate::{
    camunda::{BackupFact, Component, RestoreFact, image_name},
    change::{Change, ObjectChange, Operation},
    forecast::InstalledRelease,
    kubernetes::{Kind, Mounts, Object},
    plan::{
        backup::{self, Node},
        error::RestoreError,
    },
};

/// A restore in the making.
pub(super) struct Making<'a> {
    /// The release as it runs.
    pub(super) standing: &'a InstalledRelease,
    /// The revision to go back to, unless its chart runs.
    pub(super) earlier: Option<&'a Earlier>,
    /// The release with the chart of the backup.
    pub(super) target: &'a InstalledRelease,
    /// The target compared with itself: its workloads.
    pub(super) change: Change,
    /// The backup's number.
    pub(super) id: u64,
    pub(super) fact: &'static BackupFact,
    pub(super) restoring: &'static RestoreFact,
    /// The brokers of the target.
    pub(super) brokers: Brokers,
    /// A node of the target's own Elasticsearch, where it has one.
    pub(super) node: Option<Node>,
    /// The same of what runs.
    pub(super) present: Option<Node>,
}

/// The StatefulSet of the brokers.
pub(super) struct Brokers {
    pub(super) mounts: Mounts,
    /// The container of Zeebe.
    pub(super) container: String,
}

impl Brokers {
    /// The names of their pods.
    pub(super) fn pods(&self) -> Vec<String> {
        let name = &self.mounts.statefulset;
        let ordinals = 0..self.mounts.replicas;
        ordinals.map(|it| format!("{name}-{it}")).collect()
    }
}

impl<'a> Making<'a> {
    pub(super) fn of(
        standing: &'a InstalledRelease,
        earlier: Option<&'a Earlier>,
        id: u64,
    ) -> Result<Self, RestoreError> {
        let target = earlier.map_or(standing, |earlier| &earlier.standing);
        let chart = || target.chart.version.clone();
        let line = target.chart.line;
        let line = line.ok_or_else(|| RestoreError::UnknownLine(chart()))?;
        let fact = line.backup.as_ref();
        let documented = fact.and_then(|fact| Some((fact, fact.restoring.as_ref()?)));
        let (fact, restoring) =
            documented.ok_or_else(|| RestoreError::Undocumented(line.application.clone()))?;
        if let Some(guide) = &restoring.rdbms
            && on_database(target)
        {
            return Err(RestoreError::Database(guide.clone()));
        }
        let change = itself(target);
        let set = backup::running(&change, Component::Zeebe).next();
        let set = set.ok_or_else(|| RestoreError::NoBrokers(chart()))?;
        if backup::has_no_store(&change, set, fact) {
            return Err(RestoreError::NoStore {
                chart: chart(),
                variable: fact.store.clone(),
            });
        }
        let brokers = set.running.as_deref().and_then(brokers);
        let brokers = brokers.ok_or_else(|| RestoreError::NoBrokers(chart()))?;
        let node =
            |change| backup::running(change, Component::Elasticsearch).find_map(backup::node);
        Ok(Self {
            standing,
            earlier,
            target,
            id,
            fact,
            restoring,
            brokers,
            node: node(&change),
            present: node(&itself(standing)),
            change,
        })
    }

    /// Whether the release's own Elasticsearch is to start empty, as the guides have it: so no older program meets what a newer one
    /// has written, and all index templates are those of the chart of the backup.
    pub(super) fn replaces_store(&self) -> bool {
        let is_there = self.node.is_some() && self.present.is_some();
        self.earlier.is_some() && is_there
    }

    /// The StatefulSets of what runs, of one component.
    pub(super) fn running(&self, component: Component) -> impl Iterator<Item = &Object> {
        let objects = self.standing.rendered.objects.iter();
        let sets = objects.filter(move |it| {
            it.camunda && it.reference.kind == Kind::StatefulSet && it.component == component
        });
        sets.map(|it| it.object.as_ref())
    }

    /// The same of the target.
    pub(super) fn planned(&self, component: Component) -> Option<&Object> {
        let mut sets = backup::running(&self.change, component);
        sets.find_map(|set: &ObjectChange| set.planned.as_deref())
    }
}

/// A release compared with itself.
fn itself(release: &InstalledRelease) -> Change {
    let same = &release.rendered;
    let (name, namespace) = (&release.release, &release.namespace);
    Change::between(Operation::Upgrade, name, namespace, same, Some(same))
}

fn brokers(set: &Object) -> Option<Brokers> {
    let is_zeebe = |container: &&Value| {
        let image = container.get("image").and_then(Value::as_str);
        image.is_some_and(|it| ["zeebe", "camunda"].contains(&image_name(it)))
    };
    let container = set.containers().find(is_zeebe);
    let container = container.or_else(|| set.containers().next())?;
    let mounts = Mounts::of(set);
    Some(Brokers {
        mounts,
        container: container.get("name")?.as_str()?.to_owned(),
    })
}

/// Whether the Orchestration Cluster keeps its data in a relational database.
fn on_database(target: &InstalledRelease) -> bool {
    const STORAGE: &str = "orchestration.data.secondaryStorage";
    let values = &target.rendered.values;
    let kind = values.text(&format!("{STORAGE}.type"));
    kind.is_some_and(|kind| kind == "rdbms")
        || values.get(&format!("{STORAGE}.rdbms.url")).is_some()
}
