//! The types that a chart's `values.schema.json` allows, from the chart's own record.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use base64_simd::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

/// Four times the largest that a Camunda chart has.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// A chart's schema, parsed only when it is needed; without one it says nothing.
#[derive(Clone, Debug, Default)]
pub struct Schema(Option<Arc<Carried>>);

#[derive(Debug)]
struct Carried {
    base64: Box<str>,
    read: OnceLock<Option<Node>>,
}

/// A type that a value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// A text.
    String,
    /// Any number.
    #[serde(alias = "integer")]
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// A mapping.
    Object,
    /// Nothing.
    Null,
}

/// A part of a schema.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Node {
    #[serde(rename = "type", deserialize_with = "one_or_more")]
    types: Vec<Type>,
    any_of: Vec<Node>,
    properties: HashMap<String, Node>,
    #[serde(deserialize_with = "of_mapping")]
    additional_properties: Option<Box<Node>>,
    items: Option<Box<Node>>,
}

impl Schema {
    /// Takes the schema from a record's `chart.schema`.
    pub fn of(carried: Option<&RawValue>) -> Schema {
        let limit = STANDARD.encoded_length(MAX_BYTES);
        let base64 = carried
            .filter(|raw| raw.get().len() <= limit)
            .and_then(|raw| serde_json::from_str::<Box<str>>(raw.get()).ok())
            .filter(|text| !text.is_empty());
        let carried = base64.map(|base64| Carried {
            base64,
            read: OnceLock::new(),
        });
        Schema(carried.map(Arc::new))
    }

    /// The part about all values; nothing where there is none that can be read.
    pub fn root(&self) -> Option<&Node> {
        let carried = self.0.as_ref()?;
        let read = || {
            let json = STANDARD.decode_to_vec(carried.base64.as_bytes()).ok()?;
            serde_json::from_slice(&json).ok()
        };
        carried.read.get_or_init(read).as_ref()
    }
}

impl Node {
    /// The part about one key of a mapping.
    pub fn key(&self, key: &str) -> Option<&Node> {
        let named = self.properties.get(key);
        named.or(self.additional_properties.as_deref())
    }

    /// The part about a list's items.
    pub fn items(&self) -> Option<&Node> {
        self.items.as_deref()
    }

    /// Whether this allows a type; `None` if the schema names no type.
    pub fn allows(&self, wanted: Type) -> Option<bool> {
        let mut types = self.types().peekable();
        types.peek()?;
        Some(types.any(|allowed| allowed == wanted))
    }

    fn types(&self) -> impl Iterator<Item = Type> {
        let any = self.any_of.iter().flat_map(|node| &node.types);
        self.types.iter().chain(any).copied()
    }
}

impl Type {
    /// The type of a value.
    pub fn of(value: &Value) -> Type {
        match value {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Boolean,
            Value::Number(_) => Type::Number,
            Value::String(_) => Type::String,
            Value::Array(_) => Type::Array,
            Value::Object(_) => Type::Object,
        }
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Type>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Types {
        One(Type),
        More(Vec<Type>),
    }
    Ok(match Types::deserialize(deserializer)? {
        Types::One(one) => vec![one],
        Types::More(more) => more,
    })
}

/// `true` and `false` say nothing of what may be there.
fn of_mapping<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<Node>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Additional {
        Allowed(#[allow(dead_code, reason = "only a node is of use")] bool),
        Node(Box<Node>),
    }
    Ok(match Additional::deserialize(deserializer)? {
        Additional::Allowed(_) => None,
        Additional::Node(node) => Some(node),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;

    fn carried(schema: &str) -> Schema {
        let raw = to_raw_value(&STANDARD.encode_to_string(schema)).unwrap();
        Schema::of(Some(&raw))
    }

    #[test]
    fn a_schema_tells_the_types_of_values() {
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {
            "count": {"type": "string", "default": "3"},
            "port": {"type": ["string", "integer"]},
            "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
            "env": {"type": "array", "items": {"properties": {
                "value": {"anyOf": [{"type": "string"}, {"type": "null"}], "nullable": true}}}},
            "any": {},
        }});
        let schema = carried(&schema.to_string());
        let root = schema.root().unwrap();
        let allows = |node: Option<&Node>, wanted| node.and_then(|node| node.allows(wanted));
        assert_eq!(allows(root.key("count"), Type::Number), Some(false));
        assert_eq!(allows(root.key("port"), Type::Number), Some(true));
        assert_eq!(allows(root.key("any"), Type::Number), None);
        assert_eq!(allows(root.key("other"), Type::Number), None);
        let annotation = root.key("annotations").and_then(|it| it.key("a.b/c"));
        assert_eq!(allows(annotation, Type::Number), Some(false));
        let env = root.key("env").and_then(Node::items);
        let value = env.and_then(|it| it.key("value"));
        assert_eq!(allows(value, Type::Number), Some(false));
        assert_eq!(allows(value, Type::Null), Some(true));
    }

    #[test]
    fn what_is_no_schema_says_nothing() {
        for raw in ["7", "\"\"", "\"%%%\"", "null", "{\"a\":1}"] {
            let raw: Box<RawValue> = serde_json::from_str(raw).unwrap();
            assert!(Schema::of(Some(&raw)).root().is_none(), "{raw}");
        }
        assert!(carried("[").root().is_none());
        assert!(
            carried(r#"{"properties": {"a": {"type": 7}}}"#)
                .root()
                .is_none()
        );
        let deep = r#"{"items":"#.repeat(100_000);
        assert!(carried(&deep).root().is_none());
        let large = format!("{{\"title\": \"{}\"}}", " ".repeat(MAX_BYTES));
        assert!(carried(&large).root().is_none());
        assert!(Schema::of(None).root().is_none());
    }
}
