//! The rules, in the order in which their findings are shown and their cures are to be done.
//!
//! A rule is a pure function of a [`Change`] and the [`Facts`]; every reader of the table (both gates, the
//! denial, metrics) takes it from here.

mod backup_first;
mod chart_8_3_0_not_recommended;
mod claims_orphaned;
mod component_versions_differ;
mod console_role;
mod datastore_changed;
mod downgrade;
mod elasticsearch_claims_orphaned;
mod elasticsearch_version;
mod gateway_authentication_enabled;
mod gateway_renamed;
mod hand_over;
mod helm_cli_version;
mod identity_secret_regenerated;
mod identity_secret_removed;
mod immutable_field_changed;
mod keep_claims;
mod keycloak_major_upgrade;
mod not_checked;
mod optimize_pairing;
mod ready;
mod release_notes;
mod secret_readers;
mod upgrade_path_not_latest_patch;
mod upgrade_path_skipped;
mod user_id_changed;
mod values_dropped;
mod way;

use crate::{change::Change, facts::Facts, finding::Finding};

pub use self::{
    downgrade::goes_back,
    gateway_renamed::renamed_gateway,
    secret_readers::{SecretRef, secret_refs},
    user_id_changed::changed_user,
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
    upgrade_path_skipped::RULE,
    downgrade::RULE,
    chart_8_3_0_not_recommended::RULE,
    component_versions_differ::RULE,
    optimize_pairing::RULE,
    elasticsearch_version::RULE,
    datastore_changed::RULE,
    elasticsearch_claims_orphaned::RULE,
    claims_orphaned::RULE,
    identity_secret_removed::RULE,
    identity_secret_regenerated::RULE,
    immutable_field_changed::RULE,
    upgrade_path_not_latest_patch::RULE,
    helm_cli_version::RULE,
    values_dropped::RULE,
    backup_first::RULE,
    keycloak_major_upgrade::RULE,
    user_id_changed::RULE,
    gateway_authentication_enabled::RULE,
    console_role::RULE,
    gateway_renamed::RULE,
    release_notes::RULE,
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
