//! Entries below another key.

use super::{
    super::{
        text::{Line, Text},
        tree::{Entry, Kind, Node, Tree},
    },
    block::{Place, block, leaving, splice},
    quoted,
};

/// How far entries are indented below a key that has none yet.
const STEP: usize = 2;

/// Moves entries of one mapping below another key, under names of their own.
pub(in super::super) fn relocate(
    tree: &Tree,
    text: &mut Text,
    moves: &[(String, String)],
) -> Option<()> {
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
