//! The values of all files together, as Helm sees them.

use serde_json::{Map, Value};

use super::layer::Layer;
use crate::{
    camunda::Line,
    helm::values::{Values, overlay},
};

/// The merged values.
pub(super) struct Effective(pub(super) Values);

impl Effective {
    pub(super) fn of(layers: &[Layer]) -> Effective {
        let mut all = Map::new();
        for layer in layers {
            overlay(&mut all, layer.values.clone());
        }
        Effective(Values::from(all))
    }

    /// Whether the values switch a dotted key on or off; without them, whether a line has it on by default.
    pub(super) fn is_on(&self, switch: &str, line: &Line) -> bool {
        let set = self.0.flag(switch);
        set.unwrap_or_else(|| !is_off_by_default(switch, line))
    }

    /// Whether a part above a key is switched off, so that the key has no effect.
    pub(super) fn is_off(&self, key: &str) -> bool {
        key.match_indices('.').any(|(end, _)| {
            let switch = format!("{}.enabled", &key[..end]);
            switch != key && self.0.flag(&switch) == Some(false)
        })
    }

    /// Whether a key is set to something that has an effect.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(has_effect)
    }
}

/// Whether a chart of a line has something off unless the values switch it on.
pub(super) fn is_off_by_default(switch: &str, line: &Line) -> bool {
    line.with_earlier().iter().any(|line| {
        let mut applications = line.switched_off.iter();
        let mut components = line.switches.values().flatten();
        applications.any(|it| it.switch() == Some(switch)) || components.any(|key| key == switch)
    })
}

/// Whether a value is neither empty nor false.
pub(super) fn has_effect(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(below) => !below.is_empty(),
        _ => true,
    }
}
