//! A user's values under the keys that the new chart reads, as a file to paste.

mod folded;

use serde_json::{Map, Value};

use self::folded::Folded;

use crate::{
    camunda::RenamedValue,
    change::Change,
    finding::{Command, Fix, Flag, HereDocument, shell},
    helm::values::{Values, at_key, below, overlay, set},
    knowledge::secrecy::withhold,
};

/// Values under their new keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Converted {
    values: Map<String, Value>,
    /// The decisions left to a person, as comments of the file.
    notes: Vec<Note>,
    /// The old keys of values, by their new keys.
    origins: Vec<Origin>,
}

/// A value that has moved.
#[derive(Clone, Debug)]
struct Origin {
    new: String,
    old: Vec<String>,
    /// What changes besides the key, if anything.
    but: Option<String>,
}

#[derive(Clone, Debug)]
enum Note {
    Text(String),
    /// The value of `old`, as a candidate for `new`.
    Beside {
        new: String,
        old: String,
        value: Value,
    },
}

impl Converted {
    /// Sets the value under a dotted key.
    pub fn set(&mut self, key: &str, value: Value) {
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

    /// Takes over values of which only the key changes.
    pub(crate) fn rename<'a>(
        &mut self,
        values: &Values,
        renamed: impl Iterator<Item = &'a RenamedValue>,
    ) {
        for RenamedValue { from, to, .. } in renamed {
            if let (Some(value), Some(to)) = (values.get(from), to) {
                self.set(to, value.clone());
                self.moved(to.clone(), vec![from.clone()], None);
            }
        }
    }

    /// Says where the value under a new key comes from, and what else changes.
    pub(crate) fn moved(&mut self, new: String, old: Vec<String>, but: Option<String>) {
        self.origins.push(Origin { new, old, but });
    }

    /// Says what a person has to decide.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(Note::Text(text.into()));
    }

    /// Shows a value that stood under `old` as what could be under `new`.
    pub(crate) fn beside(&mut self, new: &str, old: &str, value: &Value) {
        self.notes.push(Note::Beside {
            new: new.to_owned(),
            old: old.to_owned(),
            value: value.clone(),
        });
    }

    /// Merges the values that others have converted.
    pub(crate) fn absorb(&mut self, other: Converted) {
        self.put(other.values);
        self.notes.extend(other.notes);
        self.origins.extend(other.origins);
    }

    /// Returns the steps that write these values to a file and pass it to Helm after the user's own; none without values.
    pub(crate) fn fixes(self, change: &Change, file: &str) -> Vec<Fix> {
        self.file(change, file)
            .map(|file| file.fixes())
            .unwrap_or_default()
    }

    /// A file with these values; nothing without values.
    pub(crate) fn file(self, change: &Change, name: &str) -> Option<ValuesFile> {
        if self.is_empty() {
            return None;
        }
        let (text, withheld) = self.shown(&change.values);
        // Pasted after the whole file was written, what lacks a part of it must not take its place.
        let shown = match withheld {
            true => name.replacen(".yaml", "-by-hand.yaml", 1),
            false => name.to_owned(),
        };
        let by_hand = HereDocument {
            command: format!("cat > {}", shell::quote(&shown)),
            text,
        };
        let convert = withheld.then(|| convert(change, name));
        Some(ValuesFile {
            name: name.to_owned(),
            values: self.values,
            given: change.running_values.as_ref() == Some(&change.values)
                || !change.values.may_be_given(),
            decisions: !self.notes.is_empty(),
            by_hand,
            convert,
        })
    }

    /// Whether there is nothing to convert.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.notes.is_empty()
    }

    /// Returns the part of the file that may be shown, and whether anything is left out.
    fn shown(&self, values: &Values) -> (String, bool) {
        let mut shown = self.values.clone();
        let mut lines: Vec<_> = withhold(&mut shown)
            .iter()
            .map(|key| self.told(key))
            .collect();
        let mut left_out = !lines.is_empty();
        for note in &self.notes {
            match note {
                Note::Text(text) => lines.push(text.clone()),
                Note::Beside { new, old, value } => {
                    let mut one = Map::new();
                    set(&mut one, new, value.clone());
                    if withhold(&mut one).is_empty() {
                        lines.extend(beside(new, old, value));
                    } else {
                        left_out = true;
                        lines.push(format!(
                            "from {old}: what you have there; it is not shown here."
                        ));
                    }
                }
            }
        }
        (text(values, shown, &lines), left_out)
    }

    /// Returns the file's full text, secret values included; only the user's own file may hold it.
    pub(crate) fn whole(&self, values: &Values) -> String {
        let lines = self.notes.iter().flat_map(|note| match note {
            Note::Text(text) => vec![text.clone()],
            Note::Beside { new, old, value } => beside(new, old, value),
        });
        text(values, self.values.clone(), &lines.collect::<Vec<_>>())
    }

    /// Returns the decisions left to a person, without any value.
    pub(crate) fn decisions(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().filter_map(|note| match note {
            Note::Text(text) => Some(text.as_str()),
            Note::Beside { .. } => None,
        })
    }

    /// Returns a comment about a hidden value: how it gets under its new key.
    fn told(&self, key: &str) -> String {
        let origins = self.origins.iter();
        let found = origins
            .filter_map(|origin| Some((origin, below(key, &origin.new)?)))
            .max_by_key(|(origin, _)| origin.new.len());
        let Some((origin, rest)) = found else {
            return format!("{key}: fill in your value; it is not shown here.");
        };
        let old: Vec<_> = origin
            .old
            .iter()
            .map(|old| format!("{old}{rest}"))
            .collect();
        let files = at_key(&self.values, key).is_some_and(Value::is_array)
            && key.ends_with(".extraConfiguration");
        let but = match (&origin.but, files) {
            (Some(but), _) => format!(", but {but}"),
            (None, true) => ", but as a list of entries with file and content".to_owned(),
            (None, false) => String::new(),
        };
        match &old[..] {
            [one] => format!(
                "{key}: move what you have under {one} here as it is{but}; it is not shown here."
            ),
            several => format!(
                "{key}: put what you have under {} here as it is, one after the other{but}; it is not shown here.",
                several.join(", ")
            ),
        }
    }

    /// The values without the comments.
    pub(crate) fn into_values(self) -> Map<String, Value> {
        self.values
    }
}

