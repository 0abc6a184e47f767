//! Where data is before a change and after it: volumes, the claims on them, and the workloads that mount those.

mod mounted;
mod search;

use std::collections::BTreeMap;

use self::mounted::{Mounted, mounted, mounted_claims};
pub use self::search::ClaimSearch;
use crate::{
    change::{Change, Facts, Side},
    knowledge::claims::{
        holds_data, is_retained, left_on_purpose, named_volume, takes_claims_along, waits_for,
    },
    kubernetes::{Kind, Object, ObjectRef},
};

/// All the data that a change is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// What holds data, by namespace and workload.
    pub stores: Vec<Store>,
    /// Whether the claims of a namespace could not be listed.
    pub unseen: bool,
}

/// A volume, or one that is to be made, with the ways to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The namespace of its claims.
    pub namespace: String,
    /// The volume; None where there is none yet, or none any more.
    pub volume: Option<Volume>,
    /// Who has it before.
    pub before: Option<Way>,
    /// Who has it after the change.
    pub after: Option<Way>,
    /// What the change does to it.
    pub fate: Fate,
}

/// A volume as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: Option<String>,
    /// Whether it outlives its claim; None where it could not be or was not read.
    pub retained: Option<bool>,
}

/// A claim and the workload that mounts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The claim's name.
    pub claim: String,
    /// The claim's phase; None where there is no such claim yet.
    pub phase: Option<String>,
    /// The workload.
    pub workload: Option<ObjectRef>,
}

/// What a change does to data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// The same claim stays mounted.
    Kept,
    /// Another claim has the volume, and is mounted.
    HandedOver,
    /// A claim that nothing mounts now is mounted.
    TakenUp,
    /// A new claim gets a new, empty volume.
    New,
    /// Nothing mounts the claim any more.
    LeftBehind,
    /// The same, and somebody has said that it may be so.
    GivenUp,
    /// The claim is deleted.
    ClaimDeleted,
    /// Nothing mounts the claim, before or after.
    Unused,
}

impl Fate {
    /// Returns the name that machine-readable reports use.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Kept => "kept",
            Fate::HandedOver => "handedOver",
            Fate::TakenUp => "takenUp",
            Fate::New => "new",
            Fate::LeftBehind => "leftBehind",
            Fate::GivenUp => "givenUp",
            Fate::ClaimDeleted => "claimDeleted",
            Fate::Unused => "unused",
        }
    }

    /// Returns what it is in a few words.
    pub fn told(self) -> &'static str {
        match self {
            Fate::Kept => "kept",
            Fate::HandedOver => "handed over to another claim",
            Fate::TakenUp => "mounted again",
            Fate::New => "new and empty",
            Fate::LeftBehind => "left behind, mounted by nothing",
            Fate::GivenUp => "left behind on purpose",
            Fate::ClaimDeleted => "left without its claim",
            Fate::Unused => "mounted by nothing",
        }
    }

    /// Whether data gets out of reach.
    pub fn is_loss(self) -> bool {
        matches!(self, Fate::LeftBehind | Fate::ClaimDeleted)
    }
}

impl Storage {
    /// Returns where the data of a change's workloads is.
    pub fn of(change: &Change, facts: &Facts) -> Storage {
        Self::prepared(change, facts, facts)
    }

    /// The same where something is done before the change: `prepared` is what is live then.
    pub fn prepared(change: &Change, facts: &Facts, prepared: &Facts) -> Storage {
        let before = mounted(change, facts, Side::Running);
        let after = mounted(change, prepared, Side::Planned);
        let looking = Looking {
            change,
            search: ClaimSearch::of(change),
            facts,
            prepared,
            before: &before,
            after: &after,
        };
        let mut storage = Storage::default();
        let mut namespaces: Vec<_> = before.keys().chain(after.keys()).map(|it| &it.0).collect();
        namespaces.push(&change.namespace);
        namespaces.sort_unstable();
        namespaces.dedup();
        for namespace in namespaces {
            storage.unseen |= facts.unlisted(Kind::PersistentVolumeClaim, namespace);
            let claims = facts
                .claims(namespace)
                .filter(|claim| looking.concerns(claim));
            storage
                .stores
                .extend(claims.map(|claim| looking.live(namespace, claim)));
        }
        for ((namespace, claim), workload) in &after {
            if facts
                .named(Kind::PersistentVolumeClaim, namespace, claim)
                .is_none()
            {
                looking.made(&mut storage, namespace, claim, workload);
            }
        }
        storage.sort();
        storage
    }

    /// Adds what another Camunda of the same release has; a way with a workload tells more than one without.
    pub fn extend(&mut self, other: Storage) {
        self.unseen |= other.unseen;
        for store in other.stores {
            let same = self.stores.iter_mut().find(|it| it.is_same(&store));
            match same {
                Some(known) if known.fate == Fate::Unused => *known = store,
                Some(_) => {}
                None => self.stores.push(store),
            }
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.stores.sort_by_cached_key(|store| {
            let workload = [&store.before, &store.after].map(|way| way.as_ref()?.workload.clone());
            let [before, after] = workload;
            let claim = store.before.as_ref().or(store.after.as_ref());
            let claim = claim.map(|way| natural(&way.claim));
            let workload = before.or(after);
            (store.namespace.clone(), workload.is_none(), workload, claim)
        });
    }
}

impl Store {
    fn is_same(&self, other: &Store) -> bool {
        self.namespace == other.namespace && self.claims() == other.claims()
    }

