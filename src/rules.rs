//! The rules, in the order in which their findings are shown and their cures are to be done.
//!
//! A rule is a pure function of a [`Change`] and the [`Facts`]; every reader of the table (both gates, the
//! denial, metrics) takes it from here.

mod claim_deleted;
mod claim_retention_policy;
mod claims_orphaned;
mod elasticsearch_claim_labels;
mod elasticsearch_claims_orphaned;
mod elasticsearch_clone_while_running;
mod hand_over;
mod identity_secret_regenerated;
mod identity_secret_removed;
mod immutable_field_changed;
mod keep_claims;
mod not_checked;
mod postgresql_major_upgrade;
mod secret_readers;
mod storage_shrunk;
mod volume_not_retained;
mod volume_rebind_while_running;
mod zeebe_brokers_reduced;

use crate::{change::Change, facts::Facts, finding::Finding, object::Object};

pub use self::{
    elasticsearch_claim_labels::SINCE as CLAIM_LABELS_SINCE,
    elasticsearch_clone_while_running::source as clone_source,
    secret_readers::{SecretRef, secret_refs},
    volume_rebind_while_running::in_use as volume_in_use,
};

/// One rule.
pub struct Rule {
    /// The id that users type, metrics count and denials print.
    pub id: &'static str,
    /// What it stops, in a line.
    pub summary: &'static str,
    /// Its page, in Markdown.
    pub page: &'static str,
    judge: fn(&Change, &Facts) -> Vec<Finding>,
}

/// All rules.
pub const RULES: &[Rule] = &[
    not_checked::RULE,
    volume_not_retained::RULE,
    elasticsearch_claims_orphaned::RULE,
    claims_orphaned::RULE,
    storage_shrunk::RULE,
    elasticsearch_claim_labels::RULE,
    claim_retention_policy::RULE,
    zeebe_brokers_reduced::RULE,
    postgresql_major_upgrade::RULE,
    claim_deleted::RULE,
    volume_rebind_while_running::RULE,
    elasticsearch_clone_while_running::RULE,
    identity_secret_removed::RULE,
    identity_secret_regenerated::RULE,
    immutable_field_changed::RULE,
];

/// What could not be read, where nothing else can be judged.
pub fn unchecked(change: &Change, facts: &Facts) -> Vec<Finding> {
    (not_checked::RULE.judge)(change, facts)
}

/// Whether an update of a StatefulSet can't be judged without its claims.
pub fn concern_claims(old: &Object, new: &Object) -> bool {
    zeebe_brokers_reduced::concerns(old, new)
        || postgresql_major_upgrade::concerns(old, new)
        || claim_retention_policy::concerns(old, new)
}

/// All that all rules find.
pub fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    RULES
        .iter()
        .flat_map(|rule| (rule.judge)(change, facts))
        .collect()
}
