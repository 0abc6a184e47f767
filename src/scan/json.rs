//! The scan as JSON or YAML, as described by `docs/scan.schema.json`.

use std::io;

use serde::Serialize;

use super::{Row, Scan};
use crate::{
    change::Gap,
    document::{self, API_VERSION},
};

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
    pub fn json(&self) -> io::Result<String> {
        document::json(&self.document())
    }

    /// Returns the same as YAML.
    ///
    /// # Errors
    /// When it can't be serialized.
    pub fn yaml(&self) -> io::Result<String> {
        document::yaml(&self.document())
    }

    fn document(&self) -> Document<'_> {
        Document {
            api_version: API_VERSION,
            kind: "Scan",
            releases: &self.releases,
            not_seen: &self.not_seen,
        }
    }
}
