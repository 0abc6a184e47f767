//! Lists, which Helm applies item by item.

use serde_json::{Map, Value};

/// How many [`objects`] a document stands for.
#[must_use]
pub fn count(document: &Value) -> usize {
    let items = document.get("items").and_then(Value::as_array);
    items.map_or(1, Vec::len)
}

/// The objects that a document stands for: the items of a list, or else the document itself.
///
/// As in `k8s.io/apimachinery`, `items` make a list whatever its kind is, and an item that names
/// neither kind nor version takes both from the list.
#[must_use]
pub fn objects(document: Value) -> Vec<Value> {
    let Value::Object(mut list) = document else {
        return vec![document];
    };
    let Some(Value::Array(items)) = list.get_mut("items") else {
        return vec![Value::Object(list)];
    };
    let mut items = std::mem::take(items);
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        if text(item, "kind").is_empty() && text(item, "apiVersion").is_empty() {
            let kind = text(&list, "kind");
            let kind = kind.strip_suffix("List").unwrap_or(kind);
            item.insert("kind".to_owned(), kind.into());
            item.insert("apiVersion".to_owned(), text(&list, "apiVersion").into());
        }
    }
    items
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}
