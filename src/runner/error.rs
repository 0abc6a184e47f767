//! Errors of a plan's steps.

use crate::{
    cluster::{Unread, WriteError},
    kubernetes::ObjectRef,
    volume_move::Taken,
};

/// Reason why a step failed or did not stay done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// An object that the step needs can't be read.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// The API server refused the write.
    #[error("can't {what}: {error}")]
    Write {
        /// The verb and the object.
        what: String,
        /// The API server's answer.
        error: WriteError,
    },
    /// The step names no object but has one to change.
    #[error("it has no object")]
    NoObject,
    /// The object was deleted.
    #[error("{0} is not there any more")]
    Gone(ObjectRef),
    /// The volume was bound to a third claim.
    #[error("{0}: {1}")]
    Taken(ObjectRef, Taken),
    /// Something keeps reverting the object.
    #[error("{0} does not stay as it is set: something else changes it back")]
    SetBack(ObjectRef),
    /// Something keeps scaling the StatefulSet up.
    #[error("{0} does not stay scaled to 0")]
    ScaledBack(ObjectRef),
    /// Somebody else created a claim of this name first.
    #[error("{0} was made by somebody else meanwhile, for another volume")]
    MadeByOthers(ObjectRef),
    /// Pods use the claim again.
    #[error("claim {claim} is in use again by {}", .pods.join(", "))]
    UsedAgain {
        /// The claim that the volume is to be taken from.
        claim: String,
        /// The pods.
        pods: Vec<String>,
    },
    /// The new claim was bound to the volume.
    #[error("claim {claim} has taken volume {volume} meanwhile")]
    Bound {
        /// The new claim.
        claim: String,
        /// The volume that was to go back.
        volume: String,
    },
    /// The claim that is to get the volume is bound to another one.
    #[error("claim {claim} is on volume {other} by now")]
    Occupied {
        /// The claim.
        claim: String,
        /// The volume that it has.
        other: String,
    },
    /// The pods did not end in time.
    #[error("still in use by {}", .0.join(", "))]
    StillUsed(Vec<String>),
    /// The claim was not Bound in time.
    #[error("{claim} is {}", .phase.as_deref().unwrap_or("not there"))]
    NotBound {
        /// The claim.
        claim: ObjectRef,
        /// The claim's phase, if it exists.
        phase: Option<String>,
    },
    /// The object was not deleted in time.
    #[error("{0} is still there")]
    StillThere(ObjectRef),
}
