//! The value that says how many pods a StatefulSet has, and what became of it.

use super::flag;
use crate::{
    change::{Change, Operation},
    finding::Fix,
};

/// Explains why there would be fewer pods, as far as the user's values tell. `key` is the key that the target chart reads, `all`
/// are the keys of all lines, both as Camunda's own chart has them.
pub(crate) fn cause<'a>(
    change: &Change,
    key: &str,
    all: impl Iterator<Item = &'a str> + Clone,
    planned: u64,
) -> Option<String> {
    let chart = &change.to.as_ref().or(change.from.as_ref())?.version;
    let own = change.values.own_key(key);
    // Of a user's values only a number is told.
    let number = |text: String| text.parse::<u64>().ok();
    if let Some(value) = change.values.text(own) {
        return (value == planned.to_string())
            .then(|| format!("Your values set {key} to {value}."));
    }
    let set = all.clone().filter(|old| *old != own).find_map(|old| {
        let value = change.values.text(old).and_then(number)?;
        Some((change.values.key_in_file(old), value))
    });
    if let Some((old, value)) = set {
        return Some(format!(
            "Your values set {old} to {value}; chart {chart} does not read it, its key is {key}."
        ));
    }
    let running = change.running_values.as_ref()?;
    let (old, value) = all.clone().find_map(|old| {
        let value = running.text(old).and_then(number)?;
        Some((running.key_in_file(old), value))
    })?;
    Some(format!(
        "The running release was given {old}={value}; the new values have no {key}, so the chart's default counts."
    ))
}

/// Keeps the number of pods through a value of Camunda's own chart, which the release's own files call `shown`.
pub(crate) fn keep(change: &Change, key: &str, shown: &str, before: u64) -> Fix {
    let flag = flag::set_as(change, key, shown, &before.to_string());
    let intro = match change.operation {
        Operation::Rollback => format!(
            "Keep all {before} of them. A rollback takes no values: in place of it upgrade to the chart that you want, and add:"
        ),
        Operation::Install => format!("Keep all {before} of them; add to your helm install:"),
        _ => format!("Keep all {before} of them; add to your helm upgrade:"),
    };
    Fix::new(intro, vec![flag])
}
