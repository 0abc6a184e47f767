//! The scan as JSON, as described by `docs/scan.schema.json`.

use serde::Serialize;

use super::{Row, Scan};
use crate::{change::Gap, terminal::escaped_json};

/// The version of this format.
const API_VERSION: &str = "camunda-upgrade-guard/v1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'a str,
    kind: &'a str,
    releases: &'a [Row],
    not_seen: &'a [Gap],
}

impl Scan {
    /// Returns the scan as JSON, with a final line end.
    ///
    /// # Errors
    /// When it can't be serialized.
    pub fn json(&self) -> serde_json::Result<String> {
        let document = Document {
            api_version: API_VERSION,
            kind: "Scan",
            releases: &self.releases,
            not_seen: &self.not_seen,
        };
        Ok(escaped_json(&serde_json::to_string_pretty(&document)?) + "\n")
    }
}
