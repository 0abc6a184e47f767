//! Edits of a text at the places that the tree names. One that can't be made returns nothing.

use super::{
    text::{Line, Text},
    tree::{Entry, Kind, Node, Tree},
};

/// How far entries are indented below a key that has none yet.
const STEP: usize = 2;

/// Lines that stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Gives an entry another key, in its place.
pub(super) fn rekey(tree: &Tree, text: &mut Text, key: &str, new: &str) -> Option<()> {
    let entry = tree.entry(key)?;
    let line = text.lines.get_mut(entry.line)?;
    line.text.get(entry.column..entry.key_end)?;
    line.text
        .replace_range(entry.column..entry.key_end, &quoted(new));
    Some(())
}

/// Replaces a value that stands on one line.
pub(super) fn replace(tree: &Tree, text: &mut Text, key: &str, new: &str) -> Option<()> {
    let node = &tree.entry(key)?.node;
    let ((line, from), (last, to)) = (node.start, node.end);
    if line != last || !matches!(node.kind, Kind::Scalar { block: false }) {
        return None;
    }
    let line = text.lines.get_mut(line)?;
    line.text.get(from..to)?;
    line.text.replace_range(from..to, new);
    Some(())
}

/// Moves entries of one mapping below another key, under names of their own.
pub(super) fn relocate(tree: &Tree, text: &mut Text, moves: &[(String, String)]) -> Option<()> {
    let mut cut = Vec::new();
    for (old, new) in moves {
        let entry = tree.entry(old)?;
        let block = block(tree, text, old)?;
        let mut lines = text.lines.get(block.first..=block.last)?.to_vec();
        let at = entry.line - block.first;
        let last = new.rsplit('.').next()?;
        lines
            .get_mut(at)?
            .text
            .replace_range(entry.column..entry.key_end, &quoted(last));
        cut.push((new.clone(), entry.column, lines));
    }
    let root = moves.first()?.0.split('.').next()?;
    let after = root_end(tree, text, root)?;
    let places = places(tree, text, &cut, after)?;
    let mut emptied: Vec<&str> = moves.iter().map(|(old, _)| old.as_str()).collect();
    let targets: Vec<_> = moves.iter().map(|(_, new)| new.as_str()).collect();
    let gone = leaving(tree, text, &mut emptied, &targets)?;
    splice(text, places, gone)
}

/// Lines that take the place of others, and lines that come before the line `at`.
struct Place {
    at: usize,
    lines: Vec<Line>,
}

/// Where entries go: below what is there of their keys, the rest of which is written above them.
fn places(
    tree: &Tree,
    text: &mut Text,
    cut: &[(String, usize, Vec<Line>)],
    after: usize,
) -> Option<Vec<Place>> {
    let mut places: Vec<(String, Place, usize)> = Vec::new();
    for (key, from, lines) in cut {
        let way = tree.way(key);
        let parts: Vec<_> = key.split('.').collect();
        let there = parts.get(..way.len())?.join(".");
        let (at, column) = match way.last() {
            None => (after, root_column(tree)),
            Some(entry) => below(tree, text, entry, &there)?,
        };
        let mut lines = lines.clone();
        let missing = parts.get(way.len()..parts.len().checked_sub(1)?)?;
        let to = column + STEP * missing.len();
        if !lines.iter_mut().all(|line| line.shift(*from, to)) {
            return None;
        }
        let headed = format!("{there}/{}", missing.join("."));
        // What goes below the same new key goes below one.
        if let Some((_, place, _)) = places.iter_mut().find(|(known, ..)| *known == headed) {
            place.lines.extend(lines);
            continue;
        }
        let heads = missing.iter().enumerate().map(|(depth, part)| {
            let indent = " ".repeat(column + STEP * depth);
            text.new_line(format!("{indent}{}:", quoted(part)))
        });
        let lines = heads.chain(lines).collect();
        places.push((headed, Place { at, lines }, column));
    }
    let mut seen = Vec::new();
    for (headed, ..) in &places {
        // Two new branches below one key would write its parts twice.
        let (there, missing) = headed.split_once('/')?;
        let head = missing.split('.').next().filter(|head| !head.is_empty());
        if let Some(head) = head {
            if seen.contains(&(there, head)) {
                return None;
            }
            seen.push((there, head));
        }
    }
    Some(places.into_iter().map(|(_, place, _)| place).collect())
}

