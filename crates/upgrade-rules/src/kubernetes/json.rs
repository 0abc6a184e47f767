//! Writes into JSON that may be anything.

use serde_json::{Map, Value};

/// Sets the value at a path of keys. What stands in the way and is no map is replaced.
pub fn set<'a>(value: &mut Value, path: impl IntoIterator<Item = &'a str>, new: impl Into<Value>) {
    let mut at = value;
    for key in path {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(map) = at else { return };
        at = map.entry(key).or_insert(Value::Null);
    }
    *at = new.into();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_stands_in_the_way() {
        for mut odd in [
            json!(null),
            json!("x"),
            json!([1]),
            json!({"a": 1}),
            json!({"a": {"c": 2}}),
        ] {
            set(&mut odd, ["a", "b"], 3);
            assert_eq!(odd["a"]["b"], 3);
        }
    }
}
