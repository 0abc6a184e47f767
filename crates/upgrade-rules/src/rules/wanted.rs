//! The live objects of a release that the rules need; these are the only ones to read.
//!
//! Every rule gets the live twins of the change's objects and the claims beside its StatefulSets. A row of the table declares
//! what else its rule needs: first objects known from the change alone, then those that the first ones refer to.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    camunda::is_elastics,
    change::{Change, Facts, ObjectChange, Wanted},
    knowledge::{
        claims,
        configuration::config_maps,
        credentials::{
            env_source::Source,
            password_roles::moved,
            readers::{SecretRef, secret_refs},
        },
    },
    kubernetes::{Kind, Mounts, Object, ObjectRef},
};

/// A function from a change to the objects that a rule needs; without facts, nothing was read yet.
pub(super) type Needs = fn(&Change, Option<&Facts>) -> Vec<Wanted>;

/// The live twins of the objects that rules compare, and the claims beside the StatefulSets.
pub(super) fn twins(change: &Change) -> impl Iterator<Item = Wanted> {
    let compared = change.objects.iter().filter(|object| {
        let own = object.object.kind != Kind::Secret || object.camunda;
        object.object.kind != Kind::ConfigMap && own
    });
    let claims = namespaces(change).map(|it| Wanted::All(Kind::PersistentVolumeClaim, it));
    let twins = compared.map(|object| Wanted::One(object.object.clone()));
    twins.chain(claims)
}

/// The namespaces of Camunda's StatefulSets.
fn namespaces(change: &Change) -> impl Iterator<Item = String> {
    let sets = change.of_kind(Kind::StatefulSet).filter(|set| set.camunda);
    sets.map(|set| set.object.namespace.clone())
}

/// Returns the Secrets that workloads read before and after, if these differ or Secrets are removed, and those that live
/// workloads read although no manifest says so. A value that is read as before can only change or go with its Secret.
pub(super) fn secrets(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let removes = change.of_kind(Kind::Secret).any(|secret| secret.removed());
    let workloads = change.objects.iter().filter(|object| object.camunda);
    let mut read = Vec::new();
    for object in workloads {
        if let Some(facts) = facts {
            let live = facts.get(&object.object);
            if let Some(live) = live.filter(|_| object.planned.is_some()) {
                let running = refs(object.running.as_ref());
                let drifted = secret_refs(live).into_iter();
                read.extend(named(object, drifted.filter(|it| !running.contains(it))));
            }
            continue;
        }
        if !removes && object.is_as_before() {
            continue;
        }
        let running = refs(object.running.as_ref());
        let planned = refs(object.planned.as_ref());
        let moved = running != planned;
        if moved || removes {
            read.extend(named(object, planned));
        }
        if moved {
            read.extend(named(object, running));
        }
    }
    read
}

fn refs(workload: Option<&Arc<Object>>) -> BTreeSet<SecretRef> {
    workload
        .map(|workload| secret_refs(workload))
        .unwrap_or_default()
}

fn named(
    object: &ObjectChange,
    refs: impl IntoIterator<Item = SecretRef>,
) -> impl Iterator<Item = Wanted> {
    let secret =
        |read: SecretRef| ObjectRef::new(Kind::Secret, &object.object.namespace, &read.secret);
    refs.into_iter().map(secret).map(Wanted::One)
}

/// What may read the Secrets that workloads are to read from now on, whoever it is of: a value of theirs is not to be overwritten.
pub(super) fn readers(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let Some(facts) = facts else {
        return Vec::new();
    };
    let mut namespaces = BTreeSet::new();
    for moved in moved(change, facts) {
        let Source::Key { secret, .. } = &moved.new.source else {
            continue;
        };
        let namespace = &moved.workload.namespace;
        if facts.named(Kind::Secret, namespace, secret).is_some() {
            namespaces.insert(namespace);
        }
    }
    let all = namespaces.into_iter().flat_map(|namespace| {
        [Kind::StatefulSet, Kind::Deployment].map(|kind| Wanted::All(kind, namespace.clone()))
    });
    all.collect()
}

