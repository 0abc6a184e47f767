//! Lists: of files that were a mapping, and one of several.

use super::{
    super::{
        text::Text,
        tree::{Entry, Kind, Tree},
    },
    block::{Place, block, leaving, own_lines, splice},
};

/// How far an item's keys are indented.
const STEP: usize = 2;

/// Makes a list of `file` and `content` of a mapping from names to texts.
pub(in super::super) fn list_files(tree: &Tree, text: &mut Text, key: &str) -> Option<()> {
    let node = &tree.entry(key)?.node;
    if !node.is_block() {
        return None;
    }
    for entry in node.entries().iter().rev() {
        let last = entry.node.end.0.max(entry.line);
        let lines = text.lines.get_mut(entry.line..=last)?;
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
        text.insert(entry.line, vec![file]);
    }
    Some(())
}

/// Appends the items of a list to another list, and takes its key away.
pub(in super::super) fn append(tree: &Tree, text: &mut Text, from: &str, to: &str) -> Option<()> {
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
