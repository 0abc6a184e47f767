//! A release's user values: what somebody set, not the chart's defaults.

mod schema;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::kubernetes::json;
use serde_json::{Map, Value, value::RawValue};

pub use self::schema::{Node, Schema, Type};

/// More than any values file has; a hostile one must not become many times its size in memory.
const MAX_BYTES: usize = 1024 * 1024;

/// The values that a user gave to Camunda's chart, under the keys that its own `values.yaml` has.
#[derive(Clone, Debug, Default)]
pub struct Values {
    own: Map<String, Value>,
    root: Option<String>,
    unknown: Option<Arc<AtomicBool>>,
}

/// Why a record's values can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValuesError {
    /// They are larger than any values file.
    #[error("the user's values have more than {MAX_BYTES} bytes")]
    TooLarge,
    /// They are a list or a scalar.
    #[error("the user's values are no mapping")]
    NoMapping,
}

impl Values {
    /// Values that nobody knows: nothing is set in them, and whoever asks is noted.
    pub fn unknown() -> Values {
        Values {
            unknown: Some(Arc::default()),
            ..Values::default()
        }
    }

    /// Whether unknown values were asked for since the last call.
    pub(crate) fn take_asked(&self) -> bool {
        let unknown = self.unknown.as_ref();
        unknown.is_some_and(|asked| asked.swap(false, Ordering::Relaxed))
    }

    fn ask(&self) -> &Map<String, Value> {
        if let Some(asked) = &self.unknown {
            asked.store(true, Ordering::Relaxed);
        }
        &self.own
    }

    /// Reads the values from a record's `config`. `root` is the name or alias of Camunda's chart under an umbrella chart.
    ///
    /// # Errors
    /// When they are too large or no mapping.
    pub fn of(config: Option<&RawValue>, root: Option<&str>) -> Result<Values, ValuesError> {
        let own_name = || root.map(str::to_owned);
        let Some(config) = config.map(RawValue::get) else {
            return Ok(Values {
                root: own_name(),
                ..Values::default()
            });
        };
        if config.len() > MAX_BYTES {
            return Err(ValuesError::TooLarge);
        }
        let all: Option<Map<String, Value>> =
            serde_json::from_str(config).map_err(|_| ValuesError::NoMapping)?;
        Ok(Values::of_files(all.unwrap_or_default(), root))
    }

    /// Takes the merged content of values files.
    pub fn of_files(mut all: Map<String, Value>, root: Option<&str>) -> Values {
        let Some(root) = root else {
            return Values::from(all);
        };
        let global = all.remove("global");
        let mut own = match all.remove(root) {
            Some(Value::Object(own)) => own,
            _ => Map::new(),
        };
        // An umbrella's `global` goes to all its charts and wins over what stands under their own.
        if let Some(Value::Object(global)) = global {
            overlay(
                &mut own,
                Map::from_iter([("global".to_owned(), Value::Object(global))]),
            );
        }
        Values {
            own,
            root: Some(root.to_owned()),
            unknown: None,
        }
    }

    /// The value under a dotted key, `null` counting as not set.
    pub fn get(&self, key: &str) -> Option<&Value> {
        at_key(self.ask(), key).filter(|value| !value.is_null())
    }

    /// Whether a dotted key is set, also to `null`, or by anything but a mapping above it.
    pub fn mentions(&self, key: &str) -> bool {
        mentions(self.ask(), key)
    }

