//! Converts a user's values of the previous line to the new line: one file to paste, and the one Secret that it names.
//!
//! Renamed keys are moved, components that the new chart switched off are switched on as they ran, and passwords from the old
//! chart's own Secrets are carried over into one that the user makes. Several rules find problems that this one file fixes:
//! each prints it, and a refusal shows it once.

mod credentials;
pub(crate) mod merged;
mod named;
pub(crate) mod renamed;
mod switched;

use serde_json::{Map, Value};

pub(crate) use self::renamed::{Move, Moves, listed, moves};
use super::{
    carry_over::{self, Content},
    clients,
    convert::{Converted, ValuesFile},
    typed::Types,
};
use crate::{
    camunda::{CarriedKey, Line},
    change::{Change, Facts},
    finding::{Fix, Flag},
    helm::values::{Values, overlay, subtract},
};

/// The results of converting a change's values.
#[derive(Default)]
struct Conversion {
    /// The values file.
    values: Converted,
    /// The keys to put into the Secret that the values name.
    keys: Vec<(String, Content)>,
    /// The clients to register by hand, each with the Secret that gets its client secret.
    clients: Vec<(&'static CarriedKey, Option<String>)>,
}

/// Returns the steps that keep the values' effect in the new line; empty if nothing has to be converted.
pub(crate) fn fixes(change: &Change, facts: &Facts) -> Vec<Fix> {
    let Some(line) = entered(change) else {
        return Vec::new();
    };
    let Conversion {
        values,
        keys,
        clients,
    } = conversion(change, facts, line);
    let (register, ids) = registered(change, &clients);
    let mut fixes: Vec<_> = register.into_iter().collect();
    fixes.extend(secret_of(change, facts, line, keys));
    fixes.extend(values.fixes(change, &name_of_file(line)));
    if !ids.is_empty() {
        fixes.push(Fix::new("and the ids of these clients:", ids));
    }
    fixes
}

fn registered(
    change: &Change,
    clients: &[(&CarriedKey, Option<String>)],
) -> (Option<Fix>, Vec<Flag>) {
    if clients.is_empty() {
        return (None, Vec::new());
    }
    let (fix, flags) = clients::register(change, clients);
    (Some(fix), flags)
}

/// Returns the step that registers clients before the upgrade, and the flags that name them.
pub(crate) fn clients(change: &Change, facts: &Facts) -> (Option<Fix>, Vec<Flag>) {
    let Some(line) = entered(change) else {
        return (None, Vec::new());
    };
    registered(change, &conversion(change, facts, line).clients)
}

fn name_of_file(line: &Line) -> String {
    format!("camunda-{}.yaml", line.line)
}

/// The file with the values of this change, if there is something to convert.
pub(crate) fn file(change: &Change, facts: &Facts) -> Option<ValuesFile> {
    let line = entered(change)?;
    let values = conversion(change, facts, line).values;
    values.file(change, &name_of_file(line))
}

/// All values of this change that are converted, secret ones among them.
pub(crate) fn whole(change: &Change, facts: &Facts) -> Option<Converted> {
    let line = entered(change)?;
    Some(conversion(change, facts, line).values)
}

/// The Secret that the values of the file name, made or filled up; nothing where it has all that they read.
pub(crate) fn secret(change: &Change, facts: &Facts) -> Vec<Fix> {
    let Some(line) = entered(change) else {
        return Vec::new();
    };
    secret_of(change, facts, line, conversion(change, facts, line).keys)
}

/// The name of that Secret and the keys that it is to get.
pub(crate) fn secret_keys(change: &Change, facts: &Facts) -> Option<(&'static str, Vec<String>)> {
    let line = entered(change)?;
    let keys = conversion(change, facts, line).keys;
    let (name, keys) = with_missing(change, facts, line, keys)?;
    Some((name, keys.into_iter().map(|(key, _)| key).collect()))
}

fn with_missing<'a>(
    change: &Change,
    facts: &Facts,
    line: &'a Line,
    mut keys: Vec<(String, Content)>,
) -> Option<(&'a str, Vec<(String, Content)>)> {
    let name = line.secret_of_users()?;
    keys.extend(credentials::missing(change, facts, name));
    keys.sort_by(|one, other| one.0.cmp(&other.0));
    keys.dedup_by(|one, other| one.0 == other.0);
    (!keys.is_empty()).then_some((name, keys))
}

