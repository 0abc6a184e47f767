//! The defaults of the chart that is to run, as its own record carries them.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, value::RawValue};

use crate::helm::values::{Values, at_key};

/// Twice what a Camunda chart has with all its subcharts.
const MAX_BYTES: usize = 1024 * 1024;

/// A chart's `values.yaml`, which nobody reads before it is asked for.
///
/// Helm writes the chart's own into a record. With `--reuse-values` they are those of the chart before and the user's among
/// them; then the user's values are all in the new record's config as well, and nobody has to compare them.
#[derive(Clone, Debug, Default)]
pub struct Defaults(Option<Arc<Carried>>);

#[derive(Debug)]
struct Carried {
    json: Box<RawValue>,
    root: Option<String>,
    read: OnceLock<Option<Map<String, Value>>>,
}

impl Defaults {
    /// From a record; `root` is the name of Camunda's chart under an umbrella's.
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

    /// Whether a dotted key has this value by default; nothing is equal where the defaults are not known.
    pub fn has(&self, key: &str, value: &Value) -> bool {
        let default = self.read().and_then(|values| at_key(values, key));
        default.is_some_and(|default| default == value || text(default) == text(value))
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

/// Charts take a number and its text for the same; what is no scalar is compared as it is.
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
