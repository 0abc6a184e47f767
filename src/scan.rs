//! An overview: every Camunda release that can be seen, and what would stop its next upgrade today.

mod checks;
mod json;
mod labels;
mod look;
mod row;
mod table;

pub use self::look::look;

use serde::Serialize;

use crate::{
    change::Gap,
    finding::{Command, RuleId},
};

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The releases, by namespace and name.
    pub releases: Vec<Row>,
    /// What could not be looked into.
    pub not_seen: Vec<Gap>,
}

/// One release.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub release: String,
    /// The name of Camunda's chart under an umbrella chart, where there is another one in the release.
    pub subchart: Option<String>,
    /// The revision that runs, where Helm's records could be read.
    pub revision: Option<u64>,
    /// What Helm did last, as `helm list` has it; `unknown` where only labels tell of the release.
    pub status: String,
    /// The version of Camunda's chart.
    pub chart: Option<String>,
    /// The application's version, as Zeebe's image has it.
    pub application: Option<String>,
    /// The release line, where it is known here.
    pub line: Option<Known>,
    /// The line after it, if there is one.
    pub next: Option<Known>,
    /// Until when the line gets patches.
    pub support: Option<String>,
    /// What is wrong with its record, so that nothing more is known of it.
    pub unreadable: Option<String>,
    /// What stops its next upgrade, and what is at risk.
    pub problems: Vec<Problem>,
}

/// A release line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Its name, such as `8.2` or `12`.
    pub line: String,
    /// The application's minor version.
    pub application: String,
    /// The newest patch that is known.
    #[serde(rename = "newestPatch")]
    pub newest: String,
}

/// Something to be done about a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The rule that knows more of it.
    pub rule: Option<RuleId>,
    /// Whether the next upgrade stops at it.
    pub stops: bool,
    /// What it is.
    pub title: String,
    /// More of it, a line each.
    pub why: Vec<String>,
    /// What cures it.
    #[serde(rename = "commands")]
    pub cure: Vec<Command>,
}

impl Problem {
    /// Something that stops no upgrade; nothing where no line tells more of it.
    fn risk(rule: RuleId, title: impl Into<String>, why: Vec<String>) -> Option<Problem> {
        (!why.is_empty()).then(|| Problem {
            rule: Some(rule),
            stops: false,
            title: title.into(),
            why,
            cure: Vec::new(),
        })
    }

    fn cured_by(self, command: impl Into<Command>) -> Problem {
        Problem {
            cure: vec![command.into()],
            ..self
        }
    }
}