fn beside(new: &str, old: &str, value: &Value) -> Vec<String> {
    let mut one = Map::new();
    set(&mut one, new, value.clone());
    let yaml = serde_saphyr::to_string(&one).unwrap_or_default();
    let lines = yaml.lines().map(|line| format!("  {line}"));
    [format!("from {old}:")].into_iter().chain(lines).collect()
}

/// Values with comments at the end, as the release's own files have them.
fn text(values: &Values, own: Map<String, Value>, comments: &[String]) -> String {
    let mut lines = Vec::new();
    if !own.is_empty() {
        let folded = Folded {
            value: &values.in_file(own),
            column: 0,
        };
        let yaml = serde_saphyr::to_string(&folded).unwrap_or_default();
        // Another space at the end, such as U+00A0, may be a value.
        lines.push(yaml.trim_end_matches('\n').to_owned());
    }
    // A key may have a line end in it, and a comment must not.
    let comments = comments.iter().map(|note| shell::on_one_line(note));
    lines.extend(comments.map(|note| format!("# {note}")));
    lines.join("\n")
}

/// Writes all of it where nobody else sees it.
fn convert(change: &Change, file: &str) -> String {
    let to = change.to.as_ref().map_or("", |to| to.version.as_str());
    let (release, namespace) = (change.release.as_str(), change.namespace.as_str());
    let mut words = vec![
        shell::PROGRAM,
        "convert",
        release,
        "-n",
        namespace,
        "--to",
        to,
    ];
    if let Some(root) = change.values.root() {
        words.extend(["--subchart", root]);
    }
    words.extend(["-o", file]);
    shell::command(words)
}

/// A values file that a user is to write.
#[derive(Clone, Debug)]
pub(crate) struct ValuesFile {
    /// Its name.
    pub(crate) name: String,
    /// The values as Camunda's own chart reads them; not all may be shown.
    pub(crate) values: Map<String, Value>,
    /// Whether it repeats only values that the running release was given.
    given: bool,
    /// Whether its comments leave decisions to a person.
    pub(crate) decisions: bool,
    /// The command that writes what may be shown of it.
    by_hand: HereDocument,
    /// The command that writes all of it, where not all may be shown.
    convert: Option<String>,
}

impl ValuesFile {
    /// The command that writes it, with the values files of the upgrade.
    pub(crate) fn write(&self, files: &[String]) -> Command {
        let Some(convert) = &self.convert else {
            return Command::HereDocument(self.by_hand.clone());
        };
        let files = files
            .iter()
            .map(|file| format!(" -f {}", shell::quote(file)));
        Command::Shell(files.fold(convert.clone(), |line, file| line + &file))
    }

    /// Whether a command writes this file or passes it to Helm.
    pub(crate) fn is_about(&self, command: &Command) -> bool {
        match command.core() {
            Command::HereDocument(document) => *document == self.by_hand,
            Command::Shell(line) => {
                let convert = self.convert.as_ref();
                convert.is_some_and(|it| line == it || *line == with_files(it))
            }
            Command::HelmFlag(flag) => *flag == self.flag(),
            _ => false,
        }
    }

    /// The command that writes all of it. Without files it converts what the running release was given.
    fn by_program(&self) -> Option<String> {
        let convert = self.convert.as_ref();
        convert.map(|convert| match self.given {
            true => convert.clone(),
            false => with_files(convert),
        })
    }

    fn fixes(self) -> Vec<Fix> {
        let flag = self.flag();
        let by_program = self.by_program();
        let by_hand = Command::HereDocument(self.by_hand);
        let mut fixes = match by_program {
            None => vec![self::write(
                "Write your values under the new keys into a file",
                by_hand.once_as_file(&self.name),
                self.decisions,
            )],
            Some(convert) => vec![
                self::write(
                    "Write all your values under the new keys into a file, secret ones too, which are not shown here",
                    Command::Shell(convert).once_as_file(&self.name),
                    self.decisions,
                ),
                Fix::alternative(
                    "Without this program, do what the comments at the end say, and give helm this file in place of the other one:",
                    [by_hand.decide()],
                ),
            ],
        };
        fixes.push(Fix::new("Add to your helm upgrade, last:", [flag]));
        fixes
    }

    fn flag(&self) -> Flag {
        Flag::File(self.name.clone())
    }
}

/// The same of the values files that helm is given.
fn with_files(convert: &str) -> String {
    format!("{convert} -f \"$VALUES\"")
}

/// The step that writes a file; what its comments leave to a person is decided once it is there.
fn write(intro: &str, command: Command, decisions: bool) -> Fix {
    match decisions {
        true => Fix::new(
            format!("{intro}, and decide what the comments at its end leave to you:"),
            [command.decide()],
        ),
        false => Fix::new(format!("{intro}:"), [command]),
    }
}
