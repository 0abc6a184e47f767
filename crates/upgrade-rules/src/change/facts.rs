//! The state of the cluster, read before any rule runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    camunda::{self, release_label},
    change::{DryRun, Gap, Refusal, Unseen, Wanted},
    kubernetes::{Kind, Mounts, Object, ObjectRef},
};

/// Annotation: with the value `keep`, Helm does not delete the live object.
pub const RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// The live objects that the rules of one change need.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    objects: BTreeMap<ObjectRef, Arc<Object>>,
    releases: BTreeSet<(String, String)>,
    gaps: Vec<Gap>,
    places: Places,
    missed: Missed,
    refusals: BTreeSet<Refusal>,
}

/// The places of the gaps about live objects: a release asks for each of its objects many times.
#[derive(Clone, Debug, Default)]
struct Places {
    objects: BTreeMap<ObjectRef, Vec<usize>>,
    lists: BTreeMap<Kind, BTreeMap<String, Vec<usize>>>,
    kinds: BTreeMap<Kind, Vec<usize>>,
}

/// Gaps that a rule ran into. They do not change a rule's answer; they tell which rules could not judge because of a gap.
#[derive(Debug, Default)]
struct Missed(Mutex<Met>);

/// What was met: single gaps, and kinds, each of which stands for all of its gaps.
#[derive(Debug, Default)]
struct Met {
    places: BTreeSet<usize>,
    kinds: BTreeSet<Kind>,
}

impl Clone for Missed {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Missed {
    fn met(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn add(&mut self, wanted: &Wanted, place: usize) {
        let kind = wanted.kind();
        self.kinds.entry(kind).or_default().push(place);
        let places = match wanted {
            Wanted::One(reference) => self.objects.entry(reference.clone()).or_default(),
            Wanted::All(_, namespace) => {
                let lists = self.lists.entry(kind).or_default();
                lists.entry(namespace.clone()).or_default()
            }
        };
        places.push(place);
    }
}

impl Facts {
    /// Adds a live object under its own name.
    pub fn insert(&mut self, kind: Kind, object: Arc<Object>) {
        let namespace = object.namespace().unwrap_or_default();
        let reference = ObjectRef::new(kind, namespace, object.name());
        self.objects.insert(reference, object);
    }

    /// Removes an object that is gone.
    pub fn remove(&mut self, reference: &ObjectRef) {
        self.objects.remove(reference);
    }

    /// Records something that could not be read.
    pub fn insert_gap(&mut self, what: impl Into<Unseen>, reason: impl Into<String>) {
        let gap = Gap::new(what, reason);
        if let Unseen::Live(wanted) = &gap.what {
            self.places.add(wanted, self.gaps.len());
        }
        self.gaps.push(gap);
    }

    /// Records the API server's answers to a dry run of all planned objects.
    pub fn insert_dry_run(&mut self, dry_run: DryRun) {
        self.refusals.extend(dry_run.refused);
        for (what, reason) in dry_run.unasked {
            self.insert_gap(format!("dry run of {what}"), reason);
        }
    }

    /// Returns the objects that the API server refused in a dry run.
    pub fn refusals(&self) -> &BTreeSet<Refusal> {
        &self.refusals
    }

    /// Records that a release in a namespace is Camunda's.
    pub fn insert_release(&mut self, namespace: impl Into<String>, release: impl Into<String>) {
        self.releases.insert((namespace.into(), release.into()));
    }

    /// Whether an object belongs to a Camunda release, by its own labels or because its release is known to be Camunda's.
    pub fn is_guarded(&self, object: &Object) -> bool {
        if camunda::is_own(object) {
            return true;
        }
        let Some((namespace, release)) = object.namespace().zip(self.release_of(object)) else {
            return false;
        };
        self.has_release(namespace, release)
    }

    /// Returns the release named by an object's labels or, failing that, by those of the StatefulSet that mounts it.
    pub fn release_of<'a>(&'a self, object: &'a Object) -> Option<&'a str> {
        release_label(object).or_else(|| release_label(self.mounting(object)?))
    }

    /// Finds the StatefulSet that mounts a claim; charts up to 8.0.12 did not label Elasticsearch's claims with the release.
    pub fn mounting(&self, claim: &Object) -> Option<&Object> {
        self.of_kind(Kind::StatefulSet)
            .filter(|set| set.namespace() == claim.namespace())
            .find(|set| Mounts::of(set).parse(claim.name()).is_some())
    }

