//! Charts made from release records: with the same name, version, values, objects and hooks as the real ones.

pub mod document;
mod folder;
mod secrets;
mod umbrella;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::corpus::Record;
pub use document::Document;
pub use umbrella::umbrella;

/// The source of generated passwords in an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// As in charts up to 8.3.2: Camunda's own must be given or the upgrade fails; Bitnami's are looked up.
    FailUnlessGiven,
    /// As in charts from 8.3.3: existing passwords are kept.
    ReuseLookup,
    /// As without lookups, such as under Argo CD: generated anew unless given.
    GenerateAnew,
}

/// A chart on disk, ready for Helm.
#[derive(Clone, Debug)]
pub struct Chart {
    pub path: PathBuf,
    pub name: String,
    pub version: String,
    /// The file with the values of the record's user, for `-f`.
    pub config: PathBuf,
    /// Objects left out because a bare API server does not know their kinds, as `Kind/name`.
    pub left_out: Vec<String>,
}

impl Chart {
    /// Returns `-f` and the file with the user's values.
    pub fn with_config(&self) -> [String; 2] {
        ["-f".into(), self.config.display().to_string()]
    }
}

type Edit<'a> = Box<dyn FnMut(&mut Document) + 'a>;

/// A chart about to be written.
pub struct ChartBuilder<'a> {
    record: &'a Record,
    secrets: Secrets,
    edits: Vec<Edit<'a>>,
}

impl Record {
    pub fn chart(&self, secrets: Secrets) -> ChartBuilder<'_> {
        ChartBuilder {
            record: self,
            secrets,
            edits: Vec::new(),
        }
    }
}

impl<'a> ChartBuilder<'a> {
    /// Lets a test change the text of each document, hooks included, before anything in it becomes
    /// a template. A document whose text is made empty is left out.
    #[must_use]
    pub fn edit(mut self, edit: impl FnMut(&mut Document) + 'a) -> Self {
        self.edits.push(Box::new(edit));
        self
    }

    /// Replaces a text in the one document of this kind and name.
    #[must_use]
    pub fn replace(self, kind: &'a str, name: &'a str, from: &'a str, to: &'a str) -> Self {
        self.edit(move |document| {
            if document.kind == kind && document.name == name {
                document.text = document.text.replace(from, to);
            }
        })
    }

    /// Leaves the document of this kind and name out.
    #[must_use]
    pub fn without(self, kind: &'a str, name: &'a str) -> Self {
        self.edit(move |document| {
            if document.kind == kind && document.name == name {
                document.text.clear();
            }
        })
    }

    /// Writes the chart into a folder of its own below `dir`.
    pub fn write(mut self, dir: &Path) -> Result<Chart> {
        let mut documents = document::of_record(self.record);
        for document in &mut documents {
            for edit in &mut self.edits {
                edit(document);
            }
        }
        documents.retain(|document| !document.text.trim().is_empty());
        let (known, unknown) = documents
            .into_iter()
            .partition::<Vec<_>, _>(Document::is_known_to_a_bare_api_server);
        let left_out = unknown
            .iter()
            .map(|document| format!("{}/{}", document.kind, document.name))
            .collect();
        let mut chart = folder::write(dir, self.record, &known, self.secrets)?;
        chart.left_out = left_out;
        Ok(chart)
    }
}
