//! Lists that every application had of its own: which of them a machine can merge, in which file.

use serde_json::{Map, Value};

use super::{
    hop::Hop,
    layer::Layer,
    told::{Kind, Told},
};
use crate::{
    camunda::{Line, MergedValue},
    fixes::conversion::merged::{is_set, one, question},
    helm::values::at_key,
};

/// What becomes of such lists.
pub(super) struct Merges {
    files: Vec<PerFile>,
}

#[derive(Default)]
struct PerFile {
    auto: Vec<Auto>,
    held: Vec<String>,
    asked: Vec<(&'static MergedValue, Vec<String>)>,
}

/// Lists that become one.
pub(super) struct Auto {
    pub(super) rule: &'static MergedValue,
    pub(super) from: Vec<String>,
    pub(super) value: Value,
}

impl Merges {
    pub(super) fn of(line: &Line, layers: &[Layer]) -> Merges {
        let mut files: Vec<_> = layers.iter().map(|_| PerFile::default()).collect();
        let rules = line.with_earlier().iter();
        for rule in rules.flat_map(|line| &line.merged_values) {
            let found: Vec<_> = layers.iter().map(|it| found(rule, &it.values)).collect();
            let apart = is_apart(&found);
            for (file, keys) in files.iter_mut().zip(&found) {
                if keys.is_empty() {
                    continue;
                }
                let names: Vec<_> = keys.iter().map(|(key, _)| (*key).to_owned()).collect();
                match one(rule, keys).filter(|_| !apart) {
                    Some(value) => file.auto.push(Auto {
                        rule,
                        from: names,
                        value,
                    }),
                    None => {
                        file.held.extend(names.iter().cloned());
                        file.asked.push((rule, names));
                    }
                }
            }
        }
        Merges { files }
    }

    /// The keys of a file that stay where they are.
    pub(super) fn held(&self, file: usize) -> &[String] {
        self.files.get(file).map_or(&[], |file| &file.held)
    }

    pub(super) fn auto(&self, file: usize) -> &[Auto] {
        self.files.get(file).map_or(&[], |file| &file.auto)
    }

    /// Tells what a person has to decide.
    pub(super) fn ask(&self, hop: Hop, layers: &[Layer], told: &mut Vec<Told>) {
        for (index, (file, layer)) in self.files.iter().zip(layers).enumerate() {
            for (rule, keys) in &file.asked {
                let names: Vec<_> = keys.iter().map(String::as_str).collect();
                for key in &names {
                    let one = Told::new(Kind::Decide, hop, key, question(rule, &names));
                    let one = one.now(Some(rule.to.clone()));
                    told.push(one.at(index, layer.line(key)));
                }
            }
        }
    }
}

/// The old keys that a file sets, unless it sets the new one.
fn found<'a>(
    rule: &'static MergedValue,
    own: &'a Map<String, Value>,
) -> Vec<(&'static str, &'a Value)> {
    if at_key(own, &rule.to).is_some_and(is_set) {
        return Vec::new();
    }
    let keys = rule.from.iter().map(String::as_str);
    let found = keys.filter_map(|key| Some((key, at_key(own, key)?)));
    found.filter(|(_, value)| is_set(value)).collect()
}

/// Whether a later file would replace a list of an earlier one that it does not have itself.
fn is_apart(found: &[Vec<(&str, &Value)>]) -> bool {
    let has = |keys: &[(&str, &Value)], key| keys.iter().any(|(other, _)| *other == key);
    found.iter().enumerate().any(|(at, later)| {
        let mut earlier = found[..at].iter().flatten();
        !later.is_empty() && earlier.any(|(key, _)| !has(later, *key))
    })
}
