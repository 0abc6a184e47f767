//! The edits of one file that bring its values under other keys.

use serde_json::{Map, Value};

use super::{
    edit,
    layer::{Comments, Layer},
    merges::Auto,
};
use crate::{
    camunda::{Line, RenamedValue},
    fixes::conversion::renamed::{replace_in, rules, take},
    helm::values::{at_key, below, set},
};

/// The edits of one file.
pub(super) struct Work<'a> {
    pub(super) layer: &'a mut Layer,
    line: &'static Line,
    /// The keys that stay where they are: a person decides about them.
    held: Vec<String>,
    /// The keys that were renamed where they stand.
    in_place: Vec<(&'static str, &'static str)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(layer: &'a mut Layer, line: &'static Line, held: &[String]) -> Self {
        Self {
            layer,
            line,
            held: held.to_vec(),
            in_place: Vec::new(),
        }
    }

    /// Moves and merges what can be, and makes comments of the rest.
    pub(super) fn run(&mut self, auto: &[Auto]) {
        let (roots, parts): (Vec<_>, Vec<_>) =
            rules(self.line).partition(|rule| !rule.from.contains('.'));
        for root in &roots {
            self.rename_root(root);
        }
        let in_place: Vec<_> = self.in_place.iter().map(|(from, _)| *from).collect();
        let is_done =
            |rule: &RenamedValue| in_place.iter().any(|it| below(&rule.from, it).is_some());
        let moved = roots.iter().filter(|root| root.to.is_some());
        for rule in parts.iter().chain(moved).filter(|rule| !is_done(rule)) {
            self.apply(rule);
        }
        for auto in auto {
            self.merge(auto);
        }
        for root in roots.iter().filter(|root| root.to.is_none()) {
            self.apply(root);
        }
    }

    /// What a person has to move, since it stays.
    pub(super) fn stayed(&self) -> &[String] {
        &self.held
    }

    /// Does what a rule says, and holds what that leaves.
    fn apply(&mut self, rule: &RenamedValue) {
        self.replace_text(rule);
        let key = self.now(&rule.from);
        match &rule.to {
            Some(to) if *to == key => return,
            Some(to) => self.relocate(&key, to),
            None if self.is_merged(&rule.from) => return,
            None => self.remove(&key, &rule.from),
        }
        if at_key(&self.layer.values, &key).is_some() && !self.is_held(&key) {
            self.held.push(key);
        }
    }

    /// Gives a whole root another name where it stands, if nothing has that name yet and all below it can follow.
    fn rename_root(&mut self, rule: &'static RenamedValue) {
        let Some(to) = rule.to.as_deref().filter(|to| !to.contains('.')) else {
            return;
        };
        let there = self.layer.values.contains_key(to);
        if there || self.holds(&rule.from) || !self.layer.values.contains_key(&rule.from) {
            return;
        }
        let (layer, held) = (self.layer.clone(), self.held.len());
        let mut expected = self.layer.values.clone();
        if let Some(value) = expected.remove(&rule.from) {
            expected.insert(to.to_owned(), value);
        }
        let rekey = |tree: &_, text: &mut _| edit::rekey(tree, text, &rule.from, to);
        if !self.layer.attempt(expected, Comments::Kept, rekey) {
            return;
        }
        self.in_place.push((&rule.from, to));
        let parts = rules(self.line).filter(|part| part.from != rule.from);
        for part in parts.filter(|part| below(&part.from, &rule.from).is_some()) {
            self.apply(part);
        }
        // What stays under a new key by mistake would be read there.
        if self.held.len() > held {
            *self.layer = layer;
            self.held.truncate(held);
            self.in_place.pop();
        }
    }

    /// Whether a key is one of those whose lists become one.
    fn is_merged(&self, key: &str) -> bool {
        let mut lines = self
            .line
            .with_earlier()
            .iter()
            .flat_map(|line| &line.merged_values);
        lines.any(|rule| rule.from.iter().any(|from| from == key))
    }

    /// The key under which an old one stands by now.
    pub(super) fn now(&self, key: &str) -> String {
        let mut renamed = self.in_place.iter();
        let found = renamed.find_map(|(from, to)| Some(format!("{to}{}", below(key, from)?)));
        found.unwrap_or_else(|| key.to_owned())
    }

    fn is_held(&self, key: &str) -> bool {
        self.held.iter().any(|held| held == key)
    }

    fn holds(&self, key: &str) -> bool {
        self.held.iter().any(|held| below(held, key).is_some())
    }

    fn replace_text(&mut self, rule: &RenamedValue) {
        let (Some(replacing), key) = (&rule.replacing, self.now(&rule.from)) else {
            return;
        };
        let Some(value) = at_key(&self.layer.values, &key) else {
            return;
        };
        let mut new = value.clone();
        replace_in(&mut new, &replacing.text, &replacing.by);
        if new == *value {
            return;
        }
        let mut expected = self.layer.values.clone();
        set(&mut expected, &key, new);
        self.layer.attempt(expected, Comments::Kept, |tree, text| {
            edit::replace_text(tree, text, &key, &replacing.text, &replacing.by)
        });
    }

    /// Moves a value, or what is below it where its new place is taken or something below has to stay.
    fn relocate(&mut self, from: &str, to: &str) {
        let Some(value) = at_key(&self.layer.values, from).cloned() else {
            return;
        };
        if from == to || self.is_held(from) {
            return;
        }
        let there = at_key(&self.layer.values, to).cloned();
        if there.is_none() && !self.holds(from) {
            return self.carry(&[(from.to_owned(), to.to_owned())]);
        }
        let empty = Map::new();
        let taken = match &there {
            None | Some(Value::Null) => &empty,
            Some(Value::Object(taken)) => taken,
            Some(_) => return self.give_way(from, to),
        };
        let Value::Object(value) = value else {
            return self.give_way(from, to);
        };
        let way = |key: &str| (format!("{from}.{key}"), format!("{to}.{key}"));
        let (inner, free): (Vec<_>, Vec<_>) = value
            .keys()
            .partition(|key| taken.contains_key(*key) || self.holds(&way(key).0));
        let free: Vec<_> = free.into_iter().map(|key| way(key)).collect();
        if !free.is_empty() {
            self.carry(&free);
        }
        for key in inner {
            let (from, to) = way(key);
            self.relocate(&from, &to);
        }
    }

    /// Moves entries to places that are free.
    fn carry(&mut self, list: &[(String, String)]) {
        let mut expected = self.layer.values.clone();
        for (from, to) in list {
            if let Some(value) = take(&mut expected, from) {
                set(&mut expected, to, value);
            }
        }
        let parent = |key: &str| key.rsplit_once('.').map(|(above, _)| above.to_owned());
        self.layer.attempt(expected, Comments::Kept, |tree, text| {
            if let [(from, to)] = list
                && parent(from) == parent(to)
            {
                return edit::rekey(tree, text, from, to.rsplit('.').next()?);
            }
            edit::relocate(tree, text, list)
        });
    }

    /// What stands under the new key counts, so the old one becomes a comment.
    fn give_way(&mut self, from: &str, to: &str) {
        let why = format!(
            "{to} is set, so this is not read by chart {}:",
            self.line.line
        );
        self.comment_out(from, &why);
    }

    fn merge(&mut self, auto: &Auto) {
        let keys: Vec<_> = auto.from.iter().map(|key| self.now(key)).collect();
        let to = auto.rule.to.as_str();
        let Some((first, others)) = keys.split_first() else {
            return;
        };
        self.relocate(first, to);
        for other in others {
            let mut expected = self.layer.values.clone();
            let (Some(Value::Array(more)), Some(Value::Array(list))) =
                (take(&mut expected, other), at_key(&expected, to).cloned())
            else {
                continue;
            };
            let known = more.iter().filter(|item| list.contains(item)).count();
            if known == more.len() {
                self.comment_out(other, &format!("{to} has all of this:"));
                continue;
            }
            set(&mut expected, to, Value::Array([list, more].concat()));
            let edit = |tree: &_, text: &mut _| edit::append(tree, text, other, to);
            if known > 0 || !self.layer.attempt(expected, Comments::Kept, edit) {
                self.held.push(other.clone());
            }
        }
    }

    /// Makes comments of what is below a key, but for what stays.
    fn remove(&mut self, key: &str, old: &str) {
        let Some(value) = at_key(&self.layer.values, key).cloned() else {
            return;
        };
        if self.is_held(key) {
            return;
        }
        if self.holds(key) {
            let parts = value.as_object().into_iter().flat_map(Map::keys);
            for part in parts {
                self.remove(&format!("{key}.{part}"), &format!("{old}.{part}"));
            }
            return;
        }
        let why = format!(
            "{old}: chart {} does not read it, and has nothing in its place.",
            self.line.line
        );
        self.comment_out(key, &why);
    }

    fn comment_out(&mut self, key: &str, why: &str) {
        let mut expected = self.layer.values.clone();
        take(&mut expected, key);
        self.layer.attempt(expected, Comments::Grow, |tree, text| {
            edit::comment_out(tree, text, key, why)
        });
    }
}
