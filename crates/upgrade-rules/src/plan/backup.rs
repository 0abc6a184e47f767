//! Backups before a change of line: only they lead back.

mod databases;
mod procedure;

use serde_json::Value;

use super::{Step, hop::HopInput};
use crate::{
    camunda::{BackupFact, Component, image_name},
    change::{Change, ObjectChange},
    finding::{Command, Moment},
    kubernetes::{Kind, Mounts, Object},
};

/// The steps that back up everything with data.
pub(super) fn steps(making: &HopInput<'_>) -> Vec<Step> {
    if making.change().lines_crossed().is_none() {
        return Vec::new();
    }
    let mut steps: Vec<_> = cluster(making).into_iter().collect();
    steps.extend(databases::steps(making));
    steps
}

/// Returns what to know of a release that can't be backed up as it is.
pub(super) fn lacking(making: &HopInput<'_>) -> Option<String> {
    making.change().lines_crossed()?;
    let fact = fact(making)?;
    let brokers = running(making.change(), Component::Zeebe).next()?;
    has_no_store(making.change(), brokers, fact).then(|| {
        format!(
            "The brokers have no store for backups ({} is not set), so Camunda can't be backed up while it runs: set one up and let the brokers restart before the upgrade, by {}",
            fact.store, fact.guide
        )
    })
}

/// Returns the command that plans the restore of the backup that is made before the hop.
pub(super) fn restore(making: &HopInput<'_>) -> Option<Command> {
    let is_made = lacking(making).is_none() && fact(making)?.restoring.is_some();
    running(making.change(), Component::Zeebe).next()?;
    running(making.change(), Component::Elasticsearch).find_map(node)?;
    is_made.then(|| Command::Shell(procedure::restore(making)))
}

fn fact<'a>(making: &'a HopInput<'_>) -> Option<&'a BackupFact> {
    making.standing.chart.line?.backup.as_ref()
}

/// Whether the brokers have nowhere to put a backup, as far as what is read tells.
pub(super) fn has_no_store(change: &Change, brokers: &ObjectChange, fact: &BackupFact) -> bool {
    let Some(set) = brokers.running.as_deref() else {
        return false;
    };
    if set.env(&fact.store).is_some() {
        return false;
    }
    let maps = || {
        let maps = change.of_kind(Kind::ConfigMap);
        maps.filter(|map| map.camunda)
            .filter_map(|map| map.running.as_deref())
    };
    let data = |map: &Object| map.at("/data").and_then(Value::as_object).cloned();
    let sources = set
        .containers()
        .filter_map(|it| it.get("envFrom")?.as_array());
    for source in sources.flatten() {
        let name = source.pointer("/configMapRef/name").and_then(Value::as_str);
        match maps().find(|map| Some(map.name()) == name).and_then(data) {
            Some(data) if !data.contains_key(&fact.store) => {}
            // It names one, or what is not read may.
            _ => return false,
        }
    }
    // A file of configuration may name one, too.
    let mut maps = maps().filter_map(data);
    !maps.any(|data| data.values().filter_map(Value::as_str).any(names_a_store))
}

/// Whether a file of configuration has a section for backups.
fn names_a_store(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| line.starts_with("backup:") || line.contains(".backup."))
}

/// Zeebe's and Elasticsearch's data make sense only together.
fn cluster(making: &HopInput<'_>) -> Option<Step> {
    running(making.change(), Component::Zeebe).next()?;
    let title = "Back up Zeebe, and the indices of Camunda's applications with it";
    let ask = |what: String| Step::new(Moment::BackUp, title, [Command::Manual(what)]);
    let Some(fact) = fact(making) else {
        return Some(ask("Camunda documents no backup of all of this version while it runs. Stop its workloads, and have your storage make snapshots of their volumes and of Elasticsearch's.".to_owned()));
    };
    if let Some(lacking) = lacking(making) {
        return Some(ask(format!("{lacking}.")));
    }
    let Some(node) = running(making.change(), Component::Elasticsearch).find_map(node) else {
        return Some(ask(format!(
            "Back them up, the store outside of the release too, by {}.",
            fact.guide
        )));
    };
    let command = procedure::command(making, fact, &node);
    let step = Step::new(Moment::BackUp, title, [Command::Shell(command)]);
    Some(step.because(vec![
        "It asks the applications through the API server, which takes the right to use services/proxy.".to_owned(),
        "SNAPSHOT_REPOSITORY is the repository for snapshots that Elasticsearch and the applications have.".to_owned(),
        format!("Camunda's guide: {}", fact.guide),
    ]))
}

/// A node of Elasticsearch: its namespace, pod and container.
pub(super) struct Node {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
}

pub(super) fn node(set: &ObjectChange) -> Option<Node> {
    let running = set.running.as_deref()?;
    let mut containers = running.containers();
    let container = containers.find(|container| {
        let image = container.get("image").and_then(Value::as_str);
        image.is_some_and(|image| image_name(image) == "elasticsearch")
    })?;
    Some(Node {
        namespace: set.object.namespace.clone(),
        pod: format!("{}-0", Mounts::of(running).statefulset),
        container: container.get("name")?.as_str()?.to_owned(),
    })
}

pub(super) fn running(
    change: &Change,
    component: Component,
) -> impl Iterator<Item = &ObjectChange> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(move |set| set.camunda && set.component == component && set.running.is_some())
}

/// The running workload whose name ends so.
pub(super) fn workload<'a>(change: &'a Change, end: &str) -> Option<&'a Object> {
    let mut workloads = change.objects.iter().filter(|object| {
        let kinds = [Kind::StatefulSet, Kind::Deployment];
        object.camunda && kinds.contains(&object.object.kind) && object.object.name.ends_with(end)
    });
    workloads.find_map(|object| object.running.as_deref())
}
