//! The rules, in the order in which their findings are shown and their cures are to be done.
//!
//! A rule is a pure function of a [`Change`] and the [`Facts`]; every reader of the table (both gates, the
//! denial, metrics) takes it from here.

mod carry_over;
mod claims_orphaned;
mod connectors_secret_missing;
mod convert;
mod credential_source_changed;
mod credentials_secret_incomplete;
mod elasticsearch_claims_orphaned;
mod elasticsearch_values_8_3;
mod hand_over;
mod identity_secret_deleted;
mod identity_secret_regenerated;
mod identity_secret_removed;
mod immutable_field_changed;
mod keep_claims;
mod known_by;
mod not_checked;
mod oidc_env_renamed;
mod purposes;
mod reinstall_over_old_claims;
mod secret_readers;
mod secret_values;
mod sources;
mod supply;
mod web_modeler_database_url;

use crate::{change::Change, facts::Facts, finding::Finding};

pub use self::{
    connectors_secret_missing::connectors_secret,
    identity_secret_deleted::{may_be_needed, release_of},
    secret_readers::{SecretRef, secret_refs},
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
    elasticsearch_claims_orphaned::RULE,
    claims_orphaned::RULE,
    identity_secret_removed::RULE,
    identity_secret_regenerated::RULE,
    credential_source_changed::RULE,
    credentials_secret_incomplete::RULE,
    connectors_secret_missing::RULE,
    reinstall_over_old_claims::RULE,
    identity_secret_deleted::RULE,
    elasticsearch_values_8_3::RULE,
    web_modeler_database_url::RULE,
    oidc_env_renamed::RULE,
    immutable_field_changed::RULE,
];

/// What could not be read, where nothing else can be judged.
pub fn unchecked(change: &Change, facts: &Facts) -> Vec<Finding> {
    (not_checked::RULE.judge)(change, facts)
}

/// All that all rules find.
pub fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    RULES
        .iter()
        .flat_map(|rule| (rule.judge)(change, facts))
        .collect()
}
