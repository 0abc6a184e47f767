//! The result of judging a change, for every output but an AdmissionResponse.

pub(crate) mod artifact;
mod documented;
mod html;
mod json;
mod junit;
pub(crate) mod markdown;
mod sarif;
mod text;

use std::{
    io::{self, Write},
    path::Path,
};

use clap::ValueEnum;

pub use self::documented::Documented;

use crate::{
    change::{Change, Facts, Operation},
    denial,
    finding::{Action, Finding},
    helm::release::Release,
    look::Look,
    proof,
    rules::NOT_CHECKED,
    storage::Storage,
    terminal::printable,
    touched::Touched,
};

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// What the webhook would say, for a terminal
    #[default]
    Text,
    /// For programs, as docs/report.schema.json has it
    Json,
    /// The same as YAML
    Yaml,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit's XML, a test case a rule
    Junit,
    /// For a ticket or a pull request
    Markdown,
    /// A page for a browser, which loads nothing
    Html,
}

/// A judged change and its findings.
#[derive(Clone, Debug)]
pub struct Report {
    /// The judged change.
    pub change: Change,
    /// The findings as they count, in the rules' order.
    pub findings: Vec<Finding>,
    /// The input file, or a description of another input, such as `standard input`.
    pub source: String,
    /// Further notes for the reader, one line each.
    pub notes: Vec<String>,
    /// The data of the release's workloads, before and after.
    pub storage: Storage,
    /// The same once what cures the findings is typed.
    pub cured: Storage,
    /// The credentials and values that the change touches.
    pub touched: Touched,
}

/// The overall result of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing refuses; warnings are allowed.
    Clean,
    /// At least one rule refuses.
    Refused,
    /// Nothing refuses, but not every rule could judge.
    Unchecked,
}

impl Outcome {
    /// Returns the name in machine-readable formats.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Clean => "clean",
            Outcome::Refused => "refused",
            Outcome::Unchecked => "unchecked",
        }
    }

    /// The exit code of `check`.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Clean => 0,
            Outcome::Refused => 1,
            Outcome::Unchecked => 3,
        }
    }
}

impl Report {
    /// Creates the report of a change's findings.
    pub fn new(change: Change, findings: Vec<Finding>, source: &str) -> Self {
        Self {
            change,
            findings,
            source: source.to_owned(),
            notes: Vec::new(),
            storage: Storage::default(),
            cured: Storage::default(),
            touched: Touched::default(),
        }
    }

    /// Adds where the data is, and which credentials and values are touched: of each Camunda in the release, by its change
    /// and its facts.
    #[must_use]
    pub fn with_storage<'a>(
        mut self,
        parts: impl IntoIterator<Item = (&'a Change, &'a Facts)>,
    ) -> Self {
        let cures = denial::cures(&self.findings);
        let fixes = || cures.iter().flat_map(|cure| &cure.fixes);
        for (change, facts) in parts {
            let commands = fixes().flat_map(|fix| &fix.commands);
            let typed = proof::typed(change, facts, commands);
            self.storage.extend(Storage::of(change, facts));
            let cured = Storage::prepared(change, facts, &typed);
            self.cured.extend(cured);
            self.touched.extend(Touched::of(change, facts));
        }
        self
    }

    /// Creates the report of a release without Camunda, to which no rule applies.
    pub fn of_others(release: &Release, source: &str) -> Self {
        let change = Change {
            operation: Operation::of(release.info.status).unwrap_or_default(),
            release: release.name.clone(),
            namespace: release.namespace.clone(),
            ..Change::default()
        };
        let mut report = Self::new(change, Vec::new(), source);
        let note = "There is no Camunda in it, so no rule is about it.";
        report.notes.push(note.to_owned());
        report
    }

    /// Writes the report; only text has a look.
    ///
    /// # Errors
    /// When `out` can't be written to.
    pub fn write(&self, format: Format, look: Look, out: &mut dyn Write) -> io::Result<()> {
        let printed = match format {
            Format::Text => text::print(self, look),
            Format::Json => json::print(self)?,
            Format::Yaml => json::print_yaml(self)?,
            Format::Sarif => sarif::print(self)?,
            Format::Junit => junit::print(self)?,
            Format::Markdown => markdown::print(self),
            Format::Html => html::print(self),
        };
        out.write_all(printed.as_bytes())
    }

    /// Returns the overall result.
    pub fn outcome(&self) -> Outcome {
        let denied = self.denied();
        match denied.iter().any(|finding| finding.rule != NOT_CHECKED) {
            true => Outcome::Refused,
            false if denied.is_empty() => Outcome::Clean,
            false => Outcome::Unchecked,
        }
    }

    /// Returns the findings that refuse.
    fn denied(&self) -> Vec<&Finding> {
        let findings = self.findings.iter();
        findings.filter(|it| it.action == Action::Deny).collect()
    }

    /// Returns the findings that only warn.
    fn warned(&self) -> Vec<&Finding> {
        let findings = self.findings.iter();
        findings.filter(|it| it.action != Action::Deny).collect()
    }

    /// Returns the result in one line.
    fn headline(&self) -> String {
        match &self.denied()[..] {
            [] => {
                let subject = denial::subject(&self.change);
                let stops = match (self.change.operation, self.warned().is_empty()) {
                    (Operation::Deployed, true) => "nothing is left to be done",
                    (Operation::Deployed, false) => "as it runs",
                    _ => "nothing stops it",
                };
                let warnings = match self.warned().len() {
                    0 => String::new(),
                    count => format!("; {}", denial::counted(count, "warning")),
                };
                format!("{subject}: {stops}{warnings}")
            }
            denied => denial::headline(&self.change, denied),
        }
    }

    /// Returns the input's path, if it is a file.
    fn file(&self) -> Option<&str> {
        Some(&*self.source).filter(|source| Path::new(source).is_file())
    }
}