    /// Whether a release is known to be Camunda's.
    pub fn has_release(&self, namespace: &str, release: &str) -> bool {
        self.releases
            .contains(&(namespace.to_owned(), release.to_owned()))
    }

    /// Everything that could not be read.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Returns the places among [`Facts::gaps`] of those met since the last call, and forgets them.
    pub(crate) fn take_missed(&self) -> BTreeSet<usize> {
        let mut met = mem::take(&mut *self.missed.met());
        let of_kinds = met.kinds.iter().filter_map(|it| self.places.kinds.get(it));
        met.places.extend(of_kinds.flatten());
        met.places
    }

    fn misses(&self, places: Option<&Vec<usize>>) -> bool {
        if let Some(places) = places {
            self.missed.met().places.extend(places);
        }
        places.is_some()
    }

    /// Whether reading an object failed, so that its absence here proves nothing.
    pub fn unread(&self, reference: &ObjectRef) -> bool {
        self.misses(self.places.objects.get(reference))
    }

    /// Whether listing a kind in a namespace failed.
    pub fn unlisted(&self, kind: Kind, namespace: &str) -> bool {
        let lists = self.places.lists.get(&kind);
        self.misses(lists.and_then(|lists| lists.get(namespace)))
    }

    /// Returns the live object, if there is one.
    pub fn get(&self, reference: &ObjectRef) -> Option<&Object> {
        let found = self.objects.get(reference).map(Arc::as_ref);
        if found.is_none() {
            self.unread(reference);
        }
        found
    }

    /// Whether Helm keeps a live object that is no longer in the manifest.
    pub fn keeps(&self, reference: &ObjectRef) -> bool {
        let live = self.get(reference);
        live.is_some_and(|live| live.annotation(RESOURCE_POLICY) == Some("keep"))
    }

    /// A live object by kind, namespace and name.
    pub fn named(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Object> {
        self.get(&ObjectRef::new(kind, namespace, name))
    }

    /// All objects of a kind that were read.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        if self.places.kinds.contains_key(&kind) {
            self.missed.met().kinds.insert(kind);
        }
        // References sort by kind first.
        self.objects
            .range(ObjectRef::new(kind, "", "")..)
            .take_while(move |(reference, _)| reference.kind == kind)
            .map(|(_, object)| object.as_ref())
    }

    /// The claims of a namespace.
    pub fn claims(&self, namespace: &str) -> impl Iterator<Item = &Object> {
        self.of_kind(Kind::PersistentVolumeClaim)
            .filter(move |claim| claim.namespace() == Some(namespace))
    }

    /// Returns the volume that a claim is bound to; `None` if that volume is bound to a claim of another namespace.
    pub fn volume_of(&self, claim: &Object) -> Option<&Object> {
        let volume = self.named(Kind::PersistentVolume, "", claim.str("/spec/volumeName")?)?;
        let owner = volume.str("/spec/claimRef/namespace");
        owner
            .is_none_or(|owner| claim.namespace() == Some(owner))
            .then_some(volume)
    }

    /// The claim that a volume is bound to.
    pub fn claim_of(&self, volume: &Object) -> Option<&Object> {
        let namespace = volume.str("/spec/claimRef/namespace")?;
        let name = volume.str("/spec/claimRef/name")?;
        let claim = self.named(Kind::PersistentVolumeClaim, namespace, name)?;
        (claim.str("/spec/volumeName") == Some(volume.name())).then_some(claim)
    }

    /// Whether a namespace is being deleted with all that is in it.
    pub fn namespace_terminating(&self, namespace: &str) -> bool {
        let namespace = self.named(Kind::Namespace, "", namespace);
        namespace.is_some_and(|namespace| {
            let since = namespace.at("/metadata/deletionTimestamp");
            since.is_some_and(|since| !since.is_null())
        })
    }

    /// The storage class of a claim.
    pub fn class_of(&self, claim: &Object) -> Option<&Object> {
        self.named(Kind::StorageClass, "", claim.str("/spec/storageClassName")?)
    }

    /// The names of the pods that use a claim, terminating ones included.
    pub fn pods_using(&self, namespace: &str, claim: &str) -> BTreeSet<&str> {
        self.of_kind(Kind::Pod)
            .filter(|pod| pod.namespace() == Some(namespace))
            .filter(|pod| {
                pod.array("/spec/volumes").iter().any(|volume| {
                    let used = volume.pointer("/persistentVolumeClaim/claimName");
                    used.and_then(serde_json::Value::as_str) == Some(claim)
                })
            })
            .map(Object::name)
            .collect()
    }
}
