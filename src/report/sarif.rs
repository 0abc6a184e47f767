//! A report as SARIF 2.1.0, for code scanning.

use std::{collections::BTreeMap, io};

use serde_json::{Value, json};

use super::{
    Documented, Outcome, Report,
    artifact::{self, is_relative},
    printable,
};
use crate::{
    change::Gate,
    denial,
    finding::{Action, Finding},
    kubernetes::ObjectRef,
    rules::{RULES, Rule},
};

/// Key of the fingerprint by which code scanning recognises a result in later runs, whatever the versions and the
/// wording.
const FINGERPRINT: &str = "camundaUpgradeGuard/v1";

pub(super) fn print(report: &Report) -> io::Result<String> {
    let notes = report.notes.iter();
    let notes = notes.map(|note| json!({"level": "note", "message": {"text": printable(note)}}));
    let mut run = json!({
        "tool": {"driver": {
            "name": "camunda-upgrade-guard",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": RULES.iter().map(rule).collect::<Vec<_>>(),
        }},
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": report.outcome() != Outcome::Unchecked,
            "exitCode": report.outcome().code(),
            "toolExecutionNotifications": notes.collect::<Vec<_>>(),
        }],
        "results": results(report),
    });
    if report.file().is_some_and(is_relative) {
        run["originalUriBaseIds"] = artifact::folders();
    }
    artifact::log(&run)
}

fn rule(rule: &Rule) -> Value {
    let gates = [Gate::Release, Gate::Object];
    let usual = gates.into_iter().find_map(|gate| {
        let actions = rule.actions(gate);
        actions.first().copied()
    });
    let mut described = json!({
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.description()},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"level": level(usual.unwrap_or(Action::Warn))},
        "properties": Documented::of(rule.id, rule.guide),
    });
    // Without a published page of ours Camunda's is the next best.
    if let Some(address) = rule.id.page_address().or(rule.guide.address()) {
        described["helpUri"] = address.into();
    }
    described
}

fn results(report: &Report) -> Vec<Value> {
    let mut seen = BTreeMap::new();
    let findings = report.findings.iter();
    findings
        .map(|finding| {
            let fingerprint = fingerprint(report, finding);
            let same = seen.entry(fingerprint.clone()).or_insert(0);
            *same += 1;
            let fingerprint = match *same {
                1 => fingerprint,
                more => format!("{fingerprint} #{more}"),
            };
            let mut result = json!({
                "ruleId": finding.rule,
                "level": level(finding.action),
                "message": {"text": printable(&denial::object_message(finding))},
                "locations": [location(report, finding)],
                "partialFingerprints": {FINGERPRINT: fingerprint},
                "properties": Documented::of(finding.rule, finding.guide),
            });
            if let Some(index) = RULES.iter().position(|rule| rule.id == finding.rule) {
                result["ruleIndex"] = index.into();
            }
            result
        })
        .collect()
}

fn level(action: Action) -> &'static str {
    match action {
        Action::Deny => "error",
        _ => "warning",
    }
}

/// Returns a finding's location: the file's first line, since the whole file is judged and code scanning hides
/// results without a line.
fn location(report: &Report, finding: &Finding) -> Value {
    let release = json!({
        "name": report.change.release,
        "fullyQualifiedName": format!("{}/{}", report.change.namespace, report.change.release),
        "kind": "release",
    });
    let objects = finding.objects.iter().map(|object| {
        json!({"name": object.name, "fullyQualifiedName": qualified(object), "kind": object.kind.name()})
    });
    let logical: Vec<_> = objects.collect();
    let mut location = json!({
        "logicalLocations": if logical.is_empty() { vec![release] } else { logical },
    });
    if let Some(file) = report.file() {
        location["physicalLocation"] = artifact::place(file, 1);
    }
    location
}

fn qualified(object: &ObjectRef) -> String {
    let kind = object.kind.name();
    match &*object.namespace {
        "" => format!("{kind}/{}", object.name),
        namespace => format!("{namespace}/{kind}/{}", object.name),
    }
}

fn fingerprint(report: &Report, finding: &Finding) -> String {
    let change = &report.change;
    let about = format!("{} {}/{}", finding.rule, change.namespace, change.release);
    let objects = finding.objects.iter().map(qualified);
    std::iter::once(about)
        .chain(objects)
        .collect::<Vec<_>>()
        .join(" ")
}
