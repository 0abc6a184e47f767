//! Lists of claims from the API server's cache, of which only the names count: each claim is then read by its name.
//!
//! A list that holds all that was written before can take the API server 100 ms, a read by name takes it one or two, and
//! both are up to date. What the cache does not show yet was created a moment ago: claims that a manifest mounts are read
//! by their names anyway, and [`Reader::overlooked`] finds others before something is refused for want of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{StreamExt, TryStreamExt, future::try_join, stream};

use super::{PARALLEL, Reader};
use crate::{
    change::Change,
    cluster::{Contents, ReadError},
    kubernetes::{Kind, Object, ObjectRef},
    storage::mounted_claims,
};

/// Claims that are read by name in place of a list of all; with more, the list costs less.
const MOST: usize = 32;

/// The kind of the objects that are read by name.
const CLAIM: Kind = Kind::PersistentVolumeClaim;

/// The claims that a review finds without a list of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Cached {
    /// Those that the change mounts.
    mounted: Arc<BTreeSet<ObjectRef>>,
    found: Arc<Mutex<Found>>,
}

/// The names of the claims that were read, by namespace.
type Found = BTreeMap<String, BTreeSet<String>>;

impl Cached {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// Returns a reader that takes the names of claims from the API server's cache.
    #[must_use]
    pub fn with_cached_names(&self) -> Reader {
        Reader {
            cached: Some(Cached::default()),
            ..self.clone()
        }
    }

    /// Returns a reader that also reads the claims that a change mounts, whether the cache shows them or not.
    pub(super) fn knowing(&self, change: &Change) -> Reader {
        let cached = self.cached.as_ref().map(|cached| Cached {
            mounted: Arc::new(mounted_claims(change)),
            ..cached.clone()
        });
        Reader {
            cached,
            ..self.clone()
        }
    }

    /// Reads the claims of a namespace by their names: those that the change mounts, and those that the cache shows.
    pub(super) async fn claims_by_name(
        &self,
        cached: &Cached,
        namespace: &str,
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        let mounted = cached.mounted.iter();
        let mounted = mounted.filter(|claim| claim.namespace == namespace);
        let mounted: BTreeSet<_> = mounted.map(|claim| claim.name.clone()).collect();
        if mounted.len() > MOST {
            return self.all_claims(namespace).await;
        }
        let read = self.claims_named(namespace, &mounted);
        let names = self.claims_shown(namespace, Contents::Metadata);
        let (shown, mut found) = try_join(names, read).await?;
        let shown: BTreeSet<_> = shown.iter().map(|claim| claim.name().to_owned()).collect();
        let others = &shown - &mounted;
        if mounted.len() + others.len() > MOST {
            return self.all_claims(namespace).await;
        }
        found.extend(self.claims_named(namespace, &others).await?);
        let names = found.iter().map(|claim| claim.name().to_owned());
        let mut all = cached.found();
        all.entry(namespace.to_owned()).or_default().extend(names);
        Ok(found)
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

    async fn all_claims(&self, namespace: &str) -> Result<Vec<Arc<Object>>, ReadError> {
        let list = self.cluster.list(CLAIM, namespace, &[]);
        self.within(CLAIM.name(), list).await
    }

    /// Lists the claims of a namespace as the API server has them in its cache.
    pub(super) async fn claims_shown(
        &self,
        namespace: &str,
        contents: Contents,
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        let list = self.cluster.list_cached(CLAIM, namespace, contents);
        self.within(CLAIM.name(), list).await
    }

    /// Whether there are claims that were not read because the API server's cache did not show them. If that can't be
    /// read, none is known.
    pub async fn overlooked(&self) -> bool {
        let Some(cached) = &self.cached else {
            return false;
        };
        let found = cached.found().clone();
        for (namespace, names) in found {
            let (within, names_only) = (Some(&*namespace), Contents::Metadata);
            let list = self.cluster.list_within(CLAIM, within, &[], names_only);
            let now = self.within(CLAIM.name(), list).await.unwrap_or_default();
            if now.iter().any(|claim| !names.contains(claim.name())) {
                return true;
            }
        }
        false
    }
}
