//! The API server's answers to a dry run of a release.

use std::collections::{BTreeMap, BTreeSet};

/// An object that the API server refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// Kind and name.
    pub object: String,
    /// The API server's message.
    pub why: String,
    /// Whether Helm ignores this refusal silently: Helm 3 does when it may not delete.
    pub passed_over: bool,
}

/// The result of a dry run.
#[derive(Clone, Debug, Default)]
pub struct DryRun {
    /// The refused objects.
    pub refused: BTreeSet<Refusal>,
    /// What could not be checked, and why.
    pub unasked: BTreeMap<String, String>,
}
