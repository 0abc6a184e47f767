//! Until an upgrade is through, and what it leaves behind.

use super::{Step, hop::HopInput};
use crate::{
    change::{Change, ObjectChange, Side},
    finding::{Command, Kubectl, Moment, Objects},
    knowledge::migration,
    kubernetes::{Kind, workload::is_stopped},
    rules::orphaned,
};

/// Pods of new StatefulSets may migrate data for long.
pub(super) const TIMEOUT: &str = "60m";

/// Waits for everything that runs, then for the Jobs, and takes away what has lost its volume.
pub(super) fn steps(making: &HopInput<'_>) -> Vec<Step> {
    let change = making.change();
    let planned = |kind| {
        let objects = change.of_kind(kind).filter(|object| object.camunda);
        objects.filter(|object| object.planned.is_some())
    };
    let mut steps = vec![ready(change)];
    let jobs: Vec<_> = planned(Kind::Job)
        .filter(|job| migration::of(job, Side::Planned).is_some())
        .map(|job| migration::wait(&job.object))
        .collect();
    if !jobs.is_empty() {
        steps.push(Step::new(
            Moment::Verify,
            "Wait until the migrations are complete",
            jobs,
        ));
    }
    steps.extend(lost(making));
    steps.extend(once(making));
    steps
}

/// Waits for everything that runs.
pub(super) fn ready(change: &Change) -> Step {
    let rollout = |object: &ObjectChange| Kubectl::await_rollout(&object.object, TIMEOUT);
    let runs =
        |object: &&ObjectChange| object.camunda && !object.on(Side::Planned).is_none_or(is_stopped);
    let workloads = [Kind::StatefulSet, Kind::Deployment]
        .into_iter()
        .flat_map(|kind| change.of_kind(kind));
    Step::new(
        Moment::Verify,
        "Wait until everything is ready",
        workloads.filter(runs).map(rollout),
    )
}

/// Migrations are switched off again: the next upgrade of the line would stumble over their Jobs.
fn once(making: &HopInput<'_>) -> Option<Step> {
    let jobs = making.change().of_kind(Kind::Job);
    let mut new = jobs.filter(|job| job.planned.is_some() && job.running.is_none());
    new.find(|job| migration::of(job, Side::Planned).is_some())?;
    let files = making.new_files.iter().map(|file| file.name.as_str());
    let files: Vec<_> = files.collect();
    let ask = format!(
        "Take orchestration.migration out of {}: the migrations are not to run again, and a patch of the same chart would be refused for their Jobs.",
        match files.is_empty() {
            true => "your values".to_owned(),
            false => files.join(" and "),
        }
    );
    let title = "Switch the migrations off for the next upgrade";
    Some(Step::new(Moment::After, title, [Command::Ask(ask)]))
}

/// Claims whose volumes were handed over.
fn lost(making: &HopInput<'_>) -> Option<Step> {
    let found = orphaned(making.change(), making.prepared);
    let found = found.iter().find(|found| !found.orphans.is_empty())?;
    let namespace = &found.new.object.namespace;
    let mut commands: Vec<_> = found
        .orphans
        .iter()
        .map(|orphan| {
            let name = format!("pvc/{}", orphan.claim.name());
            let phase = "--for=jsonpath={.status.phase}=Lost";
            let words = ["wait", phase, &name, "--timeout=2m"];
            Kubectl::new(namespace, words)
        })
        .collect();
    let names = found.orphans.iter().map(|orphan| orphan.claim.name());
    let claims = Objects::new(Kind::PersistentVolumeClaim, namespace, names);
    commands.push(claims.delete());
    let title = "Delete the old claims, which have lost their volumes to the new ones";
    Some(Step::new(Moment::After, title, commands))
}
