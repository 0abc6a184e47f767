//! A right, as a role has it.

use std::fmt;

use super::ObjectRef;

/// One request that a command is going to make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// The verb, as in a role.
    pub verb: &'static str,
    /// The object of the request.
    pub object: ObjectRef,
    /// The subresource, empty for the object itself.
    pub subresource: &'static str,
}

impl Access {
    /// An object itself.
    pub fn new(verb: &'static str, object: &ObjectRef) -> Self {
        Self {
            verb,
            object: object.clone(),
            subresource: "",
        }
    }

    /// Its scale.
    pub fn scale(verb: &'static str, object: &ObjectRef) -> Self {
        Self {
            subresource: "scale",
            ..Self::new(verb, object)
        }
    }
}

/// Formats the request like a role: `patch statefulsets.apps/scale in namespace prod`.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.object.kind;
        write!(f, "{} {}", self.verb, kind.plural())?;
        if !kind.group().is_empty() {
            write!(f, ".{}", kind.group())?;
        }
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        match self.object.namespace.as_str() {
            "" => Ok(()),
            namespace => write!(f, " in namespace {namespace}"),
        }
    }
}
