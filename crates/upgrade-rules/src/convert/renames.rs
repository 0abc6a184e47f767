//! Values under other keys: what has moved is found as refusals find it, and then moved in the text.

use serde_json::{Map, Value};

use super::{
    edit,
    hop::Hop,
    layer::{Comments, Layer},
    merges::{Auto, Merges},
    told::{Kind, Told},
};
use crate::{
    camunda::{Line, RenamedValue},
    fixes::conversion::{
        Move, Moves, moves,
        renamed::{replace_in, rules, take},
    },
    helm::values::{at_key, below, set},
};

/// Moves a file's values, merges what was one for each application, and makes comments of what nothing takes the place of.
pub(super) fn rename(
    hop: Hop,
    file: usize,
    layer: &mut Layer,
    merges: &Merges,
    told: &mut Vec<Told>,
) {
    let before = layer.values.clone();
    let Moves {
        values: moved,
        list,
    } = moves(&before, &before, hop.to);
    let lines: Vec<_> = list.iter().map(|it| layer.line(&it.old)).collect();
    let mut work = Work {
        layer,
        line: hop.to,
        held: merges.held(file).to_vec(),
        in_place: Vec::new(),
    };
    let auto = merges.auto(file);
    let found: Vec<_> = auto.iter().map(|auto| work.lines(auto)).collect();
    work.carry_all();
    work.hold_what_stayed(&list);
    auto.iter().for_each(|auto| work.merge(auto));
    work.remove_all();
    for (auto, lines) in auto.iter().zip(found) {
        work.tell_merged(hop, file, auto, &lines, told);
    }
    let chart = &hop.to.line;
    let reads = format!("Chart {chart} reads it under its new key.");
    let nothing = format!("Chart {chart} has nothing in its place.");
    for (Move { old, new }, line) in list.into_iter().zip(lines) {
        let done = match &new {
            Some(new) => at_key(&work.layer.values, new) == at_key(&moved, new),
            None => at_key(&work.layer.values, &work.now(&old)).is_none(),
        };
        let (kind, reason) = match (done, &new) {
            (false, _) => (Kind::Decide, hop.by_hand(&reads)),
            (true, None) => (Kind::Removed, nothing.clone()),
            (true, Some(_)) => (Kind::Renamed, reads.clone()),
        };
        let one = Told::new(kind, hop, &old, reason).now(new);
        told.push(one.at(file, line));
    }
}

/// The edits of one file.
struct Work<'a> {
    layer: &'a mut Layer,
    line: &'static Line,
    /// The old keys that stay where they are, since a person decides about them.
    held: Vec<String>,
    /// The keys that were renamed where they stand.
    in_place: Vec<(&'static str, &'static str)>,
}

impl Work<'_> {
    fn carry_all(&mut self) {
        let roots = rules(self.line).filter(|rule| !rule.from.contains('.'));
        for rule in roots {
            self.rename_root(rule);
        }
        // What was renamed in its place is put in order before others come beside it.
        let is_own = |work: &Self, rule: &RenamedValue| work.now(&rule.from) != rule.from;
        for own in [true, false] {
            for rule in rules(self.line)
                .filter(|rule| is_own(self, rule) == own)
                .collect::<Vec<_>>()
            {
                self.replace_text(rule);
                if let Some(to) = &rule.to {
                    self.relocate(&self.now(&rule.from), to);
                }
            }
        }
    }

    /// What could not be moved must not become a comment either.
    fn hold_what_stayed(&mut self, list: &[Move]) {
        for Move { old, new } in list {
            let now = self.now(old);
            let stayed = new.as_ref().is_some_and(|new| now != *new);
            if stayed && at_key(&self.layer.values, &now).is_some() {
                self.held.push(now);
            }
        }
    }

    fn remove_all(&mut self) {
        for rule in rules(self.line).filter(|rule| rule.to.is_none()) {
            self.remove(&self.now(&rule.from), &rule.from);
        }
    }

    /// The key under which an old one stands by now.
    fn now(&self, key: &str) -> String {
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

    /// Gives a whole root another name where it stands, if nothing has that name yet.
    fn rename_root(&mut self, rule: &'static RenamedValue) {
        let Some(to) = rule.to.as_deref().filter(|to| !to.contains('.')) else {
            return;
        };
        let there = self.layer.values.contains_key(to);
        if there || self.holds(&rule.from) || !self.layer.values.contains_key(&rule.from) {
            return;
        }
        let mut expected = self.layer.values.clone();
        if let Some(value) = expected.remove(&rule.from) {
            expected.insert(to.to_owned(), value);
        }
        let done = self.layer.attempt(expected, Comments::Kept, |tree, text| {
            edit::rekey(tree, text, &rule.from, to)
        });
        if done {
            self.in_place.push((&rule.from, to));
        }
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
            let Some(Value::Array(more)) = take(&mut expected, other) else {
                continue;
            };
            let list = at_key(&expected, to).and_then(Value::as_array);
            let list = list.into_iter().flatten().cloned().chain(more).collect();
            set(&mut expected, to, Value::Array(list));
            self.layer.attempt(expected, Comments::Kept, |tree, text| {
                edit::append(tree, text, other, to)
            });
        }
    }

    /// Makes comments of what is below a key, but for what stays.
    fn remove(&mut self, key: &str, old: &str) {
        let Some(value) = at_key(&self.layer.values, key).cloned() else {
            return;
        };
        // A key that is one of a merged list's has its place.
        let merged = |line: &Line| {
            let mut rules = line.merged_values.iter();
            rules.any(|rule| rule.to == key)
        };
        if self.is_held(key) || self.line.with_earlier().iter().any(merged) {
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

    fn lines(&self, auto: &Auto) -> Vec<Option<usize>> {
        auto.from.iter().map(|key| self.layer.line(key)).collect()
    }

    fn tell_merged(
        &self,
        hop: Hop,
        file: usize,
        auto: &Auto,
        lines: &[Option<usize>],
        told: &mut Vec<Told>,
    ) {
        let done = at_key(&self.layer.values, &auto.rule.to) == Some(&auto.value);
        let reason = format!("Chart {} has one list for all applications.", hop.to.line);
        let (kind, reason) = match done {
            true => (Kind::Merged, reason),
            false => (Kind::Decide, hop.by_hand(&reason)),
        };
        for (old, line) in auto.from.iter().zip(lines) {
            let one = Told::new(kind, hop, old, reason.as_str());
            told.push(one.now(Some(auto.rule.to.clone())).at(file, *line));
        }
    }
}
