//! Values that have another key.

use serde_json::{Map, Value};

use crate::{
    camunda::{Line, RenamedValue},
    helm::values::{below, overlay, prune_but_texts, set, subtract},
};

/// A value of the user's under a key that is not read any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    /// Its key.
    pub(crate) old: String,
    /// The key that the new line reads; none where nothing takes its place.
    pub(crate) new: Option<String>,
}

impl Move {
    /// Follows a rule that moves its new key.
    fn go_on(&mut self, rule: &RenamedValue) {
        let Some(rest) = self.new.as_deref().and_then(|new| below(new, &rule.from)) else {
            return;
        };
        self.new = rule.to.as_ref().map(|to| format!("{to}{rest}"));
    }
}

/// The most keys that a refusal lists.
const SHOWN: usize = 20;

/// Lists the first moves; a refusal has no room for all.
pub(crate) fn listed(moves: &[Move]) -> Vec<String> {
    let shown = moves.iter().take(SHOWN);
    let mut lines: Vec<_> = shown
        .map(|Move { old, new }| match new {
            Some(new) => format!("{old}: now {new}"),
            None => old.clone(),
        })
        .collect();
    let hidden = moves.len().saturating_sub(SHOWN);
    if hidden > 0 {
        lines.push(format!("and {hidden} more"));
    }
    lines
}

/// Values under their new keys, and which they are.
#[derive(Default)]
pub(crate) struct Moves {
    pub(crate) values: Map<String, Value>,
    pub(crate) list: Vec<Move>,
}

/// Finds the values of `source` that must move; a new key that `own` already sets is left alone.
pub(crate) fn moves(source: &Map<String, Value>, own: &Map<String, Value>, line: &Line) -> Moves {
    let mut rest = source.clone();
    prune_but_texts(&mut rest);
    let mut moves = Moves::default();
    for rule in rules(line) {
        let taken = take(&mut rest, &rule.from).filter(|value| *value != "");
        let mut taken: Vec<_> = taken.into_iter().collect();
        for value in &taken {
            moves.list.extend(moved(rule, value));
        }
        // What an earlier line moved may move again.
        if let Some(value) = take(&mut moves.values, &rule.from) {
            moves
                .list
                .iter_mut()
                .for_each(|earlier| earlier.go_on(rule));
            taken.push(value);
        }
        for mut value in taken {
            if let Some(replace) = &rule.replacing {
                replace_in(&mut value, &replace.text, &replace.by);
            }
            if let Some(to) = &rule.to {
                let mut moved = Map::new();
                set(&mut moved, to, value);
                overlay(&mut moves.values, moved);
            }
        }
    }
    subtract(&mut moves.values, own);
    prune_but_texts(&mut moves.values);
    let (values, merged) = (&moves.values, merged(line));
    moves.list.retain(|moved| match &moved.new {
        Some(new) => has(values, new),
        // What is merged with others has a place all the same.
        None => !merged.iter().any(|key| below(&moved.old, key).is_some()),
    });
    moves
}

/// Line by line, and within one the most particular first.
pub(crate) fn rules(line: &Line) -> impl Iterator<Item = &'static RenamedValue> {
    line.with_earlier().iter().flat_map(|line| {
        let rules = line.renamed_values.iter();
        let mut rules: Vec<_> = rules.filter(|rule| rule.by.is_none()).collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.from.len()));
        rules
    })
}

fn merged(line: &Line) -> Vec<&'static str> {
    let lines = line.with_earlier().iter();
    let rules = lines.flat_map(|line| &line.merged_values);
    rules
        .flat_map(|rule| rule.from.iter().map(String::as_str))
        .collect()
}

fn moved(rule: &RenamedValue, value: &Value) -> Vec<Move> {
    let one = |path: &String| Move {
        old: format!("{}{path}", rule.from),
        new: rule.to.as_ref().map(|to| format!("{to}{path}")),
    };
    let mut paths = Vec::new();
    leaves(String::new(), value, &mut paths);
    paths.iter().map(one).collect()
}

fn leaves(path: String, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                leaves(format!("{path}.{key}"), value, found);
            }
        }
        _ => found.push(path),
    }
}

/// Removes the value under a dotted key from a map, and mappings that become empty.
pub(crate) fn take(map: &mut Map<String, Value>, key: &str) -> Option<Value> {
    let Some((first, rest)) = key.split_once('.') else {
        return map.remove(key);
    };
    let below = map.get_mut(first)?.as_object_mut()?;
    let taken = take(below, rest);
    if below.is_empty() {
        map.remove(first);
    }
    taken
}

/// Whether a value exists under a dotted key, whose parts may contain dots.
fn has(map: &Map<String, Value>, key: &str) -> bool {
    map.contains_key(key)
        || key.match_indices('.').any(|(at, _)| {
            map.get(&key[..at])
                .and_then(Value::as_object)
                .is_some_and(|below| has(below, &key[at + 1..]))
        })
}

pub(crate) fn replace_in(value: &mut Value, text: &str, by: &str) {
    if let Value::String(old) = value {
        *old = old.replace(text, by);
    }
}
