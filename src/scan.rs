//! An overview: all visible Camunda releases, and what would stop their next upgrades today.

mod checks;
mod html;
mod json;
mod labels;
mod look;
mod policy_report;
mod publish;
mod row;
mod table;

pub use self::{
    labels::labelled_releases,
    look::look,
    policy_report::ReportApi,
    publish::{PublishError, Published},
};

use clap::ValueEnum;
use serde::Serialize;

use crate::{
    change::Gap,
    finding::{Command, RuleId},
    kubernetes::ObjectRef,
    report::{Documented, Outcome},
    rules::Rule,
};

/// The result of a scan.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The releases, by namespace and name.
    pub releases: Vec<Row>,
    /// The reads that failed.
    pub not_seen: Vec<Gap>,
    /// Whether all lists came, so that a namespace without a row has no release.
    pub all_listed: bool,
}

/// What has a scan fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A release whose next upgrade would be refused
    Deny,
    /// That, and a release with anything else that should not stay so
    Warn,
}

impl Scan {
    /// Returns the overall result; without `fail_on` nothing that was found has it fail.
    pub fn outcome(&self, fail_on: Option<FailOn>) -> Outcome {
        let mut problems = self.releases.iter().flat_map(|row| &row.problems);
        let fails = problems.any(|problem| match fail_on {
            None => false,
            Some(FailOn::Deny) => problem.stops,
            Some(FailOn::Warn) => true,
        });
        match fails {
            true => Outcome::Refused,
            false if self.not_seen.is_empty() => Outcome::Clean,
            false => Outcome::Unchecked,
        }
    }
}

/// One Camunda release.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub release: String,
    /// The name of Camunda's chart under an umbrella chart, if the release has several.
    pub subchart: Option<String>,
    /// The running revision, if Helm's records could be read.
    pub revision: Option<u64>,
    /// The status of the newest revision, as in `helm list`; `unknown` if only labels reveal the release.
    pub status: String,
    /// The version of Camunda's chart.
    pub chart: Option<String>,
    /// The application's version: that of Zeebe's image.
    pub application: Option<String>,
    /// The chart's release line, if known.
    pub line: Option<Known>,
    /// The next release line, if there is one.
    pub next: Option<Known>,
    /// The end of patches for the line.
    pub support: Option<String>,
    /// The reason why its record can't be read; nothing more is known of the release then.
    pub unreadable: Option<String>,
    /// Problems: those that stop the next upgrade, and risks.
    pub problems: Vec<Problem>,
    /// The reads of what belongs to it that failed; they are among those of the scan.
    #[serde(skip)]
    pub not_seen: Vec<Gap>,
}

/// A release line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Its name, such as `8.2` or `12`.
    pub line: String,
    /// The application's minor version.
    pub application: String,
    /// The newest known patch.
    #[serde(rename = "newestPatch")]
    pub newest: String,
}

/// A problem of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The rule with the details.
    pub rule: Option<RuleId>,
    /// Whether it stops the next upgrade.
    pub stops: bool,
    /// A one-line description.
    pub title: String,
    /// Details, one line each.
    pub why: Vec<String>,
    /// The objects it is about, if a rule names them.
    #[serde(skip)]
    pub objects: Vec<ObjectRef>,
    /// The commands that cure it.
    #[serde(rename = "commands")]
    pub cure: Vec<Command>,
    /// Where it is documented, if a rule knows it.
    pub documentation: Option<Documented>,
}

impl Problem {
    /// Creates a problem that stops no upgrade; None if there are no details.
    fn risk(rule: RuleId, title: impl Into<String>, why: Vec<String>) -> Option<Problem> {
        (!why.is_empty()).then(|| Problem {
            rule: Some(rule),
            stops: false,
            title: title.into(),
            why,
            objects: Vec::new(),
            cure: Vec::new(),
            documentation: Rule::of(rule).map(|known| Documented::of(rule, known.guide)),
        })
    }

    fn cured_by(self, command: impl Into<Command>) -> Problem {
        Problem {
            cure: vec![command.into()],
            ..self
        }
    }
}
