//! Cuts a manifest into documents where Helm does.

use super::Document;

const SEPARATOR: &str = "---";
const SOURCE: &str = "# Source: ";

/// Splits a manifest at each line that starts with `---`; documents without any text are left out.
///
/// Helm's `SplitManifests` cuts at the same places. The text keeps its final line break as it does
/// in the stream that Helm sends to the cluster, so a block scalar at the end of a document has the
/// value that is applied. A text that ends without a line break is read as if it had one: so does
/// the reader in `k8s.io/apimachinery`.
pub fn split(manifest: &str) -> Split<'_> {
    Split {
        rest: Some(manifest),
    }
}

/// The documents of a manifest, from [`split`].
#[derive(Debug, Clone)]
pub struct Split<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for Split<'a> {
    type Item = Document<'a>;

    fn next(&mut self) -> Option<Document<'a>> {
        loop {
            let (text, rest) = cut(self.rest?);
            self.rest = rest;
            let text = skip_blank_lines(text);
            if !text.is_empty() {
                return Some(Document {
                    text,
                    source: source(text),
                    complete_line: true,
                });
            }
        }
    }
}

/// The text up to the next separator, and what follows it.
fn cut(text: &str) -> (&str, Option<&str>) {
    let at = if text.starts_with(SEPARATOR) {
        Some(0)
    } else {
        text.find("\n---").map(|at| at + 1)
    };
    match at {
        None => (text, None),
        Some(at) => {
            let rest = &text[at + SEPARATOR.len()..];
            (&text[..at], Some(rest.trim_start_matches([' ', '\t'])))
        }
    }
}

/// Indentation of the first line with content is kept, as it has a meaning.
fn skip_blank_lines(text: &str) -> &str {
    let content = text.trim_start();
    if content.is_empty() {
        return content;
    }
    // A byte order mark counts only at the very start: its place has to show.
    if content.starts_with('\u{feff}') {
        return text;
    }
    let blank = &text[..text.len() - content.len()];
    &text[blank.rfind('\n').map_or(0, |at| at + 1)..]
}

/// The path in the `# Source:` line among the comments at the start of a document.
pub(super) fn source(text: &str) -> Option<&str> {
    text.lines()
        .take_while(|line| line.is_empty() || line.starts_with('#'))
        .find_map(|line| line.strip_prefix(SOURCE))
        .map(str::trim_end)
        .filter(|path| !path.is_empty())
}
