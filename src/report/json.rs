//! A report as JSON or YAML, as described by `docs/report.schema.json`.

use std::io;

use serde::Serialize;

use super::{Documented, Report, text};
use crate::{
    change::ChartVersion,
    denial::Block,
    finding::{Action, Command, Finding},
    kubernetes::ObjectRef,
    look::Look,
    rules::Rule,
    terminal::{escaped_json, printable},
};

/// The version of this format.
const API_VERSION: &str = "camunda-upgrade-guard/v1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'a str,
    kind: &'a str,
    outcome: &'a str,
    operation: &'a str,
    release: &'a str,
    namespace: &'a str,
    from: Option<&'a str>,
    to: Option<&'a str>,
    source: &'a str,
    findings: Vec<Problem<'a>>,
    notes: &'a [String],
    script: Option<String>,
    text: String,
}

#[derive(Serialize)]
struct Problem<'a> {
    rule: &'a str,
    action: &'a str,
    summary: &'a str,
    title: &'a str,
    objects: Vec<Named<'a>>,
    why: &'a [String],
    fixes: Vec<Step<'a>>,
    #[serde(flatten)]
    documented: Documented,
}

#[derive(Serialize)]
struct Named<'a> {
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize)]
struct Step<'a> {
    when: &'a str,
    intro: &'a str,
    commands: &'a [Command],
}

pub(super) fn print(report: &Report) -> io::Result<String> {
    let printed = serde_json::to_string_pretty(&Document::of(report))?;
    Ok(escaped_json(&printed) + "\n")
}

pub(super) fn print_yaml(report: &Report) -> io::Result<String> {
    let printed = serde_saphyr::to_string(&Document::of(report)).map_err(io::Error::other)?;
    Ok(printable(&printed))
}

impl<'a> Document<'a> {
    fn of(report: &'a Report) -> Document<'a> {
        let change = &report.change;
        Document {
            api_version: API_VERSION,
            kind: "Report",
            outcome: report.outcome().name(),
            operation: change.operation.name(),
            release: &change.release,
            namespace: &change.namespace,
            from: version(&change.from),
            to: version(&change.to),
            source: &report.source,
            findings: report.findings.iter().map(Problem::of).collect(),
            notes: &report.notes,
            script: Block::of(change, &report.findings).map(|block| block.script),
            text: text::print(report, Look::default()),
        }
    }
}

impl<'a> Problem<'a> {
    fn of(finding: &'a Finding) -> Problem<'a> {
        let rule = Rule::of(finding.rule);
        let fixes = finding.fixes.iter().map(|fix| Step {
            when: fix.moment.name(),
            intro: &fix.intro,
            commands: &fix.commands,
        });
        Problem {
            rule: finding.rule.name(),
            action: match finding.action {
                Action::Deny => Action::Deny.name(),
                _ => Action::Warn.name(),
            },
            summary: rule.map_or("", |rule| rule.summary),
            title: &finding.title,
            objects: finding.objects.iter().map(Named::of).collect(),
            why: &finding.why,
            fixes: fixes.collect(),
            documented: Documented::of(finding.rule, finding.guide),
        }
    }
}

impl<'a> Named<'a> {
    fn of(object: &'a ObjectRef) -> Named<'a> {
        Named {
            kind: object.kind.name(),
            namespace: filled(&object.namespace),
            name: &object.name,
        }
    }
}

fn version(chart: &Option<ChartVersion>) -> Option<&str> {
    chart.as_ref().map(|chart| &*chart.version)
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