    /// A text, or a number or switch as text.
    pub fn text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(switch) => Some(switch.to_string()),
            _ => None,
        }
    }

    /// These values as a values file of the release has them: below an umbrella's name for Camunda's chart, but for
    /// `global`, of which the umbrella's own wins.
    pub fn in_file(&self, mut own: Map<String, Value>) -> Value {
        let Some(root) = &self.root else {
            return Value::Object(own);
        };
        let global = own.remove_entry("global");
        let own = (!own.is_empty()).then(|| (root.clone(), Value::Object(own)));
        Value::Object(global.into_iter().chain(own).collect())
    }

    /// The name of Camunda's chart under an umbrella's.
    pub fn root(&self) -> Option<&str> {
        self.root.as_deref()
    }

    /// These with others over them, which are as Camunda's own chart has them.
    pub(crate) fn with(&self, over: Map<String, Value>) -> Values {
        let mut values = self.clone();
        overlay(&mut values.own, over);
        values
    }

    /// Whether a user has given any, or nobody knows.
    pub(crate) fn may_be_given(&self) -> bool {
        self.unknown.is_some() || !self.own.is_empty()
    }

    /// Returns all values, without the umbrella's level above.
    pub(crate) fn own(&self) -> &Map<String, Value> {
        self.ask()
    }

    /// A dotted key as `--set` has it: below an umbrella's name for Camunda's chart, whose `global` the umbrella's own wins over.
    pub fn key_in_file(&self, key: &str) -> String {
        match &self.root {
            Some(root) if key.split('.').next() != Some("global") => format!("{root}.{key}"),
            _ => key.to_owned(),
        }
    }

    /// These without some dotted keys and all below them.
    pub(crate) fn without<'a>(&self, keys: impl IntoIterator<Item = &'a String>) -> Values {
        let mut values = self.clone();
        for key in keys {
            remove(&mut values.own, key);
        }
        values
    }

    /// The key that Camunda's own chart has for a dotted one of the release's values file.
    pub fn own_key<'a>(&self, key: &'a str) -> &'a str {
        let below = self.root.as_deref().and_then(|root| key.strip_prefix(root));
        below
            .and_then(|below| below.strip_prefix('.'))
            .unwrap_or(key)
    }

    /// A switch.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.get(key)?.as_bool()
    }

    /// Every key that holds no mapping, dotted.
    pub fn leaves(&self) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        for (key, value) in self.ask() {
            leaves(key, value, &mut found);
        }
        found
    }
}

/// Returns the part of a dotted key below `root`; empty if they are equal.
pub fn below<'a>(key: &'a str, root: &str) -> Option<&'a str> {
    key.strip_prefix(root)
        .filter(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a value sets nothing: an empty text or list.
pub fn is_empty(value: &Value) -> bool {
    value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty)
}

impl From<Map<String, Value>> for Values {
    fn from(values: Map<String, Value>) -> Self {
        Self {
            own: values,
            root: None,
            unknown: None,
        }
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        (&self.own, &self.root) == (&other.own, &other.root)
    }
}

/// Sets the value under a dotted key.
pub fn set(values: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(values.insert(key.to_owned(), value)),
        Some((first, below)) => {
            let at = values.entry(first).or_insert(Value::Null);
            json::set(at, below.split('.'), value);
        }
    }
}

/// Puts values over those that are there, as Helm does with a second values file.
pub fn overlay(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => overlay(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Leaves only what the others do not set; what is empty goes, too.
pub(crate) fn subtract(values: &mut Map<String, Value>, others: &Map<String, Value>) {
    values.retain(|key, value| match (value, others.get(key)) {
        (Value::Object(below), Some(Value::Object(others))) => {
            subtract(below, others);
            !below.is_empty()
        }
        (_, other) => other.is_none(),
    });
}

/// Removes what sets nothing. An empty text stays beside others: a label or an annotation may have it.
pub(crate) fn prune_but_texts(values: &mut Map<String, Value>) {
    for value in values.values_mut() {
        if let Value::Object(below) = value {
            prune_but_texts(below);
        }
    }
    let says_more = |value: &Value| !holds_nothing(value) && value != "";
    let beside = values.values().any(says_more);
    values.retain(|_, value| says_more(value) || beside && !holds_nothing(value));
}

/// Removes everything that sets nothing: `null`, empty texts, lists and mappings.
pub fn prune(values: &mut Map<String, Value>) {
    values.retain(|_, value| {
        if let Value::Object(below) = value {
            prune(below);
        }
        !holds_nothing(value) && value != ""
    });
}

/// Whether a value is `null`, or a list or a mapping with nothing in it.
fn holds_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(below) => below.is_empty(),
        _ => false,
    }
}

/// The value under a dotted key.
pub(crate) fn at_key<'a>(values: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => values.get(key),
        Some((first, rest)) => at_key(values.get(first)?.as_object()?, rest),
    }
}

