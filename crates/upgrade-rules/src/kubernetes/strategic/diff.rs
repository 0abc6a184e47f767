//! Computes the patch that turns one object into another.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{
    DELETE_FROM_PRIMITIVES, PATCH, PatchError, RETAIN_KEYS, SET_ELEMENT_ORDER,
    lists::{Items, Order, by_key, key_of, object, printed, same_type},
    types::{Merging, Schema, Strategy},
};

/// The wanted half of the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// Additions and changes.
    Changes,
    /// Deletions.
    Deletions,
}

/// The difference between lists whose items are merged.
#[derive(Default)]
struct ListDiff {
    changed: Vec<Value>,
    deleted: Vec<Value>,
    order: Vec<Value>,
}

pub(super) fn objects(
    original: &Map<String, Value>,
    modified: &Map<String, Value>,
    schema: Schema,
    half: Half,
    retain_keys: bool,
) -> Result<Map<String, Value>, PatchError> {
    let mut patch = Map::new();
    for (key, after) in modified {
        let before = original.get(key);
        if let Some(before) = before.filter(|_| key == PATCH) {
            if !before.is_string() || !after.is_string() {
                return Err(PatchError::Directive(PATCH.to_owned()));
            }
            if before != after {
                patch.insert(key.clone(), after.clone());
            }
            continue;
        }
        match (before, after) {
            (Some(Value::Object(before)), Value::Object(after)) => {
                field(key, before, after, schema, half, &mut patch)?;
            }
            (Some(Value::Array(before)), Value::Array(after)) => {
                list(key, before, after, schema, half, &mut patch)?;
            }
            (Some(before), after) if same_type(before, after) && before == after => {}
            _ if half == Half::Changes => {
                patch.insert(key.clone(), after.clone());
            }
            _ => {}
        }
    }
    let gone = original.keys().filter(|key| !modified.contains_key(*key));
    if half == Half::Deletions {
        patch.extend(gone.clone().map(|key| (key.clone(), Value::Null)));
    }
    let mut gone = gone.filter_map(|key| original.get(key));
    if retain_keys && (!patch.is_empty() || gone.any(|value| !value.is_null())) {
        let kept = modified.iter().filter(|(_, value)| !value.is_null());
        // The keys of a map are sorted.
        let kept: Vec<_> = kept.map(|(key, _)| Value::from(key.as_str())).collect();
        if !kept.is_empty() {
            patch.insert(RETAIN_KEYS.to_owned(), Value::Array(kept));
        }
    }
    Ok(patch)
}

fn field(
    key: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    schema: Schema,
    half: Half,
    patch: &mut Map<String, Value>,
) -> Result<(), PatchError> {
    // What is equal needs no type.
    let (below, merging) = match schema.object(key) {
        Ok(found) => found,
        Err(_) if before == after => return Ok(()),
        Err(error) => return Err(error),
    };
    if merging.strategy == Strategy::Replace {
        if half == Half::Changes {
            patch.insert(key.to_owned(), Value::Object(after.clone()));
        }
        return Ok(());
    }
    let differs = objects(before, after, below, half, merging.retain_keys)?;
    if !differs.is_empty() {
        patch.insert(key.to_owned(), Value::Object(differs));
    }
    Ok(())
}

fn list(
    key: &str,
    before: &[Value],
    after: &[Value],
    schema: Schema,
    half: Half,
    patch: &mut Map<String, Value>,
) -> Result<(), PatchError> {
    let (items, merging) = match schema.list(key) {
        Ok(found) => found,
        Err(_) if before == after => return Ok(()),
        Err(error) => return Err(error),
    };
    if merging.strategy != Strategy::Merge {
        if half == Half::Changes && before != after {
            patch.insert(key.to_owned(), Value::Array(after.to_vec()));
        }
        return Ok(());
    }
    let differs = merged_lists(before, after, items, merging, half)?;
    let parts = [
        (key.to_owned(), differs.changed),
        (format!("{DELETE_FROM_PRIMITIVES}/{key}"), differs.deleted),
        (format!("{SET_ELEMENT_ORDER}/{key}"), differs.order),
    ];
    let parts = parts.into_iter().filter(|(_, list)| !list.is_empty());
    patch.extend(parts.map(|(key, list)| (key, Value::Array(list))));
    Ok(())
}

