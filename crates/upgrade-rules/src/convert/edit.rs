//! Edits of a text at the places that the tree names. One that can't be made returns nothing.

mod block;
mod list;
mod relocate;

use super::{
    text::Text,
    tree::{Kind, Tree},
};

use self::block::{Block, own_lines};
pub(super) use self::{
    list::{append, list_files},
    relocate::relocate,
};

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
