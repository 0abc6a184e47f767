//! The rules, in the order in which their findings are shown and their cures are to be done.
//!
//! A rule is a pure function of a [`Change`] and the [`Facts`]; every reader of the table (both gates, the
//! denial, metrics) takes it from here.

mod after_upgrade;
mod authentication_changed;
mod authentication_not_explicit;
mod backup_first;
mod chart_8_3_0_not_recommended;
mod chart_warnings;
mod claim_deleted;
mod claim_removed;
mod claim_retention_policy;
mod claims_orphaned;
mod component_disappears;
mod component_versions_differ;
mod connectors_secret_missing;
mod console_role;
mod credential_placeholder;
mod credential_source_changed;
mod credentials_secret_incomplete;
mod data_migration_disabled;
mod data_migration_on_install;
mod datastore_changed;
mod dedicated_elasticsearch;
mod downgrade;
mod duplicate_environment;
mod elasticsearch_claim_labels;
mod elasticsearch_claims_orphaned;
mod elasticsearch_clone_while_running;
mod elasticsearch_nodes_reduced;
mod elasticsearch_values_8_3;
mod elasticsearch_version;
mod gateway_authentication_enabled;
mod gateway_renamed;
mod heard;
mod helm_cli_version;
mod hub_migration;
mod identity_migration_disabled;
mod identity_migration_idp;
mod identity_secret_deleted;
mod identity_secret_regenerated;
mod identity_secret_removed;
mod images_of_another_line;
mod immutable_field_changed;
mod importers_disabled;
mod index_prefix_changed;
mod keycloak_major_upgrade;
mod ldap_unsupported;
mod migration_unfinished;
mod migration_without_data;
mod multi_tenancy_half;
mod not_checked;
mod oidc_client_unknown;
mod oidc_env_renamed;
mod optimize_pairing;
mod orchestration_values;
mod page;
mod partitions_changed;
mod per_app_retention;
mod postgresql_major_upgrade;
mod pre_release;
mod reinstall_over_old_claims;
mod release_notes;
mod resource_authorizations;
mod server_dry_run;
mod storage_shrunk;
mod tls_outside_orchestration;
mod upgrade_path_not_latest_patch;
mod upgrade_path_skipped;
mod user_id_changed;
mod value_keys;
mod values_dropped;
mod values_ignored;
mod values_moved;
mod volume_not_retained;
mod volume_rebind_while_running;
mod wanted;
mod web_modeler_database_url;
mod web_modeler_postgresql_renamed;
mod zeebe_brokers_reduced;

use std::collections::BTreeSet;

use crate::{
    change::{Change, Facts, Wanted},
    finding::{Action, Finding, Reference, RuleId},
    fixes::{
        conversion,
        convert::{Converted, ValuesFile},
    },
    kubernetes::Object,
    matching::Match,
};

pub(crate) use self::{
    elasticsearch_claims_orphaned::{Orphaned, orphaned},
    identity_secret_regenerated::{credential_flags, demanded_flags},
    release_notes::{notes, title as note_title},
};
use self::{heard::Heard, not_checked::Unjudged, wanted::Needs};
pub use crate::knowledge::credentials::readers::secret_refs;

pub use self::{
    claim_removed::behind_removed as behind_removed_claims,
    credential_placeholder::is_carried,
    elasticsearch_clone_while_running::source as clone_source,
    heard::{Counting, by_default},
    identity_secret_deleted::{may_be_needed, release_of},
    identity_secret_regenerated::may_be_overwritten,
    postgresql_major_upgrade::{is_postgresql, major as postgresql_major},
    value_keys::{ValueFate, ValueKey, value_keys},
    volume_rebind_while_running::in_use as volume_in_use,
};

/// One rule.
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// The problem that it stops, in a line.
    pub summary: &'static str,
    /// The section of Camunda's documentation that most of its findings are about.
    pub guide: Reference,
    /// The actions that its findings can have for a Helm release, the usual one first. Without any, the rule is not run.
    pub release: &'static [Action],
    /// How it judges a single object, if it does.
    pub object: Option<AtObject>,
    /// Its page, in Markdown.
    pub page: &'static str,
    /// The live objects that it needs besides the live twins of the changed objects.
    needs: &'static [Needs],
    judge: Judge,
}

