//! Documents for programs, as the schemas in `docs` describe them.

use std::io;

use serde::Serialize;

use crate::terminal::{escaped_json, printable};

/// The version of all these formats.
pub const API_VERSION: &str = "camunda-upgrade-guard/v1";

/// Formats a document as JSON, with a final line end.
///
/// # Errors
/// When it can't be serialized.
pub fn json(document: &impl Serialize) -> io::Result<String> {
    let printed = serde_json::to_string_pretty(document)?;
    Ok(escaped_json(&printed) + "\n")
}

/// Formats a document as YAML.
///
/// # Errors
/// When it can't be serialized.
pub fn yaml(document: &impl Serialize) -> io::Result<String> {
    let printed = serde_saphyr::to_string(document).map_err(io::Error::other)?;
    Ok(printable(&printed))
}