/// The line and the column at which an entry below another one goes.
fn below(tree: &Tree, text: &mut Text, entry: &Entry, key: &str) -> Option<(usize, usize)> {
    if entry.node.is_block() {
        let last = entry.node.entries().last()?;
        let own = block(tree, text, &format!("{key}.{}", last.key));
        let end = own.map_or(last.node.end.0, |block| block.last);
        return Some((end + 1, last.column));
    }
    // `key:` and `key: {}` hold nothing yet.
    let ((line, from), (last, to)) = (entry.node.start, entry.node.end);
    let empty = match &entry.node.kind {
        Kind::Mapping {
            flow: true,
            entries,
        } => entries.is_empty(),
        Kind::Scalar { block: false } => (line, from) == (last, to),
        _ => false,
    };
    if !empty || line != entry.line || last != line {
        return None;
    }
    let head = text.lines.get_mut(line)?;
    head.text.get(from..to)?;
    head.text.replace_range(from..to, "");
    if head.text.trim_end().ends_with(':') {
        head.text.truncate(head.text.trim_end().len());
    }
    Some((line + 1, entry.column + STEP))
}

fn root_column(tree: &Tree) -> usize {
    let root = tree.root.as_ref().map(Node::entries).unwrap_or_default();
    root.first().map_or(0, |entry| entry.column)
}

/// The line after the block of a root's key.
fn root_end(tree: &Tree, text: &Text, root: &str) -> Option<usize> {
    Some(block(tree, text, root)?.last + 1)
}

/// The lines of an entry that has lines of its own: with the comments right above it, and those below that belong to it.
pub(super) fn block(tree: &Tree, text: &Text, key: &str) -> Option<Block> {
    let entry = tree.entry(key)?;
    let own = own_lines(tree, text, key, entry)?;
    let mut first = own.first;
    while let Some(above) = first.checked_sub(1)
        && let Some(line) = text.lines.get(above)
        && line.is_comment()
        && line.indent() == entry.column
    {
        first = above;
    }
    Some(Block { first, ..own })
}

fn own_lines(tree: &Tree, text: &Text, key: &str, entry: &Entry) -> Option<Block> {
    let above = match key.rsplit_once('.') {
        Some((above, _)) => &tree.entry(above)?.node,
        None => tree.root.as_ref()?,
    };
    let before = text.lines.get(entry.line)?.text.get(..entry.column)?;
    if !above.is_block() || !before.chars().all(|c| c == ' ') {
        return None;
    }
    let mut last = entry.node.end.0.max(entry.line);
    let mut next = last + 1;
    while let Some(line) = text.lines.get(next)
        && (line.is_blank() || line.is_comment() && line.indent() > entry.column)
    {
        if line.is_comment() {
            last = next;
        }
        next += 1;
    }
    Some(Block {
        first: entry.line,
        last,
    })
}

/// The lines that go with entries: theirs, and those of keys that have nothing below them any more.
fn leaving(
    tree: &Tree,
    text: &mut Text,
    keys: &mut Vec<&str>,
    targets: &[&str],
) -> Option<Vec<Block>> {
    let mut gone: Vec<Block> = Vec::new();
    let mut at = 0;
    while let Some(key) = keys.get(at).copied() {
        let block = block(tree, text, key)?;
        if !keys[..at].iter().any(|other| is_above(key, other)) {
            gone.push(block);
        }
        at += 1;
        let Some((above, _)) = key.rsplit_once('.') else {
            continue;
        };
        let entry = tree.entry(above)?;
        let left = entry.node.entries().iter().any(|below| {
            let below = format!("{above}.{}", below.key);
            !keys.iter().any(|key| *key == below)
        });
        let refilled = targets.iter().any(|target| is_above(above, target));
        if !left && !refilled && !keys.contains(&above) {
            keys.push(above);
        }
    }
    // Of a key that is left empty only its own line goes; its comments stay.
    for key in keys.iter() {
        let entry = tree.entry(key)?;
        let is_head = keys.iter().any(|other| is_above(key, other));
        if !is_head {
            continue;
        }
        let line = text.lines.get_mut(entry.line)?;
        let comment = line.text.get(entry.key_end..)?.find(" #");
        let comment = comment.map(|at| line.text[entry.key_end + at + 1..].to_owned());
        match comment {
            Some(comment) => line.text = format!("{}{comment}", " ".repeat(entry.column)),
            None => gone.push(Block {
                first: entry.line,
                last: entry.line,
            }),
        }
    }
    Some(gone)
}

