//! Data that would have no pod: a StatefulSet is to run fewer than there are volumes with data.

use crate::{
    change::{Change, Facts, Gate, ObjectChange, Operation, after_spec},
    kubernetes::{Kind, Object},
};

use super::{Mounts, holds_data, left_on_purpose, predecessor, replicas, waits_for};

/// The pods' data that a StatefulSet with fewer pods would leave behind.
#[derive(Clone, Debug)]
pub struct Reduced<'a> {
    /// The number of pods with data.
    pub before: u64,
    /// The planned number of pods.
    pub planned: u64,
    /// The data of the pods that go.
    pub left: Vec<Left<'a>>,
    /// The StatefulSet whose pods have the data now, if it is live.
    pub live: Option<&'a Object>,
}

/// The data of one pod.
#[derive(Clone, Debug)]
pub struct Left<'a> {
    /// The pod's ordinal.
    pub ordinal: u64,
    /// The kind of the object that holds the data: a claim, or a volume that waits for one.
    pub kind: Kind,
    /// The claim or the volume.
    pub object: &'a Object,
}

/// Finds the data that a change would leave without a pod, in the StatefulSet itself or in its successor.
///
/// `None` if no pod is planned: that is maintenance. If a StatefulSet runs, the leftovers of an earlier reduction do not
/// count; if none runs, only the claims tell how many pods there were.
pub fn reduced<'a>(
    change: &Change,
    facts: &'a Facts,
    set: &ObjectChange,
    more: &[Mounts],
) -> Option<Reduced<'a>> {
    let target = set.planned.as_deref()?;
    let live = facts.get(&set.object);
    let planned = match live {
        Some(live) => replicas(&after_spec(set, change.gate, live, &["replicas"])?),
        None => replicas(target),
    };
    if planned == 0 {
        return None;
    }
    let old = predecessor(change, set).filter(|old| old.object != set.object);
    let old_live = old.and_then(|old| facts.get(&old.object));
    let running = old.and_then(|old| old.running.as_deref());
    let before = [live, set.running.as_deref(), old_live, running];
    let mut mounts: Vec<_> = before.into_iter().flatten().map(Mounts::of).collect();
    mounts.extend_from_slice(more);
    let mut all = held(change, facts, set, &Mounts::of(target), &mounts);
    all.retain(|left| !never_ran(change, facts, set, left.ordinal));
    all.sort_by_key(|left| left.ordinal);
    let holding = all.last()?.ordinal + 1;
    let ran = match running {
        Some(running) => Some(replicas(running).max(old_live.map_or(0, replicas))),
        None => live.or(set.running.as_deref()).map(replicas),
    };
    let before = ran.filter(|ran| *ran > 0).unwrap_or(holding).min(holding);
    all.retain(|left| (planned..before).contains(&left.ordinal));
    (!all.is_empty()).then_some(Reduced {
        before,
        planned,
        left: all,
        live: old_live.or(live),
    })
}

/// All that holds data of a StatefulSet's pods and that nobody has given up.
fn held<'a>(
    change: &Change,
    facts: &'a Facts,
    set: &ObjectChange,
    new: &Mounts,
    mounts: &[Mounts],
) -> Vec<Left<'a>> {
    let namespace = &set.object.namespace;
    let ordinal = |claim: &Object| {
        let mut all = std::iter::once(new).chain(mounts);
        all.find_map(|mounts| Some(mounts.parse(claim.name())?.1))
    };
    let claims: Vec<_> = facts
        .claims(namespace)
        .filter_map(|claim| Some((claim, ordinal(claim)?)))
        .collect();
    // A single object that is created says nothing of the one before it: what that one has left behind, nobody knows.
    let is_alone = change.gate == Gate::Object && change.operation == Operation::Create;
    let bound = claims
        .iter()
        .filter(|(claim, _)| !is_alone && holds_data(claim) && !left_on_purpose(claim));
    let mut all: Vec<_> = bound
        .map(|(claim, ordinal)| Left {
            ordinal: *ordinal,
            kind: Kind::PersistentVolumeClaim,
            object: claim,
        })
        .collect();
    for volume in facts.of_kind(Kind::PersistentVolume) {
        let Some(claim) = waits_for(facts, namespace, volume) else {
            continue;
        };
        let Some((_, ordinal)) = new.parse(claim) else {
            continue;
        };
        // The claim that the volume was taken from says of whom the data is.
        let lost = |claim: &&Object| claim.str("/spec/volumeName") == Some(volume.name());
        let from = claims.iter().map(|(claim, _)| *claim).find(lost);
        if left_on_purpose(volume) || from.is_some_and(left_on_purpose) {
            continue;
        }
        all.push(Left {
            ordinal,
            kind: from.map_or(Kind::PersistentVolume, |_| Kind::PersistentVolumeClaim),
            object: from.unwrap_or(volume),
        });
    }
    all
}

/// A pod of a failed upgrade that never started has written nothing, and keeps nobody from going back.
fn never_ran(change: &Change, facts: &Facts, set: &ObjectChange, ordinal: u64) -> bool {
    let pod = format!("{}-{ordinal}", set.object.name);
    change.operation == Operation::Rollback
        && facts
            .named(Kind::Pod, &set.object.namespace, &pod)
            .is_some_and(|pod| pod.str("/status/phase") == Some("Pending"))
}

/// Whether a rollback would remove pods, so that their data must be checked.
pub fn goes_back_to_fewer(change: &Change, facts: &Facts) -> bool {
    change.operation == Operation::Rollback
        && change.of_kind(Kind::StatefulSet).any(|set| {
            let fewer = |live: &Object| {
                let planned = set.planned.as_deref();
                planned.is_some_and(|planned| replicas(planned) < replicas(live))
            };
            set.camunda && facts.get(&set.object).is_some_and(fewer)
        })
}

/// Whether claims of a replaced StatefulSet are gone: somebody may have handed their volumes over and deleted the claims, and
/// then only the volumes tell.
pub fn are_volumes_unknown(change: &Change, facts: &Facts) -> bool {
    let gone = |set: &ObjectChange| {
        let (Some(planned), Some(old)) = (set.planned.as_deref(), predecessor(change, set)) else {
            return false;
        };
        let Some(running) = old.running.as_deref().filter(|_| old.object != set.object) else {
            return false;
        };
        let (old, new) = (Mounts::of(running), Mounts::of(planned));
        let Some((from, to)) = old.templates.first().zip(new.templates.first()) else {
            return false;
        };
        let is_there = |claim: &str| {
            let namespace = &set.object.namespace;
            let claim = facts.named(Kind::PersistentVolumeClaim, namespace, claim);
            claim.is_some()
        };
        // The highest one is enough: claims are tidied up together.
        let highest = old.replicas.saturating_sub(1);
        new.replicas < old.replicas
            && !is_there(&old.claim(from, highest))
            && !is_there(&new.claim(to, highest))
    };
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda)
        .any(gone)
}