fn secret_of(
    change: &Change,
    facts: &Facts,
    line: &Line,
    keys: Vec<(String, Content)>,
) -> Vec<Fix> {
    with_missing(change, facts, line, keys)
        .map(|(name, keys)| carry_over::fill(facts, &change.namespace, name, &keys))
        .unwrap_or_default()
}

/// The same where the file sets one of these keys; else it does not bring back what they switch on.
pub(crate) fn setting<'k>(
    change: &Change,
    facts: &Facts,
    keys: impl IntoIterator<Item = &'k str>,
) -> Vec<Fix> {
    let set = file(change, facts).map(|file| Values::from(file.values));
    let is_set = |key: &str| set.as_ref().is_some_and(|set| set.get(key).is_some());
    match keys.into_iter().any(is_set) {
        true => fixes(change, facts),
        false => Vec::new(),
    }
}

/// Whether the file sets a value whose key starts with `prefix`.
pub(crate) fn sets(change: &Change, facts: &Facts, prefix: &str) -> bool {
    entered(change).is_some_and(|line| {
        let values = Values::from(conversion(change, facts, line).values.into_values());
        let mut keys = values.leaves().into_iter();
        keys.any(|(key, _)| key.starts_with(prefix))
    })
}

/// The line that is entered, where its values differ from those of the line before.
pub(crate) fn entered(change: &Change) -> Option<&'static Line> {
    change.lines_entered().last().filter(|to| to.converts())
}

fn conversion(change: &Change, facts: &Facts, line: &'static Line) -> Conversion {
    let own = change.values.own();
    let mut source = source(change);
    let mut conversion = Conversion::default();
    let Moves {
        values: moved,
        list,
    } = moves(&source, own, line);
    for Move { old, new } in list {
        if let Some(new) = new {
            let but = replaced(&old, line);
            conversion.values.moved(new, vec![old], but);
        }
    }
    // What follows asks for new keys, under which the user's values are from here on.
    overlay(&mut source, moved.clone());
    conversion.values.put(moved);
    merged::merge(&source, own, line, &mut conversion.values);
    named::name(change, line, &mut conversion.values);
    let clients = switched::switch_on(change, facts, line, &mut conversion.values);
    credentials::refer(change, facts, &source, clients, line, &mut conversion);
    let types = Types::of(change);
    conversion.values.change(|values| {
        subtract(values, own);
        types.fit(values);
    });
    // What keeps its key may have another type all the same.
    for (key, value) in types.misfits(own) {
        conversion
            .values
            .moved(key.clone(), vec![key.clone()], None);
        conversion.values.set_unless_there(&key, value);
    }
    conversion
}

/// Returns the replacement that a text under an old key needs, in words.
fn replaced(old: &str, line: &Line) -> Option<String> {
    let lines = line.with_earlier().iter();
    let mut rules = lines.flat_map(|line| &line.renamed_values);
    let rule = rules.find(|rule| rule.from == old && rule.replacing.is_some())?;
    let replacing = rule.replacing.as_ref()?;
    Some(format!(
        "with {} in place of {}",
        replacing.by, replacing.text
    ))
}

/// Merges the values of the running release with those of the change; the latter win.
fn source(change: &Change) -> Map<String, Value> {
    let before = change.running_values.as_ref();
    let mut all = before.map_or_else(Map::new, |values| values.own().clone());
    overlay(&mut all, change.values.own().clone());
    all
}
