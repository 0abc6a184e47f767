//! `resource-authorizations`: the migration of identities would grant more than before.
//!
//! Where 12 checked authorizations for single processes and decisions, the Job carries them over only if it is told so.
//! Else it grants the roles of Operate and Tasklist everything.
//!
//! Since chart 13. Documented: "Resource authorizations".

use super::{Rule, cures::conversion::SINCE, cures::flag};

use crate::{
    camunda::Application,
    change::{Change, Side},
    configuration::Configuration,
    facts::Facts,
    finding::{Action, Finding, Fix},
};

pub(super) const RULE: Rule = Rule {
    id: "resource-authorizations",
    summary: "the migration of identities would grant more than before",
    page: include_str!("../../docs/rules/resource-authorizations.md"),
    judge,
};

pub(super) const ENABLED: &str = "orchestration.migration.identity.resourceAuthorizationsEnabled";
const JOB: &str = "camunda.migration.identity.resource-authorizations-enabled";
/// What switches them on in 12.
const SWITCHES: [(Application, &[&str]); 3] = [
    (
        Application::Identity,
        &[
            "identity.flags.resource-permissions",
            "RESOURCE_PERMISSIONS_ENABLED",
        ],
    ),
    (
        Application::Operate,
        &[
            "camunda.operate.identity.resourcePermissionsEnabled",
            "camunda.identity.resourcePermissionsEnabled",
        ],
    ),
    (
        Application::Tasklist,
        &[
            "camunda.tasklist.identity.resourcePermissionsEnabled",
            "camunda.identity.resourcePermissionsEnabled",
        ],
    ),
];

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let job = change.application(Application::IdentityMigration, Side::Planned);
    let (Some(job), true) = (job, change.enters(SINCE)) else {
        return Vec::new();
    };
    if Configuration::of(change, facts, job, Side::Planned).flag(JOB) == Some(true) {
        return Vec::new();
    }
    let users = users(change, facts);
    if users.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "The migration of identities would grant more than before".to_owned(),
        objects: vec![job.object.clone()],
        why: vec![
            format!(
                "Resource authorizations are on in 12 ({}).",
                users.join(", ")
            ),
            format!(
                "{} is not told to carry them over: users with rights to some processes and decisions would get them to all.",
                job.object
            ),
        ],
        fixes: vec![Fix::new(
            "Carry them over; add to your helm upgrade:",
            vec![flag::set(change, ENABLED, "true")],
        )],
        guide: "Resource authorizations",
    }]
}

/// The applications of 12 that have them on.
pub(super) fn users(change: &Change, facts: &Facts) -> Vec<&'static str> {
    SWITCHES
        .iter()
        .filter(|(application, switches)| uses(change, facts, *application, switches))
        .map(|(application, _)| application.name())
        .collect()
}

fn uses(change: &Change, facts: &Facts, application: Application, switches: &[&str]) -> bool {
    let Some(workload) = change.application(application, Side::Running) else {
        return false;
    };
    let configuration = Configuration::of(change, facts, workload, Side::Running);
    // The first that is set decides: the second is what it would stand for.
    let set = switches
        .iter()
        .find_map(|switch| configuration.flag(switch));
    set == Some(true)
}
