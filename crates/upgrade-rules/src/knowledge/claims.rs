//! The claims that a StatefulSet mounts, and those that a change would leave behind.

mod reduced;

pub use self::reduced::{Left, Reduced, are_volumes_unknown, goes_back_to_fewer, reduced};

use serde_json::{Value, json};

use crate::{
    annotations::{ALLOW_DELETION, ALLOW_ORPHAN},
    change::{Change, Facts, ObjectChange},
    kubernetes::{Kind, Mounts, Object, ObjectRef, ordinal, replicas},
};

impl Mounts {
    /// Its claims in a namespace that hold data.
    pub fn holding<'a>(
        &self,
        facts: &'a Facts,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Object> {
        facts
            .claims(namespace)
            .filter(|claim| holds_data(claim) && self.parse(claim.name()).is_some())
    }
}

/// A claim with data that nothing would mount any more.
#[derive(Clone, Debug)]
pub struct Orphan<'a> {
    /// The claim.
    pub claim: &'a Object,
    /// Its volume.
    pub volume: Option<&'a Object>,
    /// The claim that would be mounted in its place.
    pub successor: Option<String>,
}

/// The StatefulSet of the new manifest that takes the place of one that the change removes.
pub fn successor<'a>(change: &'a Change, removed: &ObjectChange) -> Option<&'a ObjectChange> {
    let candidates = || {
        change.of_kind(Kind::StatefulSet).filter(|other| {
            other.component == removed.component
                && other.camunda == removed.camunda
                && other.running.is_none()
                && other.planned.is_some()
        })
    };
    // Bitnami's Elasticsearch has several StatefulSets; elastic's one was master and data in one.
    candidates()
        .find(|other| {
            let planned = other.planned.as_deref();
            planned.and_then(|planned| planned.label("app.kubernetes.io/component"))
                == Some("master")
        })
        .or_else(|| candidates().next())
}

/// Returns the running StatefulSet whose data a new one takes over: the same one, or the one that it replaces.
pub fn predecessor<'a>(change: &'a Change, set: &'a ObjectChange) -> Option<&'a ObjectChange> {
    if set.running.is_some() {
        return Some(set);
    }
    replaced(change, set)
}

/// Returns the StatefulSet that the change removes and whose place a new one takes.
pub(crate) fn replaced<'a>(change: &'a Change, set: &ObjectChange) -> Option<&'a ObjectChange> {
    let mut sets = change.of_kind(Kind::StatefulSet);
    // All of one component have the same successor.
    let removed = sets.find(|other| {
        other.removed() && other.component == set.component && other.camunda == set.camunda
    })?;
    (successor(change, removed)?.object == set.object).then_some(removed)
}

/// The claims of `old` that would be left behind, where `new` mounts in its place (or nothing does).
pub fn orphans<'a>(
    facts: &'a Facts,
    namespace: &str,
    old: &Mounts,
    new: Option<&Mounts>,
) -> Vec<Orphan<'a>> {
    let used = old.replicas.max(live_replicas(facts, namespace, old));
    facts
        .claims(namespace)
        .filter_map(|claim| {
            let (template, ordinal) = old.parse(claim.name())?;
            let successor = new.and_then(|new| {
                let template = old.becomes(template, new)?;
                Some(new.claim(template, ordinal))
            });
            (ordinal < used).then(|| orphan(facts, namespace, claim, successor))?
        })
        .collect()
}

/// The claims of `old` that somebody leaves behind on purpose, where `new` mounts in its place (or nothing does).
pub fn given_up<'a>(
    facts: &'a Facts,
    namespace: &str,
    old: &Mounts,
    new: Option<&Mounts>,
) -> Vec<&'a Object> {
    let is_mounted = |name: &str| {
        let mounted = new.and_then(|new| Some((new, new.parse(name)?)));
        mounted.is_some_and(|(new, (_, ordinal))| ordinal < new.replicas)
    };
    let claims = facts.claims(namespace);
    let given_up = claims.filter(|claim| holds_data(claim) && left_on_purpose(claim));
    let used = old.replicas.max(live_replicas(facts, namespace, old));
    let is_used = |name: &str| old.parse(name).is_some_and(|(_, ordinal)| ordinal < used);
    given_up
        .filter(|claim| is_used(claim.name()) && !is_mounted(claim.name()))
        .collect()
}

