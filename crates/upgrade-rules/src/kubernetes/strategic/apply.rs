//! A patch put into an object, or into another patch.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{
    DELETE_FROM_PRIMITIVES, PATCH, PatchError, RETAIN_KEYS, SET_ELEMENT_ORDER, list_of,
    lists::{Items, key_of, object, ordered, same_type},
    types::{Merging, Schema, Strategy},
};

/// The target of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Into {
    /// An object: directives are followed.
    Object,
    /// Another patch: directives are kept.
    Patch,
}

pub(super) fn objects(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    schema: Schema,
    into: Into,
) -> Result<Map<String, Value>, PatchError> {
    if let Some(directive) = patch.remove(PATCH) {
        return whole(&directive, patch);
    }
    retain_keys(&mut original, &mut patch, into)?;
    set_orders(&mut original, &mut patch, schema, into)?;
    for (name, value) in patch {
        let deletions = name.starts_with(DELETE_FROM_PRIMITIVES);
        if deletions && into == Into::Patch {
            original.insert(name, value);
            continue;
        }
        let key = match deletions {
            true => shortened_list(name)?,
            false => name,
        };
        if value.is_null() {
            original.remove(&key);
            if into == Into::Object {
                continue;
            }
        }
        let Some(there) = original.remove(&key) else {
            if !deletions {
                original.extend(taken(value, into).map(|value| (key, value)));
            }
            continue;
        };
        let merged = match (there, value) {
            (Value::Object(there), Value::Object(patch)) => {
                let (below, merging) = schema.object(&key)?;
                Some(Value::Object(match merging.strategy {
                    Strategy::Replace => patch,
                    _ => objects(there, patch, below, into)?,
                }))
            }
            (Value::Array(there), Value::Array(patch)) => {
                let (items, merging) = schema.list(&key)?;
                Some(Value::Array(match merging.strategy {
                    _ if deletions => without(there, &patch)?,
                    Strategy::Merge => lists(there, patch, items, merging, into)?.items,
                    _ => patch,
                }))
            }
            (there, value) if deletions && !same_type(&there, &value) => Some(there),
            (there, value) if same_type(&there, &value) => Some(value),
            (_, value) => taken(value, into),
        };
        original.extend(merged.map(|value| (key, value)));
    }
    Ok(original)
}

/// Applies a directive about the whole object.
fn whole(directive: &Value, patch: Map<String, Value>) -> Result<Map<String, Value>, PatchError> {
    match directive.as_str() {
        Some("replace") => Ok(patch),
        Some("delete") => Ok(Map::new()),
        _ => Err(PatchError::Directive(PATCH.to_owned())),
    }
}

/// The list that a directive takes items from.
fn shortened_list(directive: String) -> Result<String, PatchError> {
    let list = list_of(&directive, DELETE_FROM_PRIMITIVES).map(str::to_owned);
    list.ok_or(PatchError::Directive(directive))
}

/// A value of a patch where nothing was.
fn taken(mut value: Value, into: Into) -> Option<Value> {
    if into == Into::Object {
        discard_nulls(&mut value);
    }
    without_directives(value)
}

fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(discard_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(PATCH) => None,
        Value::Object(map) => {
            let kept = map.into_iter();
            let kept = kept.filter_map(|(key, value)| Some((key, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => {
            let kept = items.into_iter().filter_map(without_directives);
            Some(Value::Array(kept.collect()))
        }
        other => Some(other),
    }
}

/// Removes what the patch does not list.
fn retain_keys(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    into: Into,
) -> Result<(), PatchError> {
    let Some(kept) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let wrong = || PatchError::Directive(RETAIN_KEYS.to_owned());
    if into == Into::Patch {
        let there = original.entry(RETAIN_KEYS).or_insert_with(|| kept.clone());
        return if *there == kept { Ok(()) } else { Err(wrong()) };
    }
    let kept = kept.as_array().ok_or_else(wrong)?;
    let kept: HashSet<_> = kept.iter().filter_map(Value::as_str).collect();
    let is_about_a_list =
        |key: &str| key.starts_with(DELETE_FROM_PRIMITIVES) || key.starts_with(SET_ELEMENT_ORDER);
    let mut said = patch.iter();
    if said.any(|(key, value)| !value.is_null() && !is_about_a_list(key) && !kept.contains(&**key))
    {
        return Err(wrong());
    }
    original.retain(|key, _| kept.contains(&**key));
    Ok(())
}

/// Merges the lists of which the patch tells the order; they are taken out of it.
fn set_orders(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    schema: Schema,
    into: Into,
) -> Result<(), PatchError> {
    let directives: Vec<_> = patch
        .keys()
        .filter(|key| key.starts_with(SET_ELEMENT_ORDER))
        .cloned()
        .collect();
    for directive in directives {
        let wrong = || PatchError::Directive(directive.clone());
        let Some(Value::Array(wanted)) = patch.remove(&directive) else {
            return Err(wrong());
        };
        if into == Into::Patch {
            let there = original.entry(directive.clone());
            let there = there.or_insert_with(|| Value::Array(wanted.clone()));
            if there.as_array() != Some(&wanted) {
                return Err(wrong());
            }
        }
        let key = list_of(&directive, SET_ELEMENT_ORDER).ok_or_else(wrong)?;
        let before = taken_list(original, key)?;
        let change = taken_list(patch, key)?;
        let (items, merging) = schema.list(key)?;
        if let Some(change) = &change {
            check_order(change, &wanted, merging.key).map_err(|()| wrong())?;
        }
        let all = before.iter().chain(&change).flatten();
        let kind = Items::of(all);
        let (items, order) = match (before, change) {
            (None, None) => continue,
            (Some(before), None) => (before.clone(), before),
            (None, Some(change)) => {
                let kept = change.into_iter().filter_map(without_directives);
                (kept.collect(), Vec::new())
            }
            (Some(before), Some(change)) => match merging.strategy {
                Strategy::Merge => {
                    let merged = lists(before, change, items, merging, into)?;
                    (merged.items, merged.order)
                }
                _ => (change, before),
            },
        };
        if kind? == Items::Objects {
            for item in items.iter().chain(&wanted) {
                key_of(item, merging.key)?;
            }
        }
        let items = ordered(items, &wanted, &order, merging.key);
        original.insert(key.to_owned(), Value::Array(items));
    }
    Ok(())
}

fn taken_list(map: &mut Map<String, Value>, key: &str) -> Result<Option<Vec<Value>>, PatchError> {
    match map.remove(key) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(_) => Err(PatchError::UnevenList),
    }
}

/// Whether the items of a patch are in the order that it asks for.
fn check_order(change: &[Value], wanted: &[Value], key: &str) -> Result<(), ()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let id = |item: &Value| match key {
        "" => Some(item.clone()),
        key => item.get(key).cloned(),
    };
    let mut wanted = wanted.iter();
    let mut kept = change.iter().filter(|item| item.get(PATCH).is_none());
    let found = kept.all(|item| wanted.any(|next| id(next) == id(item)));
    if found { Ok(()) } else { Err(()) }
}

fn without(there: Vec<Value>, gone: &[Value]) -> Result<Vec<Value>, PatchError> {
    if there.is_empty() {
        return Ok(there);
    }
    Items::of(there.iter().chain(gone))?;
    let gone: HashSet<_> = gone.iter().map(Value::to_string).collect();
    let kept = there.into_iter();
    Ok(kept
        .filter(|item| !gone.contains(&item.to_string()))
        .collect())
}

/// A merged list, and the order of what stood there before.
struct Merged {
    items: Vec<Value>,
    order: Vec<Value>,
}

fn lists(
    there: Vec<Value>,
    patch: Vec<Value>,
    items: Schema,
    merging: Merging,
    into: Into,
) -> Result<Merged, PatchError> {
    if there.is_empty() && patch.is_empty() {
        return Ok(Merged {
            items: Vec::new(),
            order: there,
        });
    }
    if Items::of(there.iter().chain(&patch))? == Items::Scalars {
        let mut seen = HashSet::new();
        let both = there.iter().chain(&patch);
        let merged = both.filter(|item| seen.insert(item.to_string())).cloned();
        return Ok(Merged {
            items: ordered(merged.collect(), &patch, &there, ""),
            order: there,
        });
    }
    let key = merging.key;
    if key.is_empty() {
        return Err(PatchError::UnevenList);
    }
    let count = there.len();
    let (there, patch) = follow_directives(there, patch, key)?;
    let mut merged = there.clone();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (place, item) in merged.iter().enumerate() {
        if let Some(id) = object(item)?.get(key) {
            places.entry(id.to_string()).or_insert(place);
        }
    }
    for change in &patch {
        let id = key_of(change, key)?.to_string();
        match places.get(&id).and_then(|place| merged.get_mut(*place)) {
            Some(item) => {
                let change = object(change)?.clone();
                let before = object(item)?.clone();
                *item = Value::Object(objects(before, change, items, into)?);
            }
            None => {
                places.insert(id, merged.len());
                merged.push(change.clone());
            }
        }
    }
    for item in merged.iter().chain(&patch).chain(&there) {
        key_of(item, key)?;
    }
    // The library's slice has room for what comes as far as something went, and so its order counts it.
    let order = merged.iter().take(count).cloned().collect();
    Ok(Merged {
        items: ordered(merged, &patch, &there, key),
        order,
    })
}

/// The list without what is to be deleted, and the patch without directives.
fn follow_directives(
    mut there: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut rest = Vec::with_capacity(patch.len());
    let mut gone = HashSet::new();
    let mut replace = false;
    for item in patch {
        match item.get(PATCH).map(Value::as_str) {
            None => rest.push(item),
            Some(Some("delete")) => {
                gone.insert(key_of(&item, key)?.to_string());
            }
            Some(Some("replace")) => replace = true,
            _ => return Err(PatchError::Directive(PATCH.to_owned())),
        }
    }
    if replace {
        return Ok((rest, Vec::new()));
    }
    there.retain(|item| {
        !item
            .get(key)
            .is_some_and(|id| gone.contains(&id.to_string()))
    });
    Ok((there, rest))
}