/// The ConfigMaps that configure a changed application and that the release does not bring along.
pub(super) fn configuration(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let changed = change
        .objects
        .iter()
        .filter(|object| facts.is_none() && object.camunda && !object.is_as_before());
    changed
        .flat_map(|object| {
            let sides = object.running.iter().chain(&object.planned);
            let names = sides.flat_map(|workload| config_maps(workload));
            names.map(|name| ObjectRef::new(Kind::ConfigMap, &object.object.namespace, &name))
        })
        .filter(|reference| change.find(reference).is_none())
        .map(Wanted::One)
        .collect()
}

/// The volumes and classes of the claims that a change stops mounting, and the drivers of the classes: only they can clone.
pub(super) fn replaced_claims(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let Some(facts) = facts else {
        return Vec::new();
    };
    let replaced = mounts(change, |set| {
        let running = Mounts::of(set.running.as_deref()?);
        let planned = set.planned.as_deref().map(Mounts::of);
        let other = planned.is_none_or(|planned| planned.templates != running.templates);
        other.then_some(running)
    });
    let mounted: Vec<_> = change
        .of_kind(Kind::StatefulSet)
        .filter_map(|set| set.planned.as_deref().map(Mounts::of))
        .collect();
    let goes = |claim: &Object| is_among(&replaced, claim) || is_elastics(claim, &change.release);
    // What has lost its volume to another claim may go only where that one is mounted.
    let lost = |claim: &Object| claim.str("/status/phase") == Some("Lost");
    let mut wanted = volumes(facts, |claim| goes(claim) || lost(claim));
    // A clone that waits is told by its own class.
    wanted.extend(classes(facts, |claim| {
        goes(claim) || is_among(&mounted, claim)
    }));
    let classes = facts.of_kind(Kind::StorageClass);
    let drivers = classes.filter_map(|class| class.str("/provisioner"));
    wanted.extend(drivers.map(|driver| Wanted::One(ObjectRef::new(Kind::CsiDriver, "", driver))));
    wanted
}

/// The StatefulSets beside the claims that elastic's chart has left behind: one of them may mount them.
pub(super) fn left_over_claims(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let Some(facts) = facts else {
        return Vec::new();
    };
    let is_left = |namespace: &String| {
        let mut claims = facts.claims(namespace);
        claims.any(|claim| is_elastics(claim, &change.release))
    };
    let namespaces = namespaces(change).filter(is_left);
    namespaces
        .map(|it| Wanted::All(Kind::StatefulSet, it))
        .collect()
}

/// Returns the mounts of the StatefulSets of Camunda's that `of` selects.
pub(super) fn mounts<'a>(
    change: &'a Change,
    of: impl Fn(&'a ObjectChange) -> Option<Mounts>,
) -> Vec<Mounts> {
    let sets = change.of_kind(Kind::StatefulSet).filter(|set| set.camunda);
    sets.filter_map(of).collect()
}

/// Whether one of the StatefulSets mounts a claim.
pub(super) fn is_among(mounts: &[Mounts], claim: &Object) -> bool {
    let mut mounts = mounts.iter();
    mounts.any(|mounts| mounts.parse(claim.name()).is_some())
}

/// The volumes of claims.
pub(super) fn volumes(facts: &Facts, of: impl Fn(&Object) -> bool) -> Vec<Wanted> {
    let claims = facts.of_kind(Kind::PersistentVolumeClaim);
    let claims = claims.filter(|claim| of(claim));
    claims
        .filter_map(claims::named_volume)
        .map(Wanted::One)
        .collect()
}

/// The classes of claims.
pub(super) fn classes(facts: &Facts, of: impl Fn(&Object) -> bool) -> Vec<Wanted> {
    let claims = facts.of_kind(Kind::PersistentVolumeClaim);
    let claims = claims.filter(|claim| of(claim));
    claims
        .filter_map(claims::named_class)
        .map(Wanted::One)
        .collect()
}
