//! One value of Camunda's chart, as a flag to add to the upgrade.

use super::typed::Types;
use crate::{change::Change, finding::Flag};

/// `--set KEY=VALUE`, also under an umbrella chart; `--set-string` where the chart wants a text and Helm would take it for something else.
pub fn set(change: &Change, key: &str, value: &str) -> Flag {
    let shown = change.values.key_in_file(key);
    set_as(change, key, &shown, value)
}

/// The same for a key that is known under the name that the release's own files have for it, too.
pub(crate) fn set_as(change: &Change, key: &str, shown: &str, value: &str) -> Flag {
    match Types::of(change).is_text(key, value) {
        true => Flag::set_string(shown, value),
        false => Flag::set(shown, value),
    }
}
