//! Finds a document's kind without parsing it.

use std::borrow::Cow;

use memchr::memchr_iter;

use super::scalar::{self, Scalar};

/// What the text alone says about a document's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KindHint<'a> {
    /// If the document is an object at all, it is of this kind.
    Kind(&'a str),
    /// The text alone does not tell: the document has to be parsed.
    Unknown,
}

impl KindHint<'_> {
    /// Whether the document could be, or hold, an object of `kind`; `false` is certain.
    ///
    /// A list may hold any kind: take it apart with [`objects`](super::objects).
    #[must_use]
    pub fn may_be(&self, kind: &str) -> bool {
        match self {
            Self::Kind(found) => *found == kind || found.ends_with("List"),
            Self::Unknown => true,
        }
    }
}

/// Reads the lines at column 0 of a plain block mapping; anything less plain is unknown.
///
/// The first line with content decides where the keys of the outermost mapping stand. If that is
/// column 0, no key can hide from a look at every line that starts there: what such a line cannot
/// be read as (flow, quotes, tags, anchors, aliases, merges, markers) ends the search.
pub(super) fn find(text: &str) -> KindHint<'_> {
    if has_odd_breaks(text) {
        return KindHint::Unknown;
    }
    search(text).map_or(KindHint::Unknown, KindHint::Kind)
}

fn search(text: &str) -> Option<&str> {
    let mut found = None;
    let mut started = false;
    let mut just_found = false;
    for line in lines(text) {
        let Some(&first) = line.as_bytes().first() else {
            continue;
        };
        match first {
            b' ' | b'\t' | b'\r' => {
                let content = line.trim_start_matches([' ', '\t', '\r']);
                if content.is_empty() {
                    continue;
                }
                // Further in is the value of a key, but not if it may go on with the kind's.
                if just_found || !started && !content.starts_with('#') {
                    return None;
                }
            }
            b'#' => {}
            b'-' if started && line[1..].starts_with([' ', '\t', '\r']) || line == "-" => {}
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'"' | b'\'' => {
                started = true;
                if let Some(value) = key(line, "kind") {
                    if found.replace(word(value)?).is_some() {
                        return None;
                    }
                    just_found = true;
                    continue;
                }
                // With `items` of its own, any object is a list to Kubernetes.
                if matches!(first, b'"' | b'\'') || key(line, "items").is_some() {
                    return None;
                }
            }
            _ => return None,
        }
        just_found = false;
    }
    found
}

/// The lines, found by machine words: this runs over every document of every record.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    ends.scan(0, |start, end| {
        let line = &text[*start..end];
        *start = end + 1;
        Some(line)
    })
}

/// YAML 1.1 ends lines in more ways than `\n`, and a key may stand behind each of them.
fn has_odd_breaks(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr_iter(b'\r', bytes).any(|at| bytes.get(at + 1) != Some(&b'\n'))
        || !text.is_ascii() && text.contains(['\u{85}', '\u{2028}', '\u{2029}'])
}

/// Returns the text after the colon, if the line starts with this key.
fn key<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let quoted = |quote: char| {
        line.strip_prefix(quote)?
            .strip_prefix(key)?
            .strip_prefix(quote)
    };
    let rest = line
        .strip_prefix(key)
        .or_else(|| quoted('"'))
        .or_else(|| quoted('\''))?;
    let value = rest.trim_start_matches([' ', '\t']).strip_prefix(':')?;
    (value.is_empty() || value.starts_with([' ', '\t', '\r'])).then_some(value)
}

/// A value of one word, perhaps quoted, with at most a comment behind it.
fn word(value: &str) -> Option<&str> {
    let value = value.trim_matches([' ', '\t', '\r']);
    let (quote, body) = match value.as_bytes().first()? {
        b'"' => (Some('"'), &value[1..]),
        b'\'' => (Some('\''), &value[1..]),
        _ => (None, value),
    };
    let rest = body.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let word = &body[..body.len() - rest.len()];
    let rest = match quote {
        Some(quote) => rest.strip_prefix(quote)?,
        None => rest,
    };
    let comment = rest.trim_start_matches([' ', '\t']);
    let ends = comment.is_empty() || comment.len() < rest.len() && comment.starts_with('#');
    let text = quote.is_some() || matches!(scalar::plain(Cow::Borrowed(word)), Scalar::Text(_));
    (ends && text && !word.is_empty()).then_some(word)
}
