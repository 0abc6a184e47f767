//! One value of Camunda's chart, as a flag to add to the upgrade.

use super::typed::Types;
use crate::{
    change::Change,
    finding::{Command, shell},
};

/// `--set KEY=VALUE`, also under an umbrella chart; `--set-string` where the chart wants a text and Helm would take it for something else.
pub fn set(change: &Change, key: &str, value: &str) -> Command {
    let shown = change.values.key_in_file(key);
    set_as(change, key, &shown, value)
}

/// The same for a key that is known under the name that the release's own files have for it, too.
pub(crate) fn set_as(change: &Change, key: &str, shown: &str, value: &str) -> Command {
    Command::HelmFlag(text(change, key, shown, value))
}

/// The same where a person has to choose it or fill it in.
pub(crate) fn choose(change: &Change, key: &str, value: &str) -> Command {
    let shown = change.values.key_in_file(key);
    Command::Manual(text(change, key, &shown, value))
}

fn text(change: &Change, key: &str, shown: &str, value: &str) -> String {
    let flag = match Types::of(change).is_text(key, value) {
        true => "--set-string",
        false => "--set",
    };
    let assignment = format!("{shown}={value}");
    format!("{flag} {}", shell::quote(&assignment))
}
