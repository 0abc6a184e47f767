//! The mutations: what the guard sets itself, because the guides say that it must be set.
//!
//! Each is a pure function of an object and the facts, leaves alone what somebody set on purpose, and finds
//! nothing more to do in its own result.

pub mod claim_bound_to_retained_volume;
pub mod volume_claim_ref;
pub mod volume_reclaim_policy;
pub mod zeebe_fs_group;

use crate::{finding::RuleId, kubernetes::Object};

/// An object as the guard would have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutated {
    /// Which mutation did it.
    pub mutation: RuleId,
    /// The new object.
    pub object: Object,
    /// One line for the user.
    pub notice: String,
}

/// The ids of all mutations, for metrics and audit annotations.
pub const MUTATIONS: [RuleId; 4] = [
    zeebe_fs_group::ID,
    volume_claim_ref::ID,
    volume_reclaim_policy::ID,
    claim_bound_to_retained_volume::ID,
];