/// A part may have dots itself, as the names of labels and files have.
fn mentions(values: &Map<String, Value>, key: &str) -> bool {
    let below = |(at, _): (usize, &str)| match values.get(&key[..at]) {
        Some(Value::Object(below)) => mentions(below, &key[at + 1..]),
        found => found.is_some(),
    };
    values.contains_key(key) || key.match_indices('.').any(below)
}

fn remove(values: &mut Map<String, Value>, key: &str) {
    match key.split_once('.') {
        None => {
            values.remove(key);
        }
        Some((first, rest)) => {
            if let Some(Value::Object(below)) = values.get_mut(first) {
                remove(below, rest);
            }
        }
    }
}

fn leaves<'a>(key: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(map) => {
            for (part, value) in map {
                leaves(&format!("{key}.{part}"), value, found);
            }
        }
        Value::Null => {}
        _ => found.push((key.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(config: &Value, root: Option<&str>) -> Result<Values, ValuesError> {
        let raw = serde_json::value::to_raw_value(config).unwrap();
        Values::of(Some(&raw), root)
    }

    #[test]
    fn keys_are_dotted_and_null_is_not_set() {
        let values = values(
            &json!({"zeebe": {"clusterSize": 5, "image": null}, "a": {"b": "x"}}),
            None,
        )
        .unwrap();
        assert_eq!(values.text("zeebe.clusterSize").as_deref(), Some("5"));
        assert_eq!(values.get("zeebe.image"), None);
        assert_eq!(values.get("zeebe.clusterSize.x"), None);
        for key in ["zeebe.image", "zeebe.image.tag", "a", "a.b"] {
            assert!(values.mentions(key), "{key}");
        }
        assert!(!values.mentions("zeebe.pvcSize"));
        let dotted = json!({"a": {"b.example.com/c": "d"}});
        let dotted = self::values(&dotted, None).unwrap();
        assert!(dotted.mentions("a.b.example.com/c"));
        assert!(!dotted.mentions("a.b.example.com/d"));
        let keys = |values: &Values| -> Vec<String> {
            values.leaves().into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(&values), ["a.b", "zeebe.clusterSize"]);
        let without = ["a.b".to_owned(), "zeebe.pvcSize".to_owned()];
        assert_eq!(keys(&values.without(&without)), ["zeebe.clusterSize"]);
    }

    #[test]
    fn a_key_is_below_itself_and_what_its_dots_say() {
        assert_eq!(below("zeebe.image.tag", "zeebe"), Some(".image.tag"));
        assert_eq!(below("zeebe", "zeebe"), Some(""));
        assert_eq!(below("zeebeGateway.image", "zeebe"), None);
        assert_eq!(below("zeebe", "zeebe.image"), None);
    }

    #[test]
    fn an_umbrellas_global_reaches_its_charts() {
        let config = json!({
            "global": {"image": {"tag": "1"}},
            "bpm": {"global": {"image": {"tag": "2"}, "host": "h"}, "zeebe": {"clusterSize": 3}},
            "other": {"zeebe": {"clusterSize": 9}},
        });
        let values = values(&config, Some("bpm")).unwrap();
        assert_eq!(values.text("global.image.tag").as_deref(), Some("1"));
        assert_eq!(values.text("global.host").as_deref(), Some("h"));
        assert_eq!(values.text("zeebe.clusterSize").as_deref(), Some("3"));
        let own = Map::from_iter([("a".to_owned(), json!(1))]);
        assert_eq!(values.in_file(own), json!({"bpm": {"a": 1}}));
        assert_eq!(values.key_in_file("zeebe.a"), "bpm.zeebe.a");
        assert_eq!(values.key_in_file("global.a"), "global.a");
        assert_eq!(values.key_in_file("a.b"), "bpm.a.b");
        assert_eq!(values.own_key("bpm.a.b"), "a.b");
        assert_eq!(values.own_key("bpmx.a"), "bpmx.a");
        // A record without values leaves them out.
        let none = Values::of(None, Some("bpm")).unwrap();
        assert_eq!(none.key_in_file("a"), "bpm.a");
        assert_eq!(Values::default().key_in_file("a"), "a");
    }

    #[test]
    fn what_is_no_mapping_is_an_error() {
        assert!(values(&json!([1]), None).is_err());
        assert_eq!(values(&Value::Null, None), Ok(Values::default()));
    }
}
