//! Things that the guard tried to read and could not.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::kubernetes::{Kind, ObjectRef};

/// Live objects to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// An object.
    One(ObjectRef),
    /// All objects of a kind in a namespace; in all namespaces if it is empty.
    All(Kind, String),
}

impl Wanted {
    /// The kind of the objects.
    pub fn kind(&self) -> Kind {
        match self {
            Wanted::One(reference) => reference.kind,
            Wanted::All(kind, _) => *kind,
        }
    }

    /// The namespace of the objects, where their kind has one.
    pub fn namespace(&self) -> Option<&str> {
        let namespace = match self {
            Wanted::One(reference) => &reference.namespace,
            Wanted::All(_, namespace) => namespace,
        };
        self.kind().namespaced().then_some(namespace)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.namespace()) {
            (Wanted::One(reference), _) => reference.fmt(f),
            (Wanted::All(kind, _), None) => f.write_str(kind.plural()),
            (Wanted::All(kind, _), Some("")) => write!(f, "{} in all namespaces", kind.plural()),
            (Wanted::All(kind, _), Some(namespace)) => {
                write!(f, "{} in namespace {namespace}", kind.plural())
            }
        }
    }
}

/// Something that could not be read, and so could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// What the guard tried to read.
    pub what: Unseen,
    /// Why it failed.
    pub reason: String,
}

impl Gap {
    /// Builds a gap from what was to be read and the reason why it was not.
    pub fn new(what: impl Into<Unseen>, reason: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            reason: reason.into(),
        }
    }
}

/// What the guard tried to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unseen {
    /// Live objects.
    Live(Wanted),
    /// A record, a manifest, or a part of one, described in words.
    Told(String),
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unseen::Live(wanted) => wanted.fmt(f),
            Unseen::Told(what) => f.write_str(what),
        }
    }
}

impl Serialize for Unseen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Wanted> for Unseen {
    fn from(wanted: Wanted) -> Self {
        Unseen::Live(wanted)
    }
}

impl From<String> for Unseen {
    fn from(what: String) -> Self {
        Unseen::Told(what)
    }
}

impl From<&str> for Unseen {
    fn from(what: &str) -> Self {
        Unseen::Told(what.to_owned())
    }
}
