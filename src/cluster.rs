//! The source of live objects: the API server, or a file.

mod dry_run;
mod live;
mod page;
mod reports;
mod request;
mod rights;
mod snapshot;
mod write;

use std::sync::Arc;

pub(crate) use self::request::explain;
pub use self::{
    dry_run::{Apply, Sent, SentHook},
    live::LiveCluster,
    reports::Collection,
    snapshot::Snapshot,
    write::{Effect, Patch, WriteError},
};
use crate::kubernetes::{Kind, Object, ObjectRef};

/// A source of live objects.
#[derive(Clone)]
pub enum Cluster {
    /// The API server.
    Live(LiveCluster),
    /// Objects in memory.
    Snapshot(Arc<Snapshot>),
}

/// Amount of data that a list returns for each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// The whole objects.
    Whole,
    /// Only metadata: a cluster's records with their content could exceed the memory.
    Metadata,
}

/// Age that a list may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// All that was written before is in it. The API server may wait 100 ms for etcd to be sure of that.
    Newest,
    /// What the API server has in its cache, which may lack what was written a moment ago. It waits for nothing.
    Cached,
}

/// Tells the objects of a list that are wanted.
pub type Keep<'a> = &'a (dyn Fn(&Object) -> bool + Sync);

/// A list of objects.
#[derive(Clone, Copy)]
pub struct Listing<'a> {
    /// The objects' kind.
    pub kind: Kind,
    /// Their namespace; None: all.
    pub namespace: Option<&'a str>,
    /// Labels that all of them carry.
    pub labels: &'a [(&'a str, &'a str)],
    /// How much of each is read.
    pub contents: Contents,
    /// How old the list may be.
    pub age: Age,
    /// The others are dropped as they come, so they take no memory.
    pub keep: Keep<'a>,
}

impl Listing<'_> {
    /// All objects of a kind, as they are now.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            namespace: None,
            labels: &[],
            contents: Contents::Whole,
            age: Age::Newest,
            keep: &|_| true,
        }
    }
}

/// Reason why a read failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The guard lacks the right.
    #[error("{0}")]
    Forbidden(String),
    /// No answer in time.
    #[error("{0}")]
    Late(String),
    /// No connection.
    #[error("the API server can't be reached")]
    Unreachable,
    /// The API server answered with an error.
    #[error("{0}")]
    Api(String),
    /// More objects than are read.
    #[error("{0} are too many to be read")]
    TooMany(usize),
    /// The answer is not an object.
    #[error("the API server's answer can't be read")]
    Malformed,
}

/// A failed read, with what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unread {
    /// A single object.
    #[error("can't get {0}: {1}")]
    Object(ObjectRef, ReadError),
    /// All objects of a kind.
    #[error("can't list {}: {}", .0.plural(), .1)]
    All(Kind, ReadError),
}

impl ReadError {
    /// The classes of errors in metrics.
    pub const CLASSES: [&str; 4] = ["forbidden", "timeout", "unreachable", "other"];

    /// Returns the error's class.
    pub fn class(&self) -> &'static str {
        let [forbidden, timeout, unreachable, other] = Self::CLASSES;
        match self {
            ReadError::Forbidden(_) => forbidden,
            ReadError::Late(_) => timeout,
            ReadError::Unreachable => unreachable,
            ReadError::Api(_) | ReadError::TooMany(_) | ReadError::Malformed => other,
        }
    }
}

/// A verb (which may be virtual), an API group and a resource.
pub type Right = (&'static str, &'static str, &'static str);

/// The user of a request, for access reviews.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct User {
    /// The name.
    #[serde(default)]
    pub username: String,
    /// The uid.
    #[serde(default)]
    pub uid: String,
    /// The groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Extra fields from the authenticator.
    #[serde(default)]
    pub extra: std::collections::BTreeMap<String, Vec<String>>,
}

impl Cluster {
    /// Returns the object, or `None` if it does not exist.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn get(&self, reference: &ObjectRef) -> Result<Option<Arc<Object>>, ReadError> {
        match self {
            Cluster::Live(cluster) => cluster.get(reference).await,
            Cluster::Snapshot(snapshot) => snapshot.get(reference),
        }
    }

    /// Like [`Cluster::get`], for callers that can't go on without an answer.
    ///
    /// # Errors
    /// As for [`Cluster::get`], with what was asked for.
    pub async fn need(&self, reference: &ObjectRef) -> Result<Option<Arc<Object>>, Unread> {
        let read = self.get(reference).await;
        read.map_err(|error| Unread::Object(reference.clone(), error))
    }

    /// Like [`Cluster::list`], for callers that can't go on without an answer.
    ///
    /// # Errors
    /// As for [`Cluster::list`], with what was asked for.
    pub async fn need_all(
        &self,
        kind: Kind,
        namespace: &str,
        labels: &[(&str, &str)],
    ) -> Result<Vec<Arc<Object>>, Unread> {
        let listed = self.list(kind, namespace, labels).await;
        listed.map_err(|error| Unread::All(kind, error))
    }

    /// Lists the objects of a kind in a namespace (all objects of a cluster-scoped kind) that carry all `labels`.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn list(
        &self,
        kind: Kind,
        namespace: &str,
        labels: &[(&str, &str)],
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        self.list_within(kind, Some(namespace), labels, Contents::Whole)
            .await
    }

    /// Lists the objects of a kind that carry all `labels`, in one namespace or in all.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn list_within(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &[(&str, &str)],
        contents: Contents,
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        let list = Listing {
            namespace,
            labels,
            contents,
            ..Listing::of(kind)
        };
        self.listed(&list).await
    }

    /// Lists objects.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn listed(&self, list: &Listing<'_>) -> Result<Vec<Arc<Object>>, ReadError> {
        match self {
            Cluster::Live(cluster) => cluster.list(list).await,
            Cluster::Snapshot(snapshot) => {
                let mut found = snapshot.list(list.kind, list.namespace, list.labels)?;
                found.retain(|object| (list.keep)(object));
                Ok(found)
            }
        }
    }

    /// Whether a user may read and write Secrets and write workloads in a namespace; only then may a record of theirs
    /// be compared with its objects.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn may_write(&self, user: &User, namespace: &str) -> Result<bool, ReadError> {
        match self {
            Cluster::Live(cluster) => cluster.may_write(user, namespace).await,
            Cluster::Snapshot(_) => Ok(true),
        }
    }

    /// Whether a user has a right to one object in a namespace.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn may(
        &self,
        user: &User,
        right: Right,
        namespace: &str,
        name: &str,
    ) -> Result<bool, ReadError> {
        match self {
            Cluster::Live(cluster) => cluster.allows(user, right, namespace, Some(name)).await,
            Cluster::Snapshot(_) => Ok(true),
        }
    }
}
