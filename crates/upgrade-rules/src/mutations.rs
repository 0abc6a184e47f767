//! The mutations: what the guard sets itself, because the guides say that it must be set.
//!
//! Each is a pure function of an object and the facts, leaves alone what somebody set on purpose, and finds
//! nothing more to do in its own result.

pub mod claim_bound_to_retained_volume;
pub mod volume_claim_ref;
pub mod volume_reclaim_policy;
pub mod zeebe_fs_group;

use crate::{
    finding::{Reference, RuleId},
    kubernetes::Object,
    matching::Match,
};

/// An object as the guard changes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutated {
    /// The mutation that changed it.
    pub mutation: RuleId,
    /// The new object.
    pub object: Object,
    /// One line for the user.
    pub notice: String,
}

/// One mutation.
pub struct Mutation {
    /// Its id.
    pub id: RuleId,
    /// The change in one line.
    pub summary: &'static str,
    /// The section of Camunda's documentation that has users do the same by hand.
    pub guide: Reference,
    /// Its page, in Markdown.
    pub page: &'static str,
    /// The requests that it changes.
    pub matches: &'static [&'static Match],
}

/// All mutations.
pub const MUTATIONS: [Mutation; 4] = [
    zeebe_fs_group::MUTATION,
    volume_claim_ref::MUTATION,
    volume_reclaim_policy::MUTATION,
    claim_bound_to_retained_volume::MUTATION,
];