/// The claim as an orphan, unless it holds nothing, was given up on purpose, or its data is taken care of.
pub fn orphan<'a>(
    facts: &'a Facts,
    namespace: &str,
    claim: &'a Object,
    successor: Option<String>,
) -> Option<Orphan<'a>> {
    if !holds_data(claim) || left_on_purpose(claim) {
        return None;
    }
    let volume = facts.volume_of(claim);
    let kept = successor.as_deref().is_some_and(|name| {
        name == claim.name() || is_prepared(facts, namespace, claim, volume, name)
    });
    (!kept).then_some(Orphan {
        claim,
        volume,
        successor,
    })
}

fn live_replicas(facts: &Facts, namespace: &str, mounts: &Mounts) -> u64 {
    facts
        .named(Kind::StatefulSet, namespace, &mounts.statefulset)
        .map_or(0, replicas)
}

/// A claim that never was bound holds nothing; a `Lost` one has lost its volume already.
pub fn holds_data(claim: &Object) -> bool {
    claim.str("/status/phase") == Some("Bound")
}

/// Whether a volume outlives its claim; a volume made by hand without a policy does.
pub fn is_retained(volume: &Object) -> bool {
    volume
        .str("/spec/persistentVolumeReclaimPolicy")
        .is_none_or(|policy| policy == "Retain")
}

/// Whether an annotation allows leaving the claim's data behind.
pub fn left_on_purpose(claim: &Object) -> bool {
    allowed(claim, ALLOW_ORPHAN)
}

/// Whether an annotation allows deleting the object with its data.
pub fn deleted_on_purpose(object: &Object) -> bool {
    allowed(object, ALLOW_DELETION)
}

/// The uid keeps what was said of one object from counting for the next one of its name.
fn allowed(object: &Object, annotation: &str) -> bool {
    object.uid().is_some() && object.annotation(annotation) == object.uid()
}

/// Whether the data is already safe: moved before, handed over, or cloned.
fn is_prepared(
    facts: &Facts,
    namespace: &str,
    claim: &Object,
    volume: Option<&Object>,
    successor: &str,
) -> bool {
    if volume.is_some_and(|volume| names_claim(volume, namespace, successor)) {
        return true;
    }
    let Some(target) = facts.named(Kind::PersistentVolumeClaim, namespace, successor) else {
        return false;
    };
    holds_data(target) || (clones(target, claim.name()) && waits_for_consumer(facts, target))
}

/// The claim of a namespace that a volume waits for, as it does once it was handed over; one that was released has a uid.
pub fn waits_for<'a>(facts: &Facts, namespace: &str, volume: &'a Object) -> Option<&'a str> {
    let waits = volume.str("/spec/claimRef/uid").is_none()
        && volume.str("/spec/claimRef/namespace") == Some(namespace)
        && facts.claim_of(volume).is_none();
    volume.str("/spec/claimRef/name").filter(|_| waits)
}

/// Whether one of these StatefulSets has a pod that mounts a claim.
pub fn is_mounted<'a>(
    sets: impl IntoIterator<Item = &'a Object>,
    namespace: &str,
    claim: &str,
) -> bool {
    sets.into_iter().any(|set| {
        let mounts = Mounts::of(set);
        let ordinal = mounts.parse(claim).map(|(_, ordinal)| ordinal);
        set.namespace().is_none_or(|of| of == namespace)
            && ordinal.is_some_and(|ordinal| ordinal < mounts.replicas)
    })
}

/// The state of the volume of a claim that has lost it.
#[derive(Clone, Copy, Debug)]
pub enum Fate<'a> {
    /// There is none, or a pod has it under another claim: the claim can go.
    Settled,
    /// This volume, and no pod uses it.
    Idle(&'a Object),
    /// Unknown: it could not be read.
    Unknown,
}

