//! The overview for programs, as `docs/scan.schema.json` describes it.

use serde::Serialize;

use super::{Known, Problem, Row, Scan};
use crate::{
    change::Gap,
    finding::{Command, RuleId},
};

/// The version of this format.
const API_VERSION: &str = "camunda-upgrade-guard/v1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'a str,
    kind: &'a str,
    releases: Vec<Release<'a>>,
    not_seen: Vec<Unseen<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Release<'a> {
    namespace: &'a str,
    release: &'a str,
    subchart: Option<&'a str>,
    revision: Option<u64>,
    status: &'a str,
    chart: Option<&'a str>,
    application: Option<&'a str>,
    line: Option<Line<'a>>,
    next: Option<Line<'a>>,
    support: Option<&'a str>,
    unreadable: Option<&'a str>,
    problems: Vec<Found<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    line: &'a str,
    application: &'a str,
    newest_patch: &'a str,
}

#[derive(Serialize)]
struct Found<'a> {
    rule: Option<&'a str>,
    stops: bool,
    title: &'a str,
    why: &'a [String],
    commands: &'a [Command],
}

#[derive(Serialize)]
struct Unseen<'a> {
    what: String,
    reason: &'a str,
}

impl Scan {
    /// As JSON, with a line end.
    ///
    /// # Errors
    /// When it can't be written as such.
    pub fn json(&self) -> serde_json::Result<String> {
        let document = Document {
            api_version: API_VERSION,
            kind: "Scan",
            releases: self.releases.iter().map(Release::of).collect(),
            not_seen: self.not_seen.iter().map(Unseen::of).collect(),
        };
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }
}

impl<'a> Release<'a> {
    fn of(row: &'a Row) -> Self {
        Self {
            namespace: &row.namespace,
            release: &row.release,
            subchart: row.subchart.as_deref(),
            revision: row.revision,
            status: &row.status,
            chart: row.chart.as_deref(),
            application: row.application.as_deref(),
            line: row.line.as_ref().map(Line::of),
            next: row.next.as_ref().map(Line::of),
            support: row.support.as_deref(),
            unreadable: row.unreadable.as_deref(),
            problems: row.problems.iter().map(Found::of).collect(),
        }
    }
}

impl<'a> Line<'a> {
    fn of(known: &'a Known) -> Self {
        Self {
            line: &known.line,
            application: &known.application,
            newest_patch: &known.newest,
        }
    }
}

impl<'a> Found<'a> {
    fn of(problem: &'a Problem) -> Self {
        Self {
            rule: problem.rule.map(RuleId::name),
            stops: problem.stops,
            title: &problem.title,
            why: &problem.why,
            commands: &problem.cure,
        }
    }
}

impl<'a> Unseen<'a> {
    fn of(gap: &'a Gap) -> Self {
        Self {
            what: gap.what.to_string(),
            reason: &gap.reason,
        }
    }
}
