//! Files and places in them, as SARIF has them.

use std::io;

use serde_json::{Value, json};

use crate::document;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Prints the log of one run.
pub(crate) fn log(run: &Value) -> io::Result<String> {
    document::json(&json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}))
}

/// The folder that relative paths start from.
pub(crate) fn folders() -> Value {
    json!({"%SRCROOT%": {"description": {"text": "The folder in which the command ran"}}})
}

/// A line of a file.
pub(crate) fn place(file: &str, line: usize) -> Value {
    let mut artifact = json!({"uri": uri(file)});
    if is_relative(file) {
        artifact["uriBaseId"] = "%SRCROOT%".into();
    }
    json!({"artifactLocation": artifact, "region": {"startLine": line}})
}

/// Whether a path starts where the command ran.
pub(crate) fn is_relative(file: &str) -> bool {
    !file.starts_with('/')
}

/// Encodes a path as a URI reference.
fn uri(path: &str) -> String {
    let start = if is_relative(path) { "" } else { "file://" };
    let bytes = path.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    std::iter::once(start.to_owned()).chain(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri_whatever_its_name() {
        assert_eq!(uri("out/manifest 1.yaml"), "out/manifest%201.yaml");
        assert_eq!(uri("a:b#ü"), "a%3Ab%23%C3%BC");
        assert_eq!(uri("/tmp/a.json"), "file:///tmp/a.json");
    }
}
