//! Where live objects come from: the API server, or a file that was made of one.

mod dry_run;
mod live;
mod request;
mod rights;
mod snapshot;
mod write;

use std::sync::Arc;

pub(crate) use self::request::explain;
pub use self::{
    dry_run::{Apply, Sent, SentHook},
    live::LiveCluster,
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

/// How much of each object of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// All of it.
    Whole,
    /// Its metadata: all records of a cluster fill more memory than there is.
    Metadata,
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The API server does not let the guard.
    #[error("{0}")]
    Forbidden(String),
    /// No answer came in time.
    #[error("{0}")]
    Late(String),
    /// No connection came about.
    #[error("the API server can't be reached")]
    Unreachable,
    /// The API server said something else than yes.
    #[error("{0}")]
    Api(String),
    /// The API server answered with something else than an object.
    #[error("the API server's answer can't be read")]
    Malformed,
}

/// What could not be read, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unread {
    /// An object.
    #[error("can't get {0}: {1}")]
    Object(ObjectRef, ReadError),
    /// The objects of a kind.
    #[error("can't list {}: {}", .0.plural(), .1)]
    All(Kind, ReadError),
}

impl ReadError {
    /// The classes of errors, as metrics have them.
    pub const CLASSES: [&str; 4] = ["forbidden", "timeout", "unreachable", "other"];

    /// Which one it is.
    pub fn class(&self) -> &'static str {
        let [forbidden, timeout, unreachable, other] = Self::CLASSES;
        match self {
            ReadError::Forbidden(_) => forbidden,
            ReadError::Late(_) => timeout,
            ReadError::Unreachable => unreachable,
            ReadError::Api(_) | ReadError::Malformed => other,
        }
    }
}

/// A verb, which may be the guard's own, and the API group and resource that it is about.
pub type Right = (&'static str, &'static str, &'static str);

/// Who made a request, for asking what that person may do.
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
    /// What an authenticator added.
    #[serde(default)]
    pub extra: std::collections::BTreeMap<String, Vec<String>>,
}

impl Cluster {
    /// The object, or `None` where there is none.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn get(&self, reference: &ObjectRef) -> Result<Option<Arc<Object>>, ReadError> {
        match self {
            Cluster::Live(cluster) => cluster.get(reference).await,
            Cluster::Snapshot(snapshot) => snapshot.get(reference),
        }
    }

    /// The object, for whoever can't go on without an answer.
    ///
    /// # Errors
    /// As for [`Cluster::get`], with what was asked for.
    pub async fn need(&self, reference: &ObjectRef) -> Result<Option<Arc<Object>>, Unread> {
        let read = self.get(reference).await;
        read.map_err(|error| Unread::Object(reference.clone(), error))
    }

    /// The objects of a kind, for whoever can't go on without an answer.
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

    /// The objects of a kind in a namespace (all of them for cluster-scoped kinds) that carry all `labels`.
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

    /// The objects of a kind that carry all `labels`, in a namespace or in all of them.
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
        match self {
            Cluster::Live(cluster) => cluster.list(kind, namespace, labels, contents).await,
            Cluster::Snapshot(snapshot) => snapshot.list(kind, namespace, labels),
        }
    }

    /// Whether a user may read and write Secrets and write workloads in a namespace; only then may a record of theirs be compared with it.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn may_write(&self, user: &User, namespace: &str) -> Result<bool, ReadError> {
        match self {
            Cluster::Live(cluster) => cluster.may_write(user, namespace).await,
            Cluster::Snapshot(_) => Ok(true),
        }
    }

    /// Whether a user has a right over one thing in a namespace.
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
