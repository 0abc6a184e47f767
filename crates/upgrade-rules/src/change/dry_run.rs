//! What the API server said of a release that was sent for nothing to be kept of it.

use std::collections::{BTreeMap, BTreeSet};

/// An object that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// Kind and name.
    pub object: String,
    /// The API server's words.
    pub why: String,
    /// Whether Helm goes on without a word: Helm 3 does where it may not delete.
    pub passed_over: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct DryRun {
    /// What was not accepted.
    pub refused: BTreeSet<Refusal>,
    /// What could not be asked, and why.
    pub unasked: BTreeMap<String, String>,
}
