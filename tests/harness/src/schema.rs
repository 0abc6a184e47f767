//! Checks documents by a JSON Schema, with Helm: it checks values by one, so it can check any document.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::binaries::{Binaries, workspace};
use crate::helm::{Helm, HelmCli};
use crate::process::Output;

/// A schema, and the Helm that checks by it.
pub struct Schema {
    dir: tempfile::TempDir,
    helm: HelmCli,
}

impl Schema {
    /// Reads the schema from a file of the repository.
    pub fn read(binaries: &Binaries, helm: Helm, file: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let chart = "{apiVersion: v2, name: c, version: 1.0.0}";
        fs::write(dir.path().join("Chart.yaml"), chart)?;
        let schema = workspace().join(file);
        fs::copy(&schema, dir.path().join("values.schema.json"))
            .with_context(|| format!("reading {}", schema.display()))?;
        let helm = HelmCli::new(binaries, helm, None, &dir.path().join("home"));
        Ok(Self { dir, helm })
    }

    /// Checks a document, JSON or YAML, and returns Helm's output.
    pub fn check(&self, document: &str) -> Result<Output> {
        let values = self.dir.path().join("document.json");
        fs::write(&values, document)?;
        Ok(self.check_file(&values))
    }

    /// Checks a file and returns Helm's output.
    pub fn check_file(&self, file: &Path) -> Output {
        let values = format!("--values={}", file.display());
        self.helm
            .template("c", self.dir.path(), "default", &[&values])
    }
}
