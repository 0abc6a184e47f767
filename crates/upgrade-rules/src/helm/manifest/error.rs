//! Why a document cannot be used, and where.

/// A document that Kubernetes would refuse, or that this guard refuses to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {cause}")]
#[non_exhaustive]
pub struct ManifestError {
    /// Line in the document's text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The problem there.
    pub cause: Cause,
}

/// The problem with a document. No message repeats a value: values may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The text is not YAML.
    #[error("{0}")]
    Syntax(String),
    /// YAML allows no such character in its text.
    #[error("control character {0:?} is not allowed")]
    ControlCharacter(char),
    /// A line break to YAML 1.1 but not to YAML 1.2: two readers would see two documents.
    #[error("line break {0:?} is ambiguous and not supported")]
    LineBreak(char),
    /// A `?` or a closing `:` that only YAML 1.2, or only YAML 1.1, takes for part of the scalar.
    #[error("an ambiguous scalar inside braces or brackets needs quotes")]
    FlowScalar,
    /// A tag or an anchor that ends in one place to YAML 1.1 and in another to YAML 1.2.
    #[error("an ambiguous tag or anchor")]
    Property,
    /// Spaces at the very end of a text, which may or may not be the last line of a block scalar.
    #[error("a block scalar ends in an unfinished line of spaces")]
    UnfinishedLine,
    /// Go refuses every `%YAML` but 1.1.
    #[error("incompatible yaml version {major}.{minor}")]
    Version {
        /// Before the dot.
        major: u32,
        /// After the dot.
        minor: u32,
    },
    /// A scalar that its explicit tag does not fit.
    #[error("a scalar does not fit its tag !!{0}")]
    Tag(&'static str),
    /// JSON has no such number.
    #[error("a number that is not finite cannot be stored as json")]
    NotFinite,
    /// JSON has only text keys; null, collections and numbers above 63 bits are not made into one.
    #[error("unsupported mapping key")]
    Key,
    /// `<<` with anything but mappings.
    #[error("a merge requires a mapping or a sequence of mappings")]
    Merge,
    /// An alias inside its own anchor.
    #[error("an anchor's value contains itself")]
    Cycle,
    /// Nested beyond [`Limits::depth`](super::Limits::depth).
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    /// Larger than [`Limits::nodes`](super::Limits::nodes).
    #[error("more than {0} nodes")]
    TooManyNodes(usize),
    /// Larger than [`Limits::scalar_bytes`](super::Limits::scalar_bytes).
    #[error("more than {0} bytes of scalars")]
    TooMuchText(usize),
    /// Others have the memory that it needs.
    #[error("too many records are judged at once; try again")]
    NoMemory,
    /// Larger than [`Limits::text`](super::Limits::text).
    #[error("more than {0} bytes of text")]
    TooLong(usize),
    /// More than [`Limits::objects`](super::Limits::objects).
    #[error("more than {0} objects")]
    TooManyObjects(usize),
}

impl Cause {
    pub(super) fn at(self, line: usize, column: usize) -> ManifestError {
        ManifestError {
            line,
            column,
            cause: self,
        }
    }
}
