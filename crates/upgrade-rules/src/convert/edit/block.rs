//! The lines of an entry, and those that go with it.

use super::super::{
    text::{Line, Text},
    tree::{Entry, Tree},
};

/// Lines that stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Block {
    pub(in super::super) first: usize,
    pub(in super::super) last: usize,
}

/// The lines of an entry that has lines of its own: with the comments right above it, and those below that belong to it.
pub(in super::super) fn block(tree: &Tree, text: &Text, key: &str) -> Option<Block> {
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

pub(super) fn own_lines(tree: &Tree, text: &Text, key: &str, entry: &Entry) -> Option<Block> {
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
pub(super) fn leaving(
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

/// Lines that take the place of others, and lines that come before the line `at`.
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) lines: Vec<Line>,
}

/// Takes lines out and puts others in, all by the numbers that they have before.
pub(super) fn splice(text: &mut Text, mut places: Vec<Place>, mut gone: Vec<Block>) -> Option<()> {
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
