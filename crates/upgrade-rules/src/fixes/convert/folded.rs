//! Values as YAML in few lines: a mapping that fits on the line of its key stands there.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use serde_saphyr::FlowMap;

/// The widest line that mappings are folded to.
const WIDTH: usize = 140;

/// A value below others.
pub(super) struct Folded<'a> {
    pub(super) value: &'a Value,
    /// The column at which the keys of a mapping begin.
    pub(super) column: usize,
}

impl Serialize for Folded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Object(values) = self.value else {
            return self.value.serialize(serializer);
        };
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (key, value) in values {
            match value {
                Value::Object(below)
                    if !below.is_empty() && fits(self.column + key.len() + 2, below) =>
                {
                    map.serialize_entry(key, &FlowMap(below))?;
                }
                value => {
                    let column = self.column + 2;
                    map.serialize_entry(key, &Folded { value, column })?;
                }
            }
        }
        map.end()
    }
}

/// Whether a value can stand on one line; a text of several lines is to be read as such.
fn fits(column: usize, below: &Map<String, Value>) -> bool {
    let printed = || serde_saphyr::to_string(&FlowMap(below)).ok();
    is_short(below, &mut { WIDTH })
        && below.values().all(is_of_one_line)
        && printed().is_some_and(|line| column + line.trim_end().len() <= WIDTH)
}

/// Whether the keys and texts fit on a line: whatever is long is not printed at each level only to find out.
fn is_short(below: &Map<String, Value>, room: &mut usize) -> bool {
    below.iter().all(|(key, value)| {
        let text = value.as_str().map_or(1, str::len);
        let left = room.checked_sub(key.len() + text);
        *room = left.unwrap_or_default();
        left.is_some() && value.as_object().is_none_or(|below| is_short(below, room))
    })
}

fn is_of_one_line(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains('\n'),
        Value::Array(list) => list.is_empty(),
        Value::Object(below) => below.values().all(is_of_one_line),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::helm::manifest::Document;

    #[test]
    fn what_fits_on_a_line_is_folded_and_reads_the_same() {
        let values = json!({
            "a": {"b": {"c": true, "d": "a: b, {c}"}},
            "long": {"below": {"one": "x".repeat(60), "two": "y".repeat(90)}, "enabled": false},
            "lines": {"text": "a\nb\n"},
            "list": {"of": [{"a": 1}]},
            "none": {},
            "number": "5",
        });
        let value = &values;
        let yaml = serde_saphyr::to_string(&Folded { value, column: 0 }).unwrap();
        assert_eq!(Document::new(&yaml).parse().unwrap().unwrap(), values);
        assert!(yaml.contains("a: {b: {c: true, "), "{yaml}");
        assert!(yaml.contains("\nlong:\n  below:\n    one: xxx"), "{yaml}");
        assert!(yaml.lines().all(|line| line.len() <= WIDTH), "{yaml}");
    }
}
