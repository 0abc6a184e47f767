//! The rules, in the order in which their findings are shown and their cures are to be done.
//!
//! A rule is a pure function of a [`Change`] and the [`Facts`]; every reader of the table (both gates, the
//! denial, metrics) takes it from here.

mod claims_orphaned;
mod elasticsearch_claims_orphaned;
mod hand_over;
mod identity_secret_regenerated;
mod identity_secret_removed;
mod immutable_field_changed;
mod keep_claims;
mod not_checked;
mod secret_readers;

use crate::{change::Change, facts::Facts, finding::Finding};

pub use self::secret_readers::{SecretRef, secret_refs};

/// One rule.
pub struct Rule {
    /// The id that users type, metrics count and denials print.
    pub id: &'static str,
    /// What it stops, in a line.
    pub summary: &'static str,
    judge: fn(&Change, &Facts) -> Vec<Finding>,
}

/// All rules.
pub const RULES: [Rule; 6] = [
    Rule {
        id: not_checked::ID,
        summary: "something that a rule needs could not be read",
        judge: not_checked::judge,
    },
    Rule {
        id: elasticsearch_claims_orphaned::ID,
        summary: "Elasticsearch would start on empty volumes",
        judge: elasticsearch_claims_orphaned::judge,
    },
    Rule {
        id: claims_orphaned::ID,
        summary: "a component's volumes would be left behind",
        judge: claims_orphaned::judge,
    },
    Rule {
        id: identity_secret_removed::ID,
        summary: "a Secret that is still needed would be deleted",
        judge: identity_secret_removed::judge,
    },
    Rule {
        id: identity_secret_regenerated::ID,
        summary: "a generated credential would get a new value",
        judge: identity_secret_regenerated::judge,
    },
    Rule {
        id: immutable_field_changed::ID,
        summary: "a field changes that Kubernetes does not let change",
        judge: immutable_field_changed::judge,
    },
];

/// What could not be read, where nothing else can be judged.
pub fn unchecked(change: &Change, facts: &Facts) -> Vec<Finding> {
    not_checked::judge(change, facts)
}

/// All that all rules find.
pub fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    RULES
        .iter()
        .flat_map(|rule| (rule.judge)(change, facts))
        .collect()
}
