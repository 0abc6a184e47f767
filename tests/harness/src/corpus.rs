//! Release records of real Camunda charts, if available (`CAMUNDA_CORPUS`).

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::binaries::{cluster_required, skipped};

/// A folder of release records.
#[derive(Clone, Debug)]
pub struct Corpus {
    folder: PathBuf,
}

/// One release record, without its chart's templates.
#[derive(Clone, Debug)]
pub struct Record {
    /// The record's folder, such as `13.12.7-migration`.
    pub name: String,
    pub release: String,
    pub namespace: String,
    pub revision: u64,
    /// The chart's version, such as `13.12.7`.
    pub version: String,
    pub chart_metadata: Value,
    /// The chart's default values, with those of subcharts.
    pub values: Value,
    /// The user's values.
    pub config: Value,
    pub manifest: String,
    pub hooks: Vec<Hook>,
    /// The whole record.
    pub raw: Value,
}

/// A hook of a record.
#[derive(Clone, Debug)]
pub struct Hook {
    pub name: String,
    pub kind: String,
    pub path: String,
    pub manifest: String,
}

impl Corpus {
    /// Returns the corpus; None, with a message, if `CAMUNDA_CORPUS` is unset.
    ///
    /// # Panics
    /// When it is unset where no test may be skipped (see [`cluster_required`]).
    pub fn find() -> Option<Self> {
        let folder = std::env::var_os("CAMUNDA_CORPUS").filter(|value| !value.is_empty());
        if folder.is_none() {
            assert!(!cluster_required(), "CAMUNDA_CORPUS is unset");
            skipped("CAMUNDA_CORPUS is unset, so there are no real release records to test with");
        }
        folder.map(|folder| Self {
            folder: folder.into(),
        })
    }

    /// Returns the names of all records.
    pub fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let entries = fs::read_dir(&self.folder)
            .with_context(|| format!("reading {}", self.folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.path().join("release.json").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Returns the schema file of a chart version's values.
    pub fn schema(&self, version: &str) -> PathBuf {
        self.folder.join("schemas").join(format!("{version}.json"))
    }

    pub fn record(&self, name: &str) -> Result<Record> {
        let path = self.folder.join(name).join("release.json");
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let raw = serde_json::from_slice(&text)?;
        Record::from_json(name, raw).with_context(|| format!("reading {}", path.display()))
    }
}

impl Record {
    /// Parses the JSON that Helm stores.
    pub fn from_json(name: &str, raw: Value) -> Result<Self> {
        let chart = &raw["chart"];
        let hooks = raw["hooks"].as_array().map_or(&[][..], Vec::as_slice);
        Ok(Self {
            name: name.to_owned(),
            release: text(&raw["name"])?,
            namespace: text(&raw["namespace"])?,
            revision: raw["version"].as_u64().context("version")?,
            version: text(&chart["metadata"]["version"])?,
            chart_metadata: chart["metadata"].clone(),
            values: chart["values"].clone(),
            config: raw["config"].clone(),
            manifest: text(&raw["manifest"])?,
            hooks: hooks.iter().map(Hook::from_json).collect::<Result<_>>()?,
            raw,
        })
    }

    /// Returns the record as a chart of another version would have made it: changes its labels, and the tags of
    /// Camunda's own images.
    ///
    /// The corpus has no 11; in what matters, it is like 12.
    #[must_use]
    pub fn released_as(&self, version: &str, application: &str) -> Self {
        let own = self.chart_metadata["appVersion"].as_str();
        let minor = own.unwrap_or_default().trim_end_matches(".x");
        let as_other = |text: &str| {
            text.replace(&self.version, version)
                .replace(&format!(":{minor}."), &format!(":{application}."))
        };
        let mut other = self.clone();
        other.version = version.to_owned();
        other.chart_metadata["version"] = version.into();
        other.manifest = as_other(&self.manifest);
        for hook in &mut other.hooks {
            hook.manifest = as_other(&hook.manifest);
        }
        other
    }
}

impl Hook {
    fn from_json(hook: &Value) -> Result<Self> {
        Ok(Self {
            name: text(&hook["name"])?,
            kind: text(&hook["kind"])?,
            path: text(&hook["path"])?,
            manifest: text(&hook["manifest"])?,
        })
    }
}

fn text(value: &Value) -> Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .context("a text is missing")
}
