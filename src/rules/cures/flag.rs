//! One value of Camunda's chart, as a flag to add to the upgrade.

use crate::{change::Change, finding::Command, shell};

/// `--set KEY=VALUE`, also under an umbrella chart.
pub(crate) fn set(change: &Change, key: &str, value: &str) -> Command {
    Command::HelmFlag(text(change, key, value))
}

/// The same where a person has to choose it or fill it in.
pub(in crate::rules) fn choose(change: &Change, key: &str, value: &str) -> Command {
    Command::Manual(text(change, key, value))
}

fn text(change: &Change, key: &str, value: &str) -> String {
    let assignment = format!("{}={value}", change.values.key_in_file(key));
    format!("--set {}", shell::quote(&assignment))
}
