//! The default values of the new chart, from its release record.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, value::RawValue};

use crate::helm::values::{Values, at_key};

/// Twice the size of a Camunda chart's defaults with all its subcharts.
const MAX_BYTES: usize = 1024 * 1024;

/// A chart's `values.yaml`, parsed only when a rule asks for it.
///
/// Helm writes the chart's own file into a record. With `--reuse-values` it writes the previous chart's defaults and the user's
/// values instead; then the new record's config holds all of the user's values as well, and nothing has to be compared.
#[derive(Clone, Debug, Default)]
pub struct Defaults(Option<Arc<Carried>>);

#[derive(Debug)]
struct Carried {
    json: Box<RawValue>,
    root: Option<String>,
    read: OnceLock<Option<Map<String, Value>>>,
}

impl Defaults {
    /// Takes the defaults from a record; `root` is the name of Camunda's chart under an umbrella chart.
    pub(super) fn of(json: Option<&RawValue>, root: Option<&str>) -> Self {
        let json = json.filter(|json| json.get().len() <= MAX_BYTES);
        Self(json.map(|json| {
            Arc::new(Carried {
                json: json.to_owned(),
                root: root.map(str::to_owned),
                read: OnceLock::new(),
            })
        }))
    }

    /// Whether a dotted key has this value by default; `false` if the defaults are unknown.
    pub fn has(&self, key: &str, value: &Value) -> bool {
        let default = self.read().and_then(|values| at_key(values, key));
        default.is_some_and(|default| default == value || text(default) == text(value))
    }

    /// Whether the record has told them.
    pub fn are_known(&self) -> bool {
        self.read().is_some()
    }

    /// Whether the chart has a default for a dotted key; `false` if the defaults are unknown.
    pub fn knows(&self, key: &str) -> bool {
        self.read()
            .is_some_and(|values| at_key(values, key).is_some())
    }

    fn read(&self) -> Option<&Map<String, Value>> {
        let carried = self.0.as_deref()?;
        let read = carried.read.get_or_init(|| {
            let values = Values::of(Some(&carried.json), carried.root.as_deref()).ok()?;
            Some(values.own().clone())
        });
        read.as_ref()
    }
}

/// Returns a value as text: charts treat a number and its text alike; lists and mappings become their JSON.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(switch) => Some(switch.to_string()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;

    #[test]
    fn a_number_and_its_text_are_the_same() {
        let json = to_raw_value(
            &json!({"bpm": {"zeebe": {"clusterSize": "3", "env": [], "a": {"b": null}}}}),
        );
        let json = json.unwrap();
        let defaults = Defaults::of(Some(&json), Some("bpm"));
        assert!(defaults.has("zeebe.clusterSize", &json!(3)));
        assert!(defaults.has("zeebe.env", &json!([])));
        assert!(!defaults.has("zeebe.clusterSize", &json!(5)));
        assert!(!defaults.has("zeebe.pvcSize", &json!("32Gi")));
        assert!(!Defaults::default().has("zeebe.clusterSize", &json!(3)));
    }
}
