//! Reads rendered manifests the way Helm and Kubernetes do.
//!
//! A release record keeps its objects as one YAML text. Helm cuts it at `---` lines and each piece
//! goes through `sigs.k8s.io/yaml`, which speaks YAML 1.1 with habits of its own. A guard that read
//! the same text differently would judge an object that is never applied, so this module answers
//! for every document what that library answers, or refuses it.

mod build;
mod dialect;
mod error;
mod hint;
mod limits;
mod list;
mod number;
mod scalar;
mod split;
mod time;

use serde_json::Value;

pub use error::{Cause, ManifestError};
pub use hint::KindHint;
pub use limits::{Budget, Limits, Memory, parsed_size};
pub use list::{count, objects};
pub use split::{Split, split};

/// One document of a manifest, not yet parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// The document's own text, without the separator line.
    pub text: &'a str,
    /// The template it came from, as Helm notes it in a leading `# Source:` comment.
    pub source: Option<&'a str>,
    complete_line: bool,
}

impl<'a> Document<'a> {
    /// Takes `text` as one document, exactly as `YAMLToJSON` would take it.
    ///
    /// Unlike the documents of [`split`], it keeps the difference between a text with and without
    /// a final line break: in the latter a closing block scalar ends without one, too.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            source: split::source(text),
            complete_line: false,
        }
    }

    /// Where in `manifest` the text is that it was cut out of, in bytes.
    #[must_use]
    pub fn offset_in(&self, manifest: &str) -> usize {
        (self.text.as_ptr() as usize).saturating_sub(manifest.as_ptr() as usize)
    }

    /// Looks for the kind in the text, without parsing it.
    #[must_use]
    pub fn kind_hint(&self) -> KindHint<'a> {
        hint::find(self.text)
    }

    /// Parses the document within the default [`Limits`]; `None` if it has no content.
    ///
    /// # Errors
    /// If the text is not YAML, not presentable as JSON, or larger than the limits allow.
    pub fn parse(&self) -> Result<Option<Value>, ManifestError> {
        self.parse_within(&mut Budget::default())
    }

    /// Parses the document and takes its cost off `budget`, which several documents may share.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_within(&self, budget: &mut Budget) -> Result<Option<Value>, ManifestError> {
        build::parse(self.text, self.complete_line, budget)
    }
}
