//! A user's values under the keys that the new chart reads, as a file to paste.

use serde_json::{Map, Value};

use crate::{
    camunda::RenamedValue,
    finding::{Command, Fix},
    shell,
    values::Values,
};

/// Values under their new keys.
#[derive(Debug, Default)]
pub(crate) struct Converted(Map<String, Value>);

impl Converted {
    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the value under a dotted key.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        let mut map = &mut self.0;
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

    /// Takes over what only has another key.
    pub(crate) fn rename(&mut self, values: &Values, renamed: &[RenamedValue]) {
        for RenamedValue { from, to } in renamed {
            if let Some(value) = values.get(from) {
                self.set(to, value.clone());
            }
        }
    }

    /// A file with these values, and the flag that has Helm read it after the user's own.
    pub(crate) fn fixes(self, values: &Values, file: &str) -> Vec<Fix> {
        let Ok(yaml) = serde_saphyr::to_string(&values.in_file(self.0)) else {
            return Vec::new();
        };
        let write = format!(
            "cat > {} <<'EOF'\n{}\nEOF",
            shell::quote(file),
            yaml.trim_end()
        );
        vec![
            Fix::new(
                "These are yours under the new keys; put them into your values file in place of the old ones, or into a file of their own:",
                vec![Command::Shell(write)],
            ),
            Fix::new(
                "and add to your helm upgrade, last:",
                vec![Command::HelmFlag(format!("-f {}", shell::quote(file)))],
            ),
        ]
    }
}
