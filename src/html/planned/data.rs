//! Where the data is at each upgrade of a plan: the plan's own steps are done, and each upgrade leaves what the next one finds.

use std::sync::Arc;

use crate::{
    change::{ChartVersion, Facts},
    finding::{Command, Moment},
    forecast::{InstalledRelease, settle},
    kubernetes::{Kind, Object, ObjectRef, json},
    plan::{Hop, Plan},
    proof,
    storage::{Fate, Storage},
};

/// Returns where the data is at each upgrade of a plan; fewer where the way can't be followed.
pub fn data(plan: &Plan, standing: &InstalledRelease, facts: &Facts) -> Vec<Storage> {
    let mut standing = standing.clone();
    let mut facts = facts.clone();
    let mut all = Vec::new();
    for hop in &plan.hops {
        let chart = ChartVersion::new(&hop.to);
        let Some(converted) = standing.converted(&chart, &facts) else {
            break;
        };
        let mut prepared = converted.prepared(&facts);
        let forecast = converted.forecast;
        let typed = proof::typed(&forecast.change, &prepared, commands(hop));
        let storage = Storage::prepared(&forecast.change, &facts, &typed);
        settle(&mut prepared, &forecast);
        keep_policies(&mut prepared, &typed);
        leave(&mut prepared, &storage);
        facts = prepared;
        standing.chart = chart;
        standing.rendered = forecast.planned;
        all.push(storage);
    }
    all
}

/// The commands that a hop runs before its upgrade.
fn commands(hop: &Hop) -> impl Iterator<Item = &Command> {
    let steps = hop.steps.iter();
    let before = steps.filter(|step| step.moment < Moment::With);
    before.flat_map(|step| &step.commands)
}

/// Has volumes go on with the policy that the commands gave them.
fn keep_policies(facts: &mut Facts, typed: &Facts) {
    for volume in typed.of_kind(Kind::PersistentVolume) {
        let reference = ObjectRef::new(Kind::PersistentVolume, "", volume.name());
        let policy = volume.str("/spec/persistentVolumeReclaimPolicy");
        if let (Some(policy), Some(known)) = (policy, facts.get(&reference)) {
            let mut kept = known.0.clone();
            json::set(&mut kept, ["spec", "persistentVolumeReclaimPolicy"], policy);
            facts.insert(Kind::PersistentVolume, Arc::new(Object(kept)));
        }
    }
}

/// Has the claims there that the upgrade makes, and not those that it deletes.
fn leave(facts: &mut Facts, storage: &Storage) {
    for store in &storage.stores {
        let namespace = &store.namespace;
        if let (Some(before), Fate::ClaimDeleted) = (&store.before, store.fate) {
            facts.remove(&ObjectRef::new(
                Kind::PersistentVolumeClaim,
                namespace,
                &before.claim,
            ));
        }
        let Some(after) = store.after.as_ref().filter(|way| way.phase.is_none()) else {
            continue;
        };
        let volume = store.volume.as_ref().map(|volume| &volume.name);
        let claim = serde_json::json!({
            "metadata": {"name": after.claim, "namespace": namespace},
            "spec": {"volumeName": volume},
            "status": {"phase": "Bound"},
        });
        facts.insert(Kind::PersistentVolumeClaim, Arc::new(Object(claim)));
    }
}
