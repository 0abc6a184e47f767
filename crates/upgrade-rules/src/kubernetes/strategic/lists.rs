//! The order of lists whose items are merged.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{PATCH, PatchError};

/// The type of a list's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Items {
    Objects,
    Scalars,
}

impl Items {
    /// Returns the type that all items share.
    pub(super) fn of<'a>(items: impl IntoIterator<Item = &'a Value>) -> Result<Items, PatchError> {
        let mut items = items.into_iter();
        let first = items.next().ok_or(PatchError::UnevenList)?;
        if first.is_array() || first.is_null() || !items.all(|item| same_type(first, item)) {
            return Err(PatchError::UnevenList);
        }
        Ok(match first.is_object() {
            true => Items::Objects,
            false => Items::Scalars,
        })
    }
}

/// Whether Go decodes both into the same type.
pub(super) fn same_type(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.is_f64() == right.is_f64(),
        _ => std::mem::discriminant(left) == std::mem::discriminant(right),
    }
}

/// Returns a value as Go prints it; Go sorts by that.
pub(super) fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn object(item: &Value) -> Result<&Map<String, Value>, PatchError> {
    item.as_object().ok_or(PatchError::UnevenList)
}

/// The value by which an item is told from others.
pub(super) fn key_of<'a>(item: &'a Value, key: &str) -> Result<&'a Value, PatchError> {
    let value = object(item)?.get(key);
    value.ok_or_else(|| PatchError::NoMergeKey(key.to_owned()))
}

/// Sorted by what is printed of the key, as Go's `sort.Sort` does it with few items: equal ones turn round.
pub(super) fn by_key<'a>(items: &'a [Value], key: &str) -> Vec<&'a Value> {
    let printed = |item: &Value| item.get(key).map_or_else(|| printed(&Value::Null), printed);
    let mut sorted: Vec<_> = items.iter().map(|item| (printed(item), item)).collect();
    sorted.reverse();
    sorted.sort_by(|left, right| left.0.cmp(&right.0));
    sorted.into_iter().map(|(_, item)| item).collect()
}

/// The positions of a list's items.
pub(super) struct Order<'a> {
    key: &'a str,
    places: HashMap<String, usize>,
}

impl<'a> Order<'a> {
    pub(super) fn of(list: &[Value], key: &'a str) -> Self {
        let mut order = Self {
            key,
            places: HashMap::with_capacity(list.len()),
        };
        for (place, item) in list.iter().enumerate() {
            let id = order.id(item);
            order.places.entry(id).or_insert(place);
        }
        order
    }

    fn id(&self, item: &Value) -> String {
        match self.key {
            "" => item.to_string(),
            key => item.get(key).unwrap_or(&Value::Null).to_string(),
        }
    }

    pub(super) fn place(&self, item: &Value) -> Option<usize> {
        self.places.get(&self.id(item)).copied()
    }

    /// Items in this order, those to be deleted last.
    pub(super) fn sort(&self, items: Vec<Value>) -> Vec<Value> {
        let is_deletion = |item: &Value| item.get(PATCH).is_some_and(|it| it == "delete");
        let (last, mut sorted): (Vec<_>, Vec<_>) = items.into_iter().partition(is_deletion);
        sorted.sort_by_cached_key(|item| self.place(item));
        sorted.extend(last);
        sorted
    }
}

/// Items in the order of `wanted`, and among them those that it does not name, where they stood in `before`.
pub(super) fn ordered(
    merged: Vec<Value>,
    wanted: &[Value],
    before: &[Value],
    key: &str,
) -> Vec<Value> {
    let (wanted, before) = (Order::of(wanted, key), Order::of(before, key));
    let (named, others): (Vec<_>, Vec<_>) = merged
        .into_iter()
        .partition(|item| wanted.place(item).is_some());
    let mut named = wanted.sort(named).into_iter().peekable();
    let mut others = before.sort(others).into_iter().peekable();
    let mut all = Vec::with_capacity(named.len() + others.len());
    loop {
        let first = match (others.peek(), named.peek()) {
            (Some(other), Some(next)) => match (before.place(other), before.place(next)) {
                (Some(other), Some(next)) if other < next => others.next(),
                _ => named.next(),
            },
            (Some(_), None) => others.next(),
            (None, _) => named.next(),
        };
        match first {
            Some(item) => all.push(item),
            None => return all,
        }
    }
}