/// How a rule judges single objects.
pub struct AtObject {
    /// The actions that its findings can have, the usual one first.
    pub actions: &'static [Action],
    /// The requests that it has to see.
    pub matches: &'static [&'static Match],
}

const fn at(actions: &'static [Action], matches: &'static [&'static Match]) -> Option<AtObject> {
    Some(AtObject { actions, matches })
}

/// How a rule runs.
enum Judge {
    /// Independently.
    Alone(fn(&Change, &Facts) -> Vec<Finding>),
    /// It omits problems that other rules report, if those count after policy and overrides.
    Beside {
        /// The rules that it yields to.
        others: &'static [RuleId],
        /// Finds the problems that the others do not report.
        judge: fn(&Change, &Facts, &Heard<'_>) -> Vec<Finding>,
    },
}

impl Rule {
    /// The rule with an id; a mutation's is none.
    pub fn of(id: RuleId) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.id == id)
    }

    /// The rule with an id as it is typed.
    pub fn named(id: &str) -> Option<&'static Rule> {
        Rule::of(id.parse().ok()?)
    }

    /// The rules that this one leaves its findings to where they have the same.
    pub fn yields_to(&self) -> &'static [RuleId] {
        match self.judge {
            Judge::Alone(_) => &[],
            Judge::Beside { others, .. } => others,
        }
    }
}

/// All rules.
pub const RULES: &[Rule] = &[
    not_checked::RULE,
    upgrade_path_skipped::RULE,
    downgrade::RULE,
    chart_8_3_0_not_recommended::RULE,
    component_versions_differ::RULE,
    images_of_another_line::RULE,
    pre_release::RULE,
    optimize_pairing::RULE,
    elasticsearch_version::RULE,
    volume_not_retained::RULE,
    component_disappears::RULE,
    hub_migration::RULE,
    orchestration_values::RULE,
    values_moved::RULE,
    web_modeler_postgresql_renamed::RULE,
    per_app_retention::RULE,
    dedicated_elasticsearch::RULE,
    datastore_changed::RULE,
    index_prefix_changed::RULE,
    elasticsearch_claims_orphaned::RULE,
    claims_orphaned::RULE,
    claim_removed::RULE,
    storage_shrunk::RULE,
    elasticsearch_claim_labels::RULE,
    claim_retention_policy::RULE,
    zeebe_brokers_reduced::RULE,
    elasticsearch_nodes_reduced::RULE,
    postgresql_major_upgrade::RULE,
    claim_deleted::RULE,
    volume_rebind_while_running::RULE,
    elasticsearch_clone_while_running::RULE,
    identity_secret_removed::RULE,
    identity_secret_regenerated::RULE,
    credential_source_changed::RULE,
    credentials_secret_incomplete::RULE,
    credential_placeholder::RULE,
    connectors_secret_missing::RULE,
    reinstall_over_old_claims::RULE,
    identity_secret_deleted::RULE,
    elasticsearch_values_8_3::RULE,
    web_modeler_database_url::RULE,
    oidc_env_renamed::RULE,
    ldap_unsupported::RULE,
    authentication_changed::RULE,
    oidc_client_unknown::RULE,
    identity_migration_idp::RULE,
    resource_authorizations::RULE,
    multi_tenancy_half::RULE,
    authentication_not_explicit::RULE,
    identity_migration_disabled::RULE,
    tls_outside_orchestration::RULE,
    importers_disabled::RULE,
    data_migration_disabled::RULE,
    migration_unfinished::RULE,
    data_migration_on_install::RULE,
    immutable_field_changed::RULE,
    duplicate_environment::RULE,
    server_dry_run::RULE,
    upgrade_path_not_latest_patch::RULE,
    helm_cli_version::RULE,
    partitions_changed::RULE,
    values_dropped::RULE,
    values_ignored::RULE,
    migration_without_data::RULE,
    after_upgrade::RULE,
    backup_first::RULE,
    keycloak_major_upgrade::RULE,
    user_id_changed::RULE,
    gateway_authentication_enabled::RULE,
    console_role::RULE,
    gateway_renamed::RULE,
    chart_warnings::RULE,
    release_notes::RULE,
];