/// Returns the state of the volume of a claim that has lost it; `sets` are the StatefulSets that may mount it now.
pub fn fate<'a, 'b>(
    facts: &'a Facts,
    claim: &Object,
    sets: impl IntoIterator<Item = &'b Object>,
) -> Fate<'a> {
    let (Some(name), Some(namespace)) = (claim.str("/spec/volumeName"), claim.namespace()) else {
        return Fate::Settled;
    };
    let reference = ObjectRef::new(Kind::PersistentVolume, "", name);
    let Some(volume) = facts.get(&reference) else {
        return match facts.unread(&reference) {
            true => Fate::Unknown,
            false => Fate::Settled,
        };
    };
    // Another namespace's is none of this one's business.
    if volume.str("/spec/claimRef/namespace") != Some(namespace) {
        return Fate::Settled;
    }
    let mounted = facts
        .claim_of(volume)
        .is_some_and(|other| is_mounted(sets, namespace, other.name()));
    match mounted {
        true => Fate::Settled,
        false => Fate::Idle(volume),
    }
}

/// Whether a volume's claimRef is this claim.
pub fn names_claim(volume: &Object, namespace: &str, claim: &str) -> bool {
    volume.str("/spec/claimRef/namespace") == Some(namespace)
        && volume.str("/spec/claimRef/name") == Some(claim)
}

fn clones(target: &Object, source: &str) -> bool {
    ["/spec/dataSource/name", "/spec/dataSourceRef/name"]
        .iter()
        .any(|pointer| target.str(pointer) == Some(source))
}

/// The clone that is to take an orphan's place and has no volume yet.
pub fn pending_clone<'a>(facts: &'a Facts, orphan: &Orphan<'_>) -> Option<&'a Object> {
    let namespace = orphan.claim.namespace()?;
    let successor = orphan.successor.as_deref()?;
    let clone = facts.named(Kind::PersistentVolumeClaim, namespace, successor)?;
    let is_pending = clone.str("/status/phase") == Some("Pending");
    (is_pending && clones(clone, orphan.claim.name())).then_some(clone)
}

/// A clone in a class that waits for its first pod stays Pending until the upgrade brings the pod.
fn waits_for_consumer(facts: &Facts, claim: &Object) -> bool {
    claim
        .str("/status/phase")
        .is_none_or(|phase| phase == "Pending")
        && facts
            .class_of(claim)
            .is_some_and(|class| class.str("/volumeBindingMode") == Some("WaitForFirstConsumer"))
}

/// StatefulSet and ordinal of a claim of elastic's chart, whose claim template has the StatefulSet's name.
pub fn old_claim(name: &str) -> Option<(&str, u64)> {
    let (both, _) = name.rsplit_once('-')?;
    let (template, statefulset) = both.split_at_checked(both.len() / 2)?;
    let statefulset = statefulset.strip_prefix('-')?;
    Some((statefulset, ordinal(name)?)).filter(|_| template == statefulset)
}

/// Whether a StatefulSet's claims are deleted with it or with its pods.
pub fn takes_claims_along(statefulset: &Object) -> bool {
    ["whenDeleted", "whenScaled"].iter().any(|when| {
        let pointer = format!("/spec/persistentVolumeClaimRetentionPolicy/{when}");
        statefulset.str(&pointer) == Some("Delete")
    })
}

/// The volume that a claim is on, as far as the claim tells.
pub fn named_volume(claim: &Object) -> Option<ObjectRef> {
    let name = claim.str("/spec/volumeName")?;
    Some(ObjectRef::new(Kind::PersistentVolume, "", name))
}

/// The class that a claim names.
pub fn named_class(claim: &Object) -> Option<ObjectRef> {
    let name = claim.str("/spec/storageClassName")?;
    Some(ObjectRef::new(Kind::StorageClass, "", name))
}

/// The claim that a volume's claimRef names.
pub fn named_claim(volume: &Object) -> Option<ObjectRef> {
    let namespace = volume.str("/spec/claimRef/namespace")?;
    let name = volume.str("/spec/claimRef/name")?;
    Some(ObjectRef::new(Kind::PersistentVolumeClaim, namespace, name))
}

/// A claim by its name alone.
pub fn claim_ref(namespace: &str, claim: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim})
}
