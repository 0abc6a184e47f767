//! Turns the input of `check` into the release record that Helm would write.
//!
//! Helm sends no dry run to a webhook, and Argo CD writes no record. But their output has the same content: JSON of a
//! whole release, a text with the manifest in it, or the manifest alone. So has a record that was saved from a
//! cluster.

mod dry_run;
mod record;
mod rendered;

pub(crate) use self::rendered::LIMITS;
use serde_json::Value;

use crate::{
    change::Parsed,
    helm::release::{DecodeError, Release},
};

/// A parsed input.
#[derive(Clone, Debug)]
pub struct Input {
    /// The release, as in a record.
    pub release: Release,
    /// The kind of input.
    pub source: Source,
    /// The objects of the release's manifest, as far as they had to be parsed to read the input.
    pub parsed: Parsed,
}

/// The kind of an input, which decides how much it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A whole release: a record, or `helm upgrade --dry-run -o json`.
    Release,
    /// The text output of `helm upgrade --dry-run`.
    DryRun {
        /// Whether it includes the user's values.
        values: bool,
    },
    /// Only rendered objects, as from `helm template` or Argo CD.
    Manifest,
}

/// Reason why an input can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// An empty input.
    #[error(
        "{0} is empty: helm has said why it prints nothing (of a PASSWORDS ERROR, check RELEASE --chart CHART lists all that the chart asks for)"
    )]
    Empty(String),
    /// An error message of Helm's.
    #[error(
        "{0} holds an error of helm's, not an upgrade (of a PASSWORDS ERROR, check RELEASE --chart CHART lists all that the chart asks for)"
    )]
    Failed(String),
    /// An input larger than anything Helm makes.
    #[error("{0} has more than {1} bytes")]
    TooLarge(String, usize),
    /// An input that is not UTF-8.
    #[error("{name} is not text: byte {at} is not UTF-8")]
    NotText {
        /// The file.
        name: String,
        /// The position of the first invalid byte.
        at: usize,
    },
    /// Malformed JSON.
    #[error("{name} is neither a Helm release nor a Kubernetes object: {why} at line {line}")]
    Json {
        /// The file.
        name: String,
        /// What is wrong.
        why: &'static str,
        /// The line.
        line: usize,
    },
    /// A record that can't be decoded.
    #[error("{name}: {object} can't be decoded: {error}")]
    Record {
        /// The file.
        name: String,
        /// The record.
        object: String,
        /// The reason.
        error: DecodeError,
    },
    /// Several records.
    #[error("{name} holds {} records ({}): give one of them", .records.len(), .records.join(", "))]
    Several {
        /// The file.
        name: String,
        /// Their names.
        records: Vec<String>,
    },
    /// A document that is not YAML.
    #[error("{name}: document {number}{}, line {line} column {column}: {why}", .template.as_ref().map(|it| format!(" ({it})")).unwrap_or_default())]
    Yaml {
        /// The file.
        name: String,
        /// The document's number, from 1.
        number: usize,
        /// Its template, if a comment names it.
        template: Option<String>,
        /// The line in the file.
        line: usize,
        /// The column there.
        column: usize,
        /// What is wrong.
        why: String,
    },
    /// An input without an object.
    #[error(
        "{0} holds no Kubernetes object: it should be what helm upgrade --dry-run=server -o json prints, or a rendered manifest, or a release record"
    )]
    NoObject(String),
}

/// The input's size limit, above any release: the largest record inflates to a third of it.
pub const MAX_BYTES: usize = 96 * 1024 * 1024;

/// Parses the input `bytes`; `name` is used in errors.
///
/// # Errors
/// When it is no supported kind of input; the error names file, document and line, and quotes no value.
pub fn read(name: &str, bytes: Vec<u8>) -> Result<Input, InputError> {
    if bytes.len() > MAX_BYTES {
        return Err(InputError::TooLarge(name.to_owned(), MAX_BYTES));
    }
    let text = String::from_utf8(bytes).map_err(|error| InputError::NotText {
        name: name.to_owned(),
        at: error.utf8_error().valid_up_to() + 1,
    })?;
    // PowerShell writes a byte-order mark when it redirects.
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    let begin = text.trim_start();
    if begin.is_empty() {
        return Err(InputError::Empty(name.to_owned()));
    }
    if begin.starts_with('{') {
        return of_json(name, begin);
    }
    if begin.starts_with("Error: ") {
        return Err(InputError::Failed(name.to_owned()));
    }
    if let Some(release) = record::of_data(begin) {
        return release
            .map(Input::release)
            .map_err(|error| broken(name, "the record", error));
    }
    if let Some(input) = dry_run::read(name, &text) {
        return input;
    }
    rendered::read(name, text)
}

impl Input {
    fn release(release: Release) -> Self {
        Self {
            release,
            source: Source::Release,
            parsed: Parsed::default(),
        }
    }
}

/// The top-level keys that tell the kinds of JSON input apart.
#[derive(Default, serde::Deserialize)]
struct Top<'a> {
    #[serde(default, borrow)]
    kind: Option<&'a serde_json::value::RawValue>,
    #[serde(default, borrow)]
    chart: Option<&'a serde_json::value::RawValue>,
}

fn of_json(name: &str, text: &str) -> Result<Input, InputError> {
    let top: Top<'_> = serde_json::from_str(text).map_err(|error| json(name, &error))?;
    if top.chart.is_some() && top.kind.is_none() {
        let release = serde_json::from_str(text).map_err(|error| json(name, &error))?;
        return Ok(Input::release(release));
    }
    let object: Value = serde_json::from_str(text).map_err(|error| json(name, &error))?;
    match record::of_objects(name, &object)? {
        Some(release) => Ok(Input::release(release)),
        // JSON is YAML, and a manifest may well be JSON.
        None => rendered::read(name, text.to_owned()),
    }
}

fn json(name: &str, error: &serde_json::Error) -> InputError {
    let why = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "syntax error",
        _ => "a field is missing or has another type",
    };
    InputError::Json {
        name: name.to_owned(),
        why,
        line: error.line(),
    }
}

fn broken(name: &str, object: &str, error: DecodeError) -> InputError {
    InputError::Record {
        name: name.to_owned(),
        object: object.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests;
