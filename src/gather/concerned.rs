//! The claims that a change is about. A namespace can hold thousands of others, which are never read whole.
//!
//! Their names come from a list of metadata, each claim is then read by its name. A list that holds all that was written
//! before can take the API server 100 ms, one from its cache or a read by name takes it one or two. What the cache does
//! not show yet was created a moment ago: claims that a manifest mounts are read by their names anyway, and
//! [`Reader::overlooked`] finds others before something is refused for want of them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{StreamExt, TryStreamExt, future::try_join, stream};

use super::{PARALLEL, Reader, note};
use crate::{
    camunda::Component,
    change::{Change, Facts, Wanted},
    cluster::{Age, Contents, Listing, ReadError},
    knowledge::claims::names_claim,
    kubernetes::{Kind, Mounts, Object, ObjectRef, ordinal},
    storage::ClaimSearch,
};

/// Claims that are read of one namespace; Camunda's largest releases have some dozens.
const MOST: usize = 1_000;

/// The kind of the objects that are searched.
const CLAIM: Kind = Kind::PersistentVolumeClaim;

/// How the claims that a change is about are found.
#[derive(Clone, Debug)]
pub(super) struct Concerned {
    /// The age of the list of names.
    age: Age,
    search: Arc<ClaimSearch>,
    found: Arc<Mutex<Vec<Found>>>,
}

/// The names of the claims that were read of one namespace, and what they were told by.
#[derive(Clone, Debug)]
struct Found {
    search: Arc<ClaimSearch>,
    namespace: String,
    names: BTreeSet<String>,
}

impl Concerned {
    fn found(&self) -> MutexGuard<'_, Vec<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// Returns a reader that reads only those claims that a change is about, and finds their names in a list of this age.
    #[must_use]
    pub fn of_concerned_claims(&self, age: Age) -> Reader {
        let concerned = Concerned {
            age,
            search: Arc::default(),
            found: Arc::default(),
        };
        Reader {
            concerned: Some(concerned),
            ..self.clone()
        }
    }

    /// Returns a reader that knows which claims a change is about, if it reads only those.
    pub(super) fn knowing(&self, change: &Change) -> Reader {
        let concerned = self.concerned.as_ref().map(|concerned| Concerned {
            search: Arc::new(ClaimSearch::of(change)),
            ..concerned.clone()
        });
        Reader {
            concerned,
            ..self.clone()
        }
    }

    /// Reads the claims of a namespace that a change is about: those that it mounts, and those that the list shows.
    pub(super) async fn concerned_claims(
        &self,
        concerned: &Concerned,
        namespace: &str,
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        let mounted = concerned.search.mounted(namespace);
        few(mounted.len())?;
        let read = self.claims_named(namespace, &mounted);
        let names = self.names(&concerned.search, namespace, concerned.age);
        let (shown, mut claims) = try_join(names, read).await?;
        let others = &shown - &mounted;
        few(mounted.len() + others.len())?;
        claims.extend(self.claims_named(namespace, &others).await?);
        let names = claims.iter().map(|claim| claim.name().to_owned());
        concerned.found().push(Found {
            search: Arc::clone(&concerned.search),
            namespace: namespace.to_owned(),
            names: names.collect(),
        });
        Ok(claims)
    }

    /// Lists the volumes of the cluster that are on these claims or wait for them.
    pub(super) async fn concerned_volumes(
        &self,
        concerned: &Concerned,
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        let list = Listing {
            keep: &|volume| concerned.search.finds_volume(volume),
            ..Listing::of(Kind::PersistentVolume)
        };
        self.listed(&list).await
    }

    async fn names(
        &self,
        search: &ClaimSearch,
        namespace: &str,
        age: Age,
    ) -> Result<BTreeSet<String>, ReadError> {
        let list = Listing {
            namespace: Some(namespace),
            contents: Contents::Metadata,
            age,
            keep: &|claim| search.finds(claim),
            ..Listing::of(CLAIM)
        };
        let found = self.listed(&list).await?;
        Ok(found.iter().map(|claim| claim.name().to_owned()).collect())
    }

    async fn claims_named(
        &self,
        namespace: &str,
        names: &BTreeSet<String>,
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        let claims = names
            .iter()
            .map(|name| ObjectRef::new(CLAIM, namespace, name));
        let claims: Vec<_> = claims.collect();
        let reads = stream::iter(claims).map(async |claim| self.get(&claim).await);
        let found: Vec<_> = reads.buffer_unordered(PARALLEL).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Whether there are claims that the change is about and that were not read because the API server's cache did not
    /// show them. If that can't be read, none is known.
    pub async fn overlooked(&self) -> bool {
        let Some(concerned) = &self.concerned else {
            return false;
        };
        let found = concerned.found().clone();
        for known in found {
            let now = self.names(&known.search, &known.namespace, Age::Newest);
            if !now.await.unwrap_or_default().is_subset(&known.names) {
                return true;
            }
        }
        false
    }

    /// Lists the claims with a claim's ordinal, as the API server has them in its cache.
    pub(super) async fn of_ordinal(
        &self,
        claim: &Object,
        namespace: &str,
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        let wanted = ordinal(claim.name());
        let list = Listing {
            namespace: Some(namespace),
            age: Age::Cached,
            keep: &|other| ordinal(other.name()) == wanted,
            ..Listing::of(CLAIM)
        };
        self.listed(&list).await
    }

    /// Reads the volumes of the cluster that wait for a claim; a failure becomes a gap among the facts.
    pub(super) async fn waiting_for(&self, facts: &mut Facts, claim: &Object, namespace: &str) {
        let list = Listing {
            keep: &|volume| names_claim(volume, namespace, claim.name()),
            ..Listing::of(Kind::PersistentVolume)
        };
        let all = Wanted::All(list.kind, String::new());
        note(facts, all, self.listed(&list).await);
    }

    /// Reads the claims of a namespace that are Camunda's by their labels, or that one of these StatefulSets mounts.
    pub(super) async fn claims_beside(&self, facts: &mut Facts, namespace: &str, sets: &[Mounts]) {
        let keep = |claim: &Object| {
            Component::of(claim, None) != Component::Other
                || sets.iter().any(|set| set.parse(claim.name()).is_some())
        };
        let list = Listing {
            namespace: Some(namespace),
            keep: &keep,
            ..Listing::of(CLAIM)
        };
        let listed = self.listed(&list).await;
        let listed = listed.and_then(|claims| few(claims.len()).map(|()| claims));
        note(facts, Wanted::All(CLAIM, namespace.to_owned()), listed);
    }

    async fn listed(&self, list: &Listing<'_>) -> Result<Vec<Arc<Object>>, ReadError> {
        let listed = self.cluster.listed(list);
        self.within(list.kind.name(), listed).await
    }
}

/// Whoever may create claims could have any number of them read.
fn few(claims: usize) -> Result<(), ReadError> {
    match claims > MOST {
        true => Err(ReadError::TooMany(claims)),
        false => Ok(()),
    }
}
