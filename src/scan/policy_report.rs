//! The scan as policy reports, one for each namespace, as Policy Reporter and the like show them.

use std::{collections::BTreeMap, io};

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::{Problem, Row, Scan, table::named};
use crate::{
    cluster::Collection,
    document,
    finding::{Command, shell},
    kubernetes::{Kind, ObjectRef},
    terminal::printable,
};

/// The API of the reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportApi {
    /// Reports of openreports.io/v1alpha1
    #[value(name = "openreports")]
    OpenReports,
    /// Reports of wgpolicyk8s.io/v1alpha2, which came before it
    #[value(name = "policyreport")]
    PolicyReport,
}

impl ReportApi {
    pub(super) fn collection(self) -> Collection {
        match self {
            ReportApi::OpenReports => Collection {
                version: "openreports.io/v1alpha1",
                kind: "Report",
                plural: "reports",
            },
            ReportApi::PolicyReport => Collection {
                version: "wgpolicyk8s.io/v1alpha2",
                kind: "PolicyReport",
                plural: "policyreports",
            },
        }
    }
}

/// How a result counts.
#[derive(Clone, Copy)]
enum Status {
    Pass,
    Fail,
    Warn,
    Error,
    Skip,
}

impl Status {
    const ALL: [Status; 5] = [
        Status::Pass,
        Status::Fail,
        Status::Warn,
        Status::Error,
        Status::Skip,
    ];

    fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Warn => "warn",
            Status::Error => "error",
            Status::Skip => "skip",
        }
    }

    fn severity(self) -> Option<&'static str> {
        match self {
            Status::Fail => Some("high"),
            Status::Warn | Status::Error => Some("medium"),
            Status::Pass | Status::Skip => None,
        }
    }
}

impl Scan {
    /// Returns a List of reports as YAML, for `kubectl apply`.
    ///
    /// # Errors
    /// When it can't be serialized.
    pub fn policy_reports(&self, api: ReportApi) -> io::Result<String> {
        let reports = self.reports(api);
        let reports: Vec<_> = reports.map(|(_, report)| report).collect();
        document::yaml(&json!({"apiVersion": "v1", "kind": "List", "items": reports}))
    }

    /// Each namespace with its report.
    pub(super) fn reports(&self, api: ReportApi) -> impl Iterator<Item = (&str, Value)> {
        let mut namespaces: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for row in &self.releases {
            let results = namespaces.entry(&row.namespace).or_default();
            results.extend(results_of(row));
        }
        let reports = namespaces.into_iter();
        reports.map(move |(namespace, results)| (namespace, report(api, namespace, results)))
    }
}

fn report(api: ReportApi, namespace: &str, results: Vec<Value>) -> Value {
    let Collection { version, kind, .. } = api.collection();
    let count = |status: Status| {
        let counted = results.iter();
        let counted = counted.filter(|result| result["result"] == status.name());
        (status.name().to_owned(), counted.count().into())
    };
    let summary: Map<String, Value> = Status::ALL.map(count).into_iter().collect();
    json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {
            "name": shell::PROGRAM,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": shell::PROGRAM},
        },
        "scope": {"apiVersion": "v1", "kind": Kind::Namespace.name(), "name": namespace},
        "summary": summary,
        "results": results,
    })
}

fn results_of(row: &Row) -> Vec<Value> {
    let mut results: Vec<_> = row.problems.iter().map(|it| of_problem(row, it)).collect();
    let unseen = row.not_seen.iter();
    let unseen = unseen.map(|gap| format!("{}: {}", gap.what, gap.reason));
    let unreadable = row.unreadable.iter().cloned();
    let failed: Vec<_> = unreadable.chain(unseen).collect();
    let all_seen = failed.is_empty();
    let errors = failed.iter().map(|why| result(row, Status::Error, why));
    results.extend(errors);
    if all_seen && row.stops().count() == 0 {
        results.push(match &row.next {
            Some(next) => {
                let message = format!("Nothing known stops an upgrade to chart {}", next.newest);
                result(row, Status::Pass, &message)
            }
            None => result(row, Status::Skip, "No next line is known"),
        });
    }
    results
}

fn of_problem(row: &Row, problem: &Problem) -> Value {
    let status = match problem.stops {
        true => Status::Fail,
        false => Status::Warn,
    };
    let lines = std::iter::once(&problem.title).chain(&problem.why);
    let lines: Vec<_> = lines.map(String::as_str).collect();
    let mut result = result(row, status, &lines.join("\n"));
    if let Some(rule) = problem.rule {
        result["rule"] = json!(rule);
    }
    if !problem.objects.is_empty() {
        result["resources"] = problem.objects.iter().map(resource).collect();
    }
    let commands: Vec<_> = problem.cure.iter().map(Command::text).collect();
    if !commands.is_empty() {
        result["properties"]["commands"] = printable(&commands.join("\n")).into();
    }
    if let Some(documented) = &problem.documentation {
        result["properties"]["documentation"] = documented.place().into();
    }
    result
}

fn result(row: &Row, status: Status, message: &str) -> Value {
    let next = row.next.as_ref().map(|next| next.newest.clone());
    let revision = row.revision.map(|revision| revision.to_string());
    let told = [
        ("release", Some(named(row))),
        ("revision", revision),
        ("chart", row.chart.clone()),
        ("nextChart", next),
    ];
    let told = told.into_iter();
    let properties: Map<_, _> = told
        .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))))
        .collect();
    let mut result = json!({
        "source": shell::PROGRAM,
        "policy": shell::PROGRAM,
        "category": "Camunda upgrade",
        "result": status.name(),
        "message": printable(message),
        "properties": properties,
    });
    if let Some(severity) = status.severity() {
        result["severity"] = severity.into();
    }
    result
}

fn resource(object: &ObjectRef) -> Value {
    let mut reference = json!({
        "apiVersion": object.kind.api_version(),
        "kind": object.kind.name(),
        "name": object.name,
    });
    if !object.namespace.is_empty() {
        reference["namespace"] = (*object.namespace).into();
    }
    reference
}