fn merged_lists(
    before: &[Value],
    after: &[Value],
    items: Schema,
    merging: Merging,
    half: Half,
) -> Result<ListDiff, PatchError> {
    let mut differs = ListDiff::default();
    if before.is_empty() {
        if half == Half::Changes {
            differs.changed = after.to_vec();
        }
        return Ok(differs);
    }
    match Items::of(before.iter().chain(after))? {
        Items::Objects => {
            let key = merging.key;
            let (changed, deleted) = items_of_objects(before, after, items, merging, half)?;
            for item in changed.iter().chain(after) {
                key_of(item, key)?;
            }
            differs.changed = Order::of(after, key).sort(changed);
            differs.changed.extend(deleted);
            let reordered = half == Half::Changes && !same_order(before, after, key)?;
            if reordered || !differs.changed.is_empty() {
                let names = after
                    .iter()
                    .map(|item| Ok(json!({key: key_of(item, key)?})));
                differs.order = names.collect::<Result<_, PatchError>>()?;
            }
        }
        Items::Scalars => {
            let before = sorted(before);
            let (added, deleted) = items_of_scalars(&before, &sorted(after));
            // The library compares with the old list after it has sorted it.
            let is_other = before.iter().copied().ne(after);
            match half {
                Half::Changes => {
                    differs.changed = Order::of(after, "").sort(added);
                    if is_other {
                        differs.order = after.to_vec();
                    }
                }
                Half::Deletions => {
                    if !deleted.is_empty() {
                        differs.order = after.to_vec();
                    }
                    differs.deleted = deleted;
                }
            }
        }
    }
    Ok(differs)
}

fn same_order(before: &[Value], after: &[Value], key: &str) -> Result<bool, PatchError> {
    if before.len() != after.len() {
        return Ok(false);
    }
    for (before, after) in before.iter().zip(after) {
        if key_of(before, key)? != key_of(after, key)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The items that change or come, and directives for those that go.
fn items_of_objects(
    before: &[Value],
    after: &[Value],
    items: Schema,
    merging: Merging,
    half: Half,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let key = merging.key;
    let (mut changed, mut deleted) = (Vec::new(), Vec::new());
    let (before, after) = (by_key(before, key), by_key(after, key));
    let (mut old, mut new) = (before.into_iter().peekable(), after.into_iter().peekable());
    loop {
        let old_key = old.peek().map(|item| key_of(item, key)).transpose()?;
        let new_key = new.peek().map(|item| key_of(item, key)).transpose()?;
        let first = match (old_key, new_key) {
            (None, None) => return Ok((changed, deleted)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => printed(old).cmp(&printed(new)),
        };
        match first {
            Ordering::Less => {
                old.next();
                if let Some(gone) = old_key.filter(|_| half == Half::Deletions) {
                    deleted.push(json!({PATCH: "delete", key: gone}));
                }
            }
            Ordering::Greater => {
                changed.extend(new.next().filter(|_| half == Half::Changes).cloned());
            }
            Ordering::Equal => {
                if let (Some(before), Some(after)) = (old.next(), new.next()) {
                    let (before, after) = (object(before)?, object(after)?);
                    let mut patch = objects(before, after, items, half, merging.retain_keys)?;
                    if !patch.is_empty() {
                        patch.extend(new_key.map(|value| (key.to_owned(), value.clone())));
                        changed.push(Value::Object(patch));
                    }
                }
            }
        }
    }
}

fn sorted(items: &[Value]) -> Vec<&Value> {
    let mut sorted: Vec<_> = items.iter().collect();
    sorted.sort_by_cached_key(|item| printed(item));
    sorted
}

/// The values that come, and those that go, each once.
fn items_of_scalars(before: &[&Value], after: &[&Value]) -> (Vec<Value>, Vec<Value>) {
    let (mut added, mut deleted): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let first = match (old.peek(), new.peek()) {
            (None, None) => return (added, deleted),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => printed(old).cmp(&printed(new)),
        };
        match first {
            Ordering::Less => deleted.extend(old.next().map(|gone| (*gone).clone())),
            Ordering::Greater => added.extend(new.next().map(|comes| (*comes).clone())),
            Ordering::Equal => {
                old.next();
                new.next();
            }
        }
        // Sorted, so what is there twice stands together.
        deleted.dedup();
    }
}
