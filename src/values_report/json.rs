//! The report for programs, as `docs/values.schema.json` describes it.

use std::io;

use serde::Serialize;

use super::{About, Report};
use crate::document::{self, API_VERSION};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    from: Option<&'a str>,
    to: &'a str,
    result: &'static str,
    files: &'a [&'a str],
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    kind: &'static str,
    from: &'a str,
    to: &'a str,
    key: &'a str,
    now: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<usize>,
    reason: &'a str,
}

pub(super) fn print(report: &Report<'_>) -> io::Result<String> {
    document::json(&of(report))
}

pub(super) fn print_yaml(report: &Report<'_>) -> io::Result<String> {
    document::yaml(&of(report))
}

fn of<'a>(report: &'a Report<'_>) -> Document<'a> {
    let (kind, from, to) = match report.about {
        About::Conversion { from, to } => ("ValuesConversion", Some(from.line.as_str()), to),
        About::Validation(line) => ("ValuesValidation", None, line),
    };
    let findings = report.told.iter().map(|told| {
        let place = told.place;
        Finding {
            kind: told.kind.name(),
            from: told.hop[0],
            to: told.hop[1],
            key: &told.key,
            now: told.new.as_deref(),
            file: place.and_then(|place| report.files.get(place.file).copied()),
            line: place.and_then(|place| place.line),
            reason: &told.reason,
        }
    });
    Document {
        api_version: API_VERSION,
        kind,
        from,
        to: &to.line,
        result: report.outcome.name(),
        files: &report.files,
        findings: findings.collect(),
    }
}