/// Whether one key is above another.
fn is_above(key: &str, other: &str) -> bool {
    other
        .strip_prefix(key)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// Takes lines out and puts others in, all by the numbers that they have before.
fn splice(text: &mut Text, mut places: Vec<Place>, mut gone: Vec<Block>) -> Option<()> {
    gone.sort_by_key(|block| std::cmp::Reverse(block.first));
    // Of those at one line the last is put in first.
    places.reverse();
    places.sort_by_key(|place| std::cmp::Reverse(place.at));
    let mut places = places.into_iter().peekable();
    for block in gone {
        while let Some(place) = places.next_if(|place| place.at > block.last) {
            text.insert(place.at, place.lines);
        }
        if places.peek().is_some_and(|place| place.at > block.first) {
            return None;
        }
        text.cut(block.first, block.last);
    }
    for place in places {
        text.insert(place.at, place.lines);
    }
    Some(())
}

/// Makes comments of an entry, with a line above that says why; keys that would have nothing below them go with it.
pub(super) fn comment_out(tree: &Tree, text: &mut Text, key: &str, why: &str) -> Option<()> {
    let mut key = key;
    while let Some((above, _)) = key.rsplit_once('.')
        && tree.entry(above)?.node.entries().len() == 1
    {
        key = above;
    }
    let entry = tree.entry(key)?;
    let Block { first, last } = own_lines(tree, text, key, entry)?;
    let indent = " ".repeat(entry.column);
    for line in text.lines.get_mut(first..=last)? {
        if !line.is_blank() {
            let at = line.indent().min(entry.column);
            line.text = format!("{indent}# {}", &line.text[at..]);
        }
    }
    let why = text.new_line(format!("{indent}# {why}"));
    text.insert(first, vec![why]);
    Some(())
}

/// Makes a list of `file` and `content` of a mapping from names to texts.
pub(super) fn list_files(tree: &Tree, text: &mut Text, key: &str) -> Option<()> {
    let node = &tree.entry(key)?.node;
    if !node.is_block() {
        return None;
    }
    for entry in node.entries().iter().rev() {
        let own = Block {
            first: entry.line,
            last: entry.node.end.0.max(entry.line),
        };
        let lines = text.lines.get_mut(own.first..=own.last)?;
        let (head, rest) = lines.split_first_mut()?;
        let indent = head.text.get(..entry.column)?.to_owned();
        let name = head.text.get(entry.column..entry.key_end)?.to_owned();
        let value = head.text.get(entry.key_end..)?.to_owned();
        for line in rest {
            if !line.shift(0, STEP) {
                return None;
            }
        }
        head.text = format!("{indent}  content{value}");
        let file = text.new_line(format!("{indent}- file: {name}"));
        text.insert(own.first, vec![file]);
    }
    Some(())
}

/// A key as it is written.
fn quoted(key: &str) -> String {
    let plain = key
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/'));
    match plain && !key.starts_with(['-', '/']) {
        true => key.to_owned(),
        false => serde_json::Value::from(key).to_string(),
    }
}

/// Replaces a part of a text wherever it stands in a value.
pub(super) fn replace_text(
    tree: &Tree,
    text: &mut Text,
    key: &str,
    old: &str,
    new: &str,
) -> Option<()> {
    let node = &tree.entry(key)?.node;
    let ((first, from), (last, _)) = (node.start, node.end);
    for (number, line) in (first..).zip(text.lines.get_mut(first..=last)?) {
        let at = if number == first { from } else { 0 };
        let rest = line.text.get(at..)?.replace(old, new);
        line.text.truncate(at);
        line.text.push_str(&rest);
    }
    Some(())
}

/// Appends the items of a list to another list, and takes its key away.
pub(super) fn append(tree: &Tree, text: &mut Text, from: &str, to: &str) -> Option<()> {
    let (source, target) = (tree.entry(from)?, tree.entry(to)?);
    let dash = |entry: &Entry, text: &Text| {
        let line = text.lines.get(entry.node.start.0)?;
        let is_item = line.text.trim_start().starts_with("- ");
        (matches!(entry.node.kind, Kind::Sequence) && is_item && entry.node.start.0 > entry.line)
            .then(|| line.indent())
    };
    let (here, there) = (dash(source, text)?, dash(target, text)?);
    let own = block(tree, text, from)?;
    let end = own_lines(tree, text, to, target)?.last;
    let mut lines = text.lines.get(own.first..=own.last)?.to_vec();
    lines.remove(source.line - own.first);
    for line in &mut lines {
        // Comments of the key that goes may stand further left than its items.
        let column = line.indent().min(here);
        if !line.shift(column, there) {
            return None;
        }
    }
    let mut emptied = vec![from];
    let gone = leaving(tree, text, &mut emptied, &[])?;
    splice(text, vec![Place { at: end + 1, lines }], gone)
}
