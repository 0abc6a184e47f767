//! A user's values under the keys that the new chart reads, as a file to paste.

use serde_json::{Map, Value};

use crate::{
    camunda::RenamedValue,
    finding::{Command, Fix},
    shell,
    values::{Values, overlay},
};

/// Values under their new keys.
#[derive(Debug, Default)]
pub(crate) struct Converted {
    values: Map<String, Value>,
    /// What a person has to decide, as comments of the file.
    notes: Vec<String>,
}

impl Converted {
    /// Sets the value under a dotted key.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        set(&mut self.values, key, value);
    }

    /// Puts values over those that are there.
    pub(crate) fn put(&mut self, values: Map<String, Value>) {
        overlay(&mut self.values, values);
    }

    /// Changes the values in place.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Map<String, Value>)) {
        change(&mut self.values);
    }

    /// Takes over what only has another key.
    pub(crate) fn rename(&mut self, values: &Values, renamed: &[RenamedValue]) {
        for RenamedValue { from, to, .. } in renamed {
            if let (Some(value), Some(to)) = (values.get(from), to) {
                self.set(to, value.clone());
            }
        }
    }

    /// Says what a person has to decide.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Shows a value that stood under `old` as what could be under `new`.
    pub(crate) fn beside(&mut self, new: &str, old: &str, value: &Value) {
        let mut one = Map::new();
        set(&mut one, new, value.clone());
        super::conversion::withhold(&mut one, &mut self.notes);
        self.notes.push(format!("from {old}:"));
        let yaml = serde_saphyr::to_string(&one).unwrap_or_default();
        self.notes
            .extend(yaml.lines().map(|line| format!("  {line}")));
    }

    /// A file with these values, and the flag that has Helm read it after the user's own; nothing without values.
    pub(crate) fn fixes(self, values: &Values, file: &str) -> Vec<Fix> {
        if self.values.is_empty() && self.notes.is_empty() {
            return Vec::new();
        }
        let Ok(yaml) = serde_saphyr::to_string(&values.in_file(self.values)) else {
            return Vec::new();
        };
        let mut lines = vec![yaml.trim_end().to_owned()];
        lines.extend(self.notes.iter().map(|note| format!("# {note}")));
        let write = format!(
            "cat > {} <<'EOF'\n{}\nEOF",
            shell::quote(file),
            lines.join("\n")
        );
        let (intro, command) = match self.notes.is_empty() {
            true => (
                "These are yours under the new keys; put them into your values file in place of the old ones, or into a file of their own:",
                Command::Shell(write),
            ),
            false => (
                "These are yours under the new keys; decide what the comments at the end leave to you, and put them into your values file in place of the old ones, or into a file of their own:",
                Command::Manual(write),
            ),
        };
        vec![
            Fix::new(intro, vec![command]),
            Fix::new(
                "and add to your helm upgrade, last:",
                vec![Command::HelmFlag(format!("-f {}", shell::quote(file)))],
            ),
        ]
    }

    /// The values without the comments.
    pub(crate) fn into_values(self) -> Map<String, Value> {
        self.values
    }

    /// The values and the comments.
    pub(crate) fn parts(&mut self) -> (&mut Map<String, Value>, &mut Vec<String>) {
        (&mut self.values, &mut self.notes)
    }
}

/// Sets the value under a dotted key of a map.
pub(crate) fn set(mut map: &mut Map<String, Value>, key: &str, value: Value) {
    let mut parts = key.split('.').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            map.insert(part.to_owned(), value);
            return;
        }
        let slot = map.entry(part).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(below) = slot else { return };
        map = below;
    }
}
