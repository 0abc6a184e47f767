//! The applications that checked authorizations for single processes and decisions.

use crate::{
    camunda::Application,
    change::{Change, Facts, Side},
    knowledge::configuration::Configuration,
};

/// The value that makes the Identity migration carry the authorizations over.
pub(crate) const ENABLED: &str = "orchestration.migration.identity.resourceAuthorizationsEnabled";

/// The properties that switch the authorizations on in 12.
const SWITCHES: [(Application, &[&str]); 3] = [
    (
        Application::IDENTITY,
        &[
            "identity.flags.resource-permissions",
            "RESOURCE_PERMISSIONS_ENABLED",
        ],
    ),
    (
        Application::OPERATE,
        &[
            "camunda.operate.identity.resourcePermissionsEnabled",
            "camunda.identity.resourcePermissionsEnabled",
        ],
    ),
    (
        Application::TASKLIST,
        &[
            "camunda.tasklist.identity.resourcePermissionsEnabled",
            "camunda.identity.resourcePermissionsEnabled",
        ],
    ),
];

/// The applications of 12 that have them on.
pub(crate) fn users(change: &Change, facts: &Facts) -> Vec<&'static str> {
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
