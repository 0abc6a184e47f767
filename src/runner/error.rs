//! Why a step is not done.

use crate::{
    cluster::{Unread, WriteError},
    kubernetes::ObjectRef,
    volume_move::Taken,
};

/// Why a step can't be done, or does not stay done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// Something that the step needs can't be read.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// The API server does not do it.
    #[error("can't {what}: {error}")]
    Write {
        /// The verb and the object.
        what: String,
        /// The answer.
        error: WriteError,
    },
    /// The step is about no object, and was to change one.
    #[error("it has no object")]
    NoObject,
    /// The object was deleted.
    #[error("{0} is not there any more")]
    Gone(ObjectRef),
    /// The volume went to a third claim.
    #[error("{0}: {1}")]
    Taken(ObjectRef, Taken),
    /// Something sets the object back each time.
    #[error("{0} does not stay as it is set: something else changes it back")]
    SetBack(ObjectRef),
    /// Something scales the StatefulSet up again.
    #[error("{0} does not stay scaled to 0")]
    ScaledBack(ObjectRef),
    /// Another claim of the name was made first.
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
    /// The claim that the volume is to go to has another one.
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
        /// Its phase, where there is such a claim.
        phase: Option<String>,
    },
    /// The object did not go in time.
    #[error("{0} is still there")]
    StillThere(ObjectRef),
}
