//! The keys of a user's values that do not reach the new chart as they are. Values themselves are never among it.

use super::{
    values_dropped, values_ignored,
    values_moved::{self, is_off},
};
use crate::{
    change::{Change, Operation},
    helm::values::{below, is_empty},
};

/// A key of a user's values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueKey {
    /// The key, as the user's own files have it.
    pub key: String,
    /// What becomes of it.
    pub fate: ValueFate,
    /// The key that the new chart reads in its place, if it is known.
    pub instead: Option<String>,
}

/// What becomes of a value in an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueFate {
    /// It is given, and the new chart reads it under another key.
    Moved,
    /// It is given, and the new chart reads it nowhere.
    Ignored,
    /// It was given before and is not given now.
    NotGiven,
}

impl ValueFate {
    /// Returns the name that machine-readable reports use.
    pub fn name(self) -> &'static str {
        match self {
            ValueFate::Moved => "moved",
            ValueFate::Ignored => "ignored",
            ValueFate::NotGiven => "notGiven",
        }
    }
}

/// Returns the keys in order; none of a rollback, which brings the values of its revision along.
pub fn value_keys(change: &Change) -> Vec<ValueKey> {
    if change.operation != Operation::Upgrade {
        return Vec::new();
    }
    let values = &change.values;
    let mut moved = values_moved::all_lost(change);
    moved.retain(|moved| !is_off(values, &moved.old));
    let is_moved = |key: &str| moved.iter().any(|it| below(key, &it.old).is_some());
    let shown = |key: &str| values.key_in_file(key);
    let ignored = values.leaves().into_iter().filter(|(key, value)| {
        !is_empty(value)
            && !is_off(values, key)
            && !is_moved(key)
            && values_ignored::is_unread(change, key)
    });
    let ignored = ignored.map(|(key, _)| ValueKey {
        key: shown(&key),
        fate: ValueFate::Ignored,
        instead: None,
    });
    let not_given = values_dropped::not_given(change);
    let not_given = not_given.into_iter().map(|dropped| ValueKey {
        key: dropped.old,
        fate: ValueFate::NotGiven,
        instead: dropped.new,
    });
    let mut keys: Vec<_> = ignored.chain(not_given).collect();
    keys.extend(moved.iter().map(|moved| ValueKey {
        key: shown(&moved.old),
        fate: ValueFate::Moved,
        instead: moved.new.as_deref().map(shown),
    }));
    keys.sort_unstable();
    keys.dedup();
    keys
}
