//! A user's values under the keys that the new chart reads, as a file to paste.

use serde_json::{Map, Value};

use crate::{
    camunda::RenamedValue,
    finding::{Command, Fix},
    shell,
    values::{Values, at_key, overlay},
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

    /// Sets it where nothing is set yet.
    pub(crate) fn set_unless_there(&mut self, key: &str, value: Value) {
        if at_key(&self.values, key).is_none() {
            self.set(key, value);
        }
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
        self.file(values, file)
            .map(|file| file.fixes())
            .unwrap_or_default()
    }

    /// A file with these values; nothing without values.
    pub(crate) fn file(self, values: &Values, name: &str) -> Option<ValuesFile> {
        if self.values.is_empty() && self.notes.is_empty() {
            return None;
        }
        let yaml = serde_saphyr::to_string(&values.in_file(self.values.clone())).ok()?;
        let mut lines = vec![yaml.trim_end().to_owned()];
        // A key may have a line end in it, and a comment must not.
        let notes = self.notes.iter().map(|note| shell::on_one_line(note));
        lines.extend(notes.map(|note| format!("# {note}")));
        let text = lines.join("\n");
        let end = end_of(&text);
        let write = format!("cat > {} <<'{end}'\n{text}\n{end}", shell::quote(name));
        Some(ValuesFile {
            name: name.to_owned(),
            values: self.values,
            write,
            by_hand: !self.notes.is_empty(),
        })
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

/// A values file that a user is to write.
#[derive(Clone, Debug)]
pub(crate) struct ValuesFile {
    /// Its name.
    pub(crate) name: String,
    /// What it sets, as Camunda's own chart has it.
    pub(crate) values: Map<String, Value>,
    /// The command that writes it.
    pub(crate) write: String,
    /// Whether its comments leave something to a person.
    pub(crate) by_hand: bool,
}

impl ValuesFile {
    fn fixes(self) -> Vec<Fix> {
        let flag = self.flag();
        let (intro, command) = match self.by_hand {
            false => (
                "These are yours under the new keys; put them into your values file in place of the old ones, or into a file of their own:",
                Command::Shell(self.write),
            ),
            true => (
                "These are yours under the new keys; decide what the comments at the end leave to you, and put them into your values file in place of the old ones, or into a file of their own:",
                Command::Manual(self.write),
            ),
        };
        vec![
            Fix::new(intro, vec![command]),
            Fix::new("and add to your helm upgrade, last:", vec![flag]),
        ]
    }

    fn flag(&self) -> Command {
        Command::HelmFlag(format!("-f {}", shell::quote(&self.name)))
    }
}

/// What ends a here-document: no line of its own.
fn end_of(text: &str) -> String {
    let mut end = "EOF".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('F');
    }
    end
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