    fn claims(&self) -> [Option<&str>; 2] {
        [&self.before, &self.after].map(|way| way.as_ref().map(|way| way.claim.as_str()))
    }
}

/// A claim's name with the number at its end apart, so that 10 comes after 9.
fn natural(claim: &str) -> (String, u64) {
    let parts = claim.rsplit_once('-');
    let numbered = parts.and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)));
    numbered.unwrap_or_else(|| (claim.to_owned(), 0))
}

struct Looking<'a> {
    change: &'a Change,
    search: ClaimSearch,
    facts: &'a Facts,
    prepared: &'a Facts,
    before: &'a BTreeMap<Mounted, ObjectRef>,
    after: &'a BTreeMap<Mounted, ObjectRef>,
}

impl Looking<'_> {
    /// Whether a claim is the release's: by what mounts it, by the manifests, or by its labels.
    fn concerns(&self, claim: &Object) -> bool {
        let key = (
            claim.namespace().unwrap_or_default().to_owned(),
            claim.name().to_owned(),
        );
        let reference = ObjectRef::new(Kind::PersistentVolumeClaim, &key.0, &key.1);
        self.before.contains_key(&key)
            || self.after.contains_key(&key)
            || self.change.find(&reference).is_some()
            || self.facts.release_of(claim) == Some(&self.change.release)
            || self.search.finds(claim)
    }

    /// A claim that there is.
    fn live(&self, namespace: &str, claim: &Object) -> Store {
        let key = (namespace.to_owned(), claim.name().to_owned());
        let way = |workload: Option<&ObjectRef>| Way {
            claim: claim.name().to_owned(),
            phase: claim.str("/status/phase").map(str::to_owned),
            workload: workload.cloned(),
        };
        let (before, after) = (self.before.get(&key), self.after.get(&key));
        let deleted = self.is_deleted(namespace, claim, before);
        let fate = match (before, after) {
            _ if deleted => Fate::ClaimDeleted,
            (Some(_), Some(_)) => Fate::Kept,
            (None, Some(_)) => Fate::TakenUp,
            (Some(_), None) if !holds_data(claim) => Fate::Unused,
            (Some(_), None) if left_on_purpose(claim) => Fate::GivenUp,
            (Some(_), None) => Fate::LeftBehind,
            (None, None) => Fate::Unused,
        };
        Store {
            namespace: namespace.to_owned(),
            volume: self.volume_of(claim),
            before: Some(way(before)),
            after: (!deleted).then(|| way(after)),
            fate,
        }
    }

    /// Whether the change takes a claim away: Helm does, or the StatefulSet that goes.
    fn is_deleted(&self, namespace: &str, claim: &Object, before: Option<&ObjectRef>) -> bool {
        let reference = ObjectRef::new(Kind::PersistentVolumeClaim, namespace, claim.name());
        if self.prepared.get(&reference).is_none() {
            return true;
        }
        if let Some(object) = self.change.find(&reference) {
            return object.removed() && !self.prepared.keeps(&reference);
        }
        let set = before.and_then(|workload| self.change.find(workload));
        set.is_some_and(|set| {
            let live = self.prepared.get(&set.object);
            set.removed()
                && !self.prepared.keeps(&set.object)
                && live.is_some_and(takes_claims_along)
        })
    }

    /// A claim that the change makes: on the volume that waits for it, or on a new one.
    fn made(&self, storage: &mut Storage, namespace: &str, claim: &str, workload: &ObjectRef) {
        let way = Way {
            claim: claim.to_owned(),
            phase: None,
            workload: Some(workload.clone()),
        };
        let mut volumes = self.prepared.of_kind(Kind::PersistentVolume);
        let waiting =
            volumes.find(|volume| waits_for(self.prepared, namespace, volume) == Some(claim));
        let old = waiting.and_then(|volume| {
            let mut stores = storage.stores.iter_mut();
            let is_its = |store: &Store| {
                store
                    .volume
                    .as_ref()
                    .is_some_and(|it| it.name == volume.name())
            };
            stores.find(|store| is_its(store))
        });
        if let Some(store) = old {
            store.after = Some(way);
            store.fate = Fate::HandedOver;
            return;
        }
        storage.stores.push(Store {
            namespace: namespace.to_owned(),
            volume: waiting.map(Volume::of),
            before: None,
            after: Some(way),
            fate: match waiting {
                Some(_) => Fate::HandedOver,
                None => Fate::New,
            },
        });
    }

    fn volume_of(&self, claim: &Object) -> Option<Volume> {
        let named = named_volume(claim)?;
        match self.facts.get(&named) {
            Some(volume) => Some(Volume::of(volume)),
            // It was not read, or it is gone with the claim's data.
            None => holds_data(claim).then(|| Volume {
                name: named.name,
                size: claim.str("/status/capacity/storage").map(str::to_owned),
                retained: None,
            }),
        }
    }
}

impl Volume {
    fn of(volume: &Object) -> Volume {
        Volume {
            name: volume.name().to_owned(),
            size: volume.str("/spec/capacity/storage").map(str::to_owned),
            retained: Some(is_retained(volume)),
        }
    }
}
