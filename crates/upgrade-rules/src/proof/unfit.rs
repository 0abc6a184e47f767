//! Why a cure is not printed.

use std::fmt;

use super::others::Loss;
use crate::{finding::RuleId, kubernetes::ObjectRef};

/// Why a command is not to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// This rule refuses it.
    Refused(RuleId),
    /// It takes something from somebody.
    Costs(Box<Loss>),
    /// It waits for a pod that nothing ends.
    WaitsInVain(ObjectRef),
    /// It is about an object that a command before it deletes.
    Gone(ObjectRef),
    /// The data on this volume would be mounted by nothing.
    Unmounts(String),
    /// The data of this claim is moved or taken up by others before its volume is retained.
    Unretained(ObjectRef),
    /// It is about an object that is not there.
    Nowhere(ObjectRef),
    /// It uses a variable that nothing sets.
    Unset(String),
    /// It names a file that nothing writes.
    Unwritten(String),
    /// It writes a file that the upgrade is not given.
    Ungiven(String),
    /// It leaves out a key of a Secret that the new values name.
    Missing(ObjectRef, String),
    /// It reads a value that is not there, by this command.
    Unread(String),
}

/// Formats it behind "What would cure this".
impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Refused(rule) => write!(f, "is refused by {rule}"),
            Unfit::Costs(loss) => loss.fmt(f),
            Unfit::WaitsInVain(pod) => write!(f, "waits for {pod}, which nothing ends"),
            Unfit::Gone(object) => write!(f, "needs {object}, which another step deletes"),
            Unfit::Unretained(claim) => {
                write!(f, "touches {claim} before its volume is retained")
            }
            Unfit::Nowhere(object) => write!(f, "is about {object}, which is not there"),
            Unfit::Unset(variable) => write!(f, "uses the variable {variable}, which nothing sets"),
            Unfit::Ungiven(file) => write!(f, "writes {file}, which the upgrade is not given"),
            Unfit::Missing(secret, key) => write!(f, "leaves {secret} without {key}"),
            Unfit::Unread(command) => {
                write!(f, "reads a value that is not there ({command})")
            }
            Unfit::Unwritten(file) => write!(f, "gives {file}, which nothing writes"),
            Unfit::Unmounts(volume) => {
                write!(f, "leaves volume {volume} mounted by nothing")
            }
        }
    }
}
