//! What `check` is given, made into the release record that Helm would write.
//!
//! Helm shows no webhook its dry runs, and Argo CD writes no record. But what they print says the same: JSON of a whole
//! release, a text with the manifest in it, or the manifest alone. So does a record that was saved from a cluster.

mod dry_run;
mod record;
mod rendered;

pub(crate) use self::rendered::LIMITS;
use serde_json::Value;

use crate::helm::release::{DecodeError, Release};

/// What was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// The release as a record of it would be.
    pub release: Release,
    /// What it was.
    pub source: Source,
}

/// What an input was, which decides what it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A whole release: a record, or `helm upgrade --dry-run -o json`.
    Release,
    /// What `helm upgrade --dry-run` prints for people.
    DryRun {
        /// Whether the user's values are in it.
        values: bool,
    },
    /// Rendered objects and nothing else, as `helm template` and Argo CD have them.
    Manifest,
}

/// Why an input can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// There is nothing in it.
    #[error(
        "{0} is empty: helm has said why it prints nothing (of a PASSWORDS ERROR, check RELEASE --chart CHART lists all that the chart asks for)"
    )]
    Empty(String),
    /// Helm could not make it.
    #[error(
        "{0} holds an error of helm's, not an upgrade (of a PASSWORDS ERROR, check RELEASE --chart CHART lists all that the chart asks for)"
    )]
    Failed(String),
    /// It is larger than anything that Helm makes.
    #[error("{0} has more than {1} bytes")]
    TooLarge(String, usize),
    /// It is no text.
    #[error("{name} is not text: byte {at} is not UTF-8")]
    NotText {
        /// The file.
        name: String,
        /// The first byte that is none.
        at: usize,
    },
    /// It begins like JSON.
    #[error("{name} is neither a Helm release nor a Kubernetes object: {why} at line {line}")]
    Json {
        /// The file.
        name: String,
        /// What is wrong.
        why: &'static str,
        /// Where.
        line: usize,
    },
    /// A record in it can't be decoded.
    #[error("{name}: {object} can't be decoded: {error}")]
    Record {
        /// The file.
        name: String,
        /// The record.
        object: String,
        /// Why not.
        error: DecodeError,
    },
    /// It holds several releases.
    #[error("{name} holds {} records ({}): give one of them", .records.len(), .records.join(", "))]
    Several {
        /// The file.
        name: String,
        /// Their names.
        records: Vec<String>,
    },
    /// One of its documents is no YAML.
    #[error("{name}: document {number}{}, line {line} column {column}: {why}", .template.as_ref().map(|it| format!(" ({it})")).unwrap_or_default())]
    Yaml {
        /// The file.
        name: String,
        /// Which document, from 1.
        number: usize,
        /// Its template, where a comment tells.
        template: Option<String>,
        /// The line in the file.
        line: usize,
        /// The column there.
        column: usize,
        /// What is wrong.
        why: String,
    },
    /// It holds no object.
    #[error(
        "{0} holds no Kubernetes object: it should be what helm upgrade --dry-run=server -o json prints, or a rendered manifest, or a release record"
    )]
    NoObject(String),
}

/// More than any release: the largest record inflates to a third of it.
pub const MAX_BYTES: usize = 96 * 1024 * 1024;

/// Reads what was given under `name`.
///
/// # Errors
/// When it is none of what an input can be; the error names file, document and line, and quotes no value.
pub fn read(name: &str, bytes: Vec<u8>) -> Result<Input, InputError> {
    if bytes.len() > MAX_BYTES {
        return Err(InputError::TooLarge(name.to_owned(), MAX_BYTES));
    }
    let text = String::from_utf8(bytes).map_err(|error| InputError::NotText {
        name: name.to_owned(),
        at: error.utf8_error().valid_up_to() + 1,
    })?;
    // PowerShell writes one when it redirects.
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
        }
    }
}

/// What a JSON text can be, told by the keys at its top.
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
