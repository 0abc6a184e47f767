//! A user's values of 12 as values of 13: one file to paste, with what 13 has switched off switched on again as it ran.

use crate::{
    camunda::Application,
    change::{Change, Side},
    facts::Facts,
    finding::Fix,
    rules::Converted,
};

/// The chart that asks for other values.
pub(crate) const SINCE: &str = "13.0.0";
/// The file that a person pastes.
const FILE: &str = "camunda-13.yaml";

/// What to type so that the values of this change do in 13 what they did before; nothing where there is nothing to convert.
///
/// Several rules find what this one file cures: each prints it, and a refusal shows it once.
pub(crate) fn fixes(change: &Change, _facts: &Facts) -> Vec<Fix> {
    if !change.enters(SINCE) {
        return Vec::new();
    }
    let mut new = Converted::default();
    migrations(change, &mut new);
    if new.is_empty() {
        return Vec::new();
    }
    new.fixes(&change.values, FILE)
}

/// Data and identities are moved by Jobs that 13 has switched off.
fn migrations(change: &Change, new: &mut Converted) {
    let ran = |application| change.application(application, Side::Running).is_some();
    if ran(Application::Operate) || ran(Application::Tasklist) {
        new.set("orchestration.migration.data.enabled", true.into());
    }
    if ran(Application::Identity) {
        new.set("orchestration.migration.identity.enabled", true.into());
    }
}