/// Returns the live objects that the rules need of a release: first those known from the change alone, then those that the facts
/// lead to. Objects that were asked for already may be among them.
pub fn needs(change: &Change, facts: Option<&Facts>) -> BTreeSet<Wanted> {
    let rules = RULES.iter().filter(|rule| !rule.release.is_empty());
    let mut needs: Vec<_> = rules.flat_map(|rule| rule.needs).collect();
    // Many rules need the same; to ask once is enough.
    needs.sort_unstable_by_key(|needs| **needs as usize);
    needs.dedup_by_key(|needs| **needs as usize);
    let needs = needs.into_iter();
    let mut wanted: BTreeSet<_> = needs.flat_map(|needs| needs(change, facts)).collect();
    if facts.is_none() {
        wanted.extend(wanted::twins(change));
    }
    wanted
}

/// The rule about credentials that a chart would make anew, or wants to be given again.
pub const PASSWORDS: RuleId = identity_secret_regenerated::RULE.id;

/// The rule that finds what could not be read.
pub const NOT_CHECKED: RuleId = not_checked::RULE.id;

/// Reports what could not be read, if nothing else can be judged.
pub fn unchecked(change: &Change, facts: &Facts) -> Vec<Finding> {
    not_checked::judge(change, facts)
}

/// Whether an update of a StatefulSet can't be judged without its claims.
pub fn concern_claims(old: &Object, new: &Object) -> bool {
    zeebe_brokers_reduced::concerns(old, new)
        || elasticsearch_nodes_reduced::concerns(old, new)
        || postgresql_major_upgrade::concerns(old, new)
        || claim_retention_policy::concerns(old, new)
}

/// The values files that take the place of what the new chart reads under other keys, or not at all.
pub(crate) fn values_files(change: &Change, facts: &Facts) -> Vec<ValuesFile> {
    let files = [
        elasticsearch_values_8_3::file(change),
        web_modeler_database_url::file(change),
        conversion::file(change, facts),
    ];
    files.into_iter().flatten().collect()
}

/// The whole file with the user's values under other keys, secret ones among them, and what a person has to decide.
pub fn converted_file(change: &Change, facts: &Facts) -> Option<(String, Vec<String>)> {
    let found = [
        elasticsearch_values_8_3::whole(change),
        web_modeler_database_url::whole(change),
        conversion::whole(change, facts),
    ];
    let mut all = Converted::default();
    for converted in found.into_iter().flatten() {
        all.absorb(converted);
    }
    let decisions = all.decisions().map(str::to_owned).collect();
    (!all.is_empty()).then(|| (all.whole(&change.values) + "\n", decisions))
}

/// Runs all rules. Findings about unread things come first, with the rules that could not judge because of them.
pub fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    judge_counting(change, facts, &by_default)
}

/// Runs all rules with other actions than the default ones: no rule yields to a rule that is not reported.
pub fn judge_counting(change: &Change, facts: &Facts, counts: Counting<'_>) -> Vec<Finding> {
    judge_by(RULES, change, facts, counts)
}

/// The same as long as `goes_on` says so, which is asked before each rule; `None` if not all have judged.
pub fn judge_while(
    change: &Change,
    facts: &Facts,
    counts: Counting<'_>,
    goes_on: &dyn Fn() -> bool,
) -> Option<Vec<Finding>> {
    judge_by_while(RULES, change, facts, counts, goes_on)
}

/// Returns what remains to be done for a deployed release.
pub fn left(change: &Change, facts: &Facts) -> Vec<Finding> {
    judge_by(&[after_upgrade::RULE], change, facts, &by_default)
}

/// Judges a claim that Helm deletes, by the record of the operation in progress.
pub fn removal(change: &Change, facts: &Facts) -> Vec<Finding> {
    judge_by(&[claim_removed::RULE], change, facts, &by_default)
}

fn judge_by(rules: &[Rule], change: &Change, facts: &Facts, counts: Counting<'_>) -> Vec<Finding> {
    judge_by_while(rules, change, facts, counts, &|| true).unwrap_or_default()
}

fn judge_by_while(
    rules: &[Rule],
    change: &Change,
    facts: &Facts,
    counts: Counting<'_>,
    goes_on: &dyn Fn() -> bool,
) -> Option<Vec<Finding>> {
    let mut unjudged = Unjudged::default();
    // What was met on the way here no rule has asked for.
    unjudged.forget(change, facts);
    let mut findings = heard::judge(rules, change, facts, counts, &mut unjudged, goes_on)?;
    let mut all = not_checked::find(change, facts, &unjudged);
    all.append(&mut findings);
    Some(all)
}
