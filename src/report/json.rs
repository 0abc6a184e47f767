//! A report as JSON or YAML, as described by `docs/report.schema.json`.

use std::{collections::BTreeSet, io};

use serde::Serialize;

use super::{Documented, Report, text};
use crate::{
    change::ChartVersion,
    denial::{self, Block},
    document::{self, API_VERSION},
    finding::{Action, Command, Finding, Fix},
    kubernetes::ObjectRef,
    look::Look,
    rules::{Rule, ValueKey},
    storage::{Store, Way},
    touched::Credential,
};

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
    steps: Vec<Step<'a>>,
    upgrade: Option<Command>,
    claims: Vec<Claim<'a>>,
    claims_complete: bool,
    credentials: Vec<Reads<'a>>,
    values: Vec<Touched<'a>>,
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
    objects: &'a [ObjectRef],
    why: &'a [String],
    fixes: &'a [Fix],
    #[serde(flatten)]
    documented: Documented,
}

/// A step of a cure, in the order in which all are done.
#[derive(Serialize)]
struct Step<'a> {
    rule: &'a str,
    #[serde(flatten)]
    fix: &'a Fix,
}

#[derive(Serialize)]
struct Claim<'a> {
    namespace: &'a str,
    fate: &'a str,
    volume: Option<Volume<'a>>,
    before: Option<Mounted<'a>>,
    after: Option<Mounted<'a>>,
}

#[derive(Serialize)]
struct Volume<'a> {
    name: &'a str,
    size: Option<&'a str>,
    retained: Option<bool>,
}

#[derive(Serialize)]
struct Mounted<'a> {
    claim: &'a str,
    phase: Option<&'a str>,
    workload: Option<&'a ObjectRef>,
}

#[derive(Serialize)]
struct Reads<'a> {
    namespace: &'a str,
    secret: &'a str,
    key: Option<&'a str>,
    before: &'a BTreeSet<ObjectRef>,
    after: &'a BTreeSet<ObjectRef>,
    missing: bool,
}

#[derive(Serialize)]
struct Touched<'a> {
    key: &'a str,
    fate: &'a str,
    instead: Option<&'a str>,
}

pub(super) fn print(report: &Report) -> io::Result<String> {
    document::json(&Document::of(report))
}

pub(super) fn print_yaml(report: &Report) -> io::Result<String> {
    document::yaml(&Document::of(report))
}

impl<'a> Document<'a> {
    fn of(report: &'a Report) -> Document<'a> {
        let change = &report.change;
        let block = Block::of(change, &report.findings);
        let (upgrade, script) = match block {
            Some(block) => (block.upgrade.map(Command::Upgrade), Some(block.script)),
            None => (None, None),
        };
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
            steps: match script {
                Some(_) => steps(&report.findings),
                None => Vec::new(),
            },
            upgrade,
            claims: report.storage.stores.iter().map(Claim::of).collect(),
            claims_complete: !report.storage.unseen,
            credentials: report.touched.credentials.iter().map(Reads::of).collect(),
            values: report.touched.values.iter().map(Touched::of).collect(),
            notes: &report.notes,
            script,
            text: text::print(report, Look::default()),
        }
    }
}

/// Returns the steps of the block, in its order.
fn steps(findings: &[Finding]) -> Vec<Step<'_>> {
    let cures = denial::cures(findings).into_iter();
    let steps = cures.flat_map(|cure| {
        let rule = cure.finding.rule.name();
        let fixes = cure.fixes.into_iter();
        fixes.map(move |fix| Step { rule, fix })
    });
    steps.collect()
}

impl<'a> Problem<'a> {
    fn of(finding: &'a Finding) -> Problem<'a> {
        let rule = Rule::of(finding.rule);
        Problem {
            rule: finding.rule.name(),
            action: match finding.action {
                Action::Deny => Action::Deny.name(),
                _ => Action::Warn.name(),
            },
            summary: rule.map_or("", |rule| rule.summary),
            title: &finding.title,
            objects: &finding.objects,
            why: &finding.why,
            fixes: &finding.fixes,
            documented: Documented::of(finding.rule, finding.guide),
        }
    }
}

impl<'a> Claim<'a> {
    fn of(store: &'a Store) -> Claim<'a> {
        Claim {
            namespace: &store.namespace,
            fate: store.fate.name(),
            volume: store.volume.as_ref().map(|volume| Volume {
                name: &volume.name,
                size: volume.size.as_deref(),
                retained: volume.retained,
            }),
            before: store.before.as_ref().map(Mounted::of),
            after: store.after.as_ref().map(Mounted::of),
        }
    }
}

impl<'a> Mounted<'a> {
    fn of(way: &'a Way) -> Mounted<'a> {
        Mounted {
            claim: &way.claim,
            phase: way.phase.as_deref(),
            workload: way.workload.as_ref(),
        }
    }
}

impl<'a> Reads<'a> {
    fn of(credential: &'a Credential) -> Reads<'a> {
        Reads {
            namespace: &credential.secret.namespace,
            secret: &credential.secret.name,
            key: credential.key.as_deref(),
            before: &credential.before,
            after: &credential.after,
            missing: credential.missing,
        }
    }
}

impl<'a> Touched<'a> {
    fn of(value: &'a ValueKey) -> Touched<'a> {
        Touched {
            key: &value.key,
            fate: value.fate.name(),
            instead: value.instead.as_deref(),
        }
    }
}

fn version(chart: &Option<ChartVersion>) -> Option<&str> {
    chart.as_ref().map(|chart| &*chart.version)
}
