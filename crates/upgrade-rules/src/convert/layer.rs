//! One values file. Each edit of its text is verified: it has to change exactly the values that it is about, and no comment.

use serde_json::{Map, Value};

use super::{Unreadable, text::Text, tree::Tree};
use crate::helm::manifest::Document;

/// The most edits of one file; each of them reads the file again.
const EDITS: usize = 500;

/// A file under conversion.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) text: Text,
    pub(super) tree: Tree,
    pub(super) values: Map<String, Value>,
    edits: usize,
}

/// What an edit may do to comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comments {
    /// All stay as they are.
    Kept,
    /// Values become comments.
    Grow,
}

impl Layer {
    /// Reads a file.
    pub(super) fn read(file: &str) -> Result<Layer, Unreadable> {
        let text = Text::of(file)?;
        let (values, tree) = read(&text.body())?;
        Ok(Layer {
            text,
            tree,
            values,
            edits: 0,
        })
    }

    /// Edits the text, if the result is what is expected.
    pub(super) fn attempt(
        &mut self,
        expected: Map<String, Value>,
        comments: Comments,
        edit: impl FnOnce(&Tree, &mut Text) -> Option<()>,
    ) -> bool {
        if self.edits >= EDITS {
            return false;
        }
        self.edits += 1;
        let mut text = self.text.clone();
        if edit(&self.tree, &mut text).is_none() {
            return false;
        }
        let Ok((values, tree)) = read(&text.body()) else {
            return false;
        };
        let kept = || {
            let mut before = self.tree.comments.iter();
            before.all(|(comment, times)| tree.comments.get(comment) >= Some(times))
        };
        if values != expected || comments == Comments::Kept && !kept() {
            return false;
        }
        (self.text, self.tree, self.values) = (text, tree, values);
        true
    }

    /// The line of the user's file on which a dotted key stands, or what is above it.
    pub(super) fn line(&self, key: &str) -> Option<usize> {
        let way = self.tree.way(key);
        self.text.origin(way.last()?.line)
    }
}

fn read(body: &str) -> Result<(Map<String, Value>, Tree), Unreadable> {
    let values = match Document::new(body).parse()? {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(values)) => values,
        Some(_) => return Err(Unreadable::NoMapping),
    };
    Ok((values, Tree::of(body)?))
}
