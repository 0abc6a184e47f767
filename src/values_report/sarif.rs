//! The report as SARIF 2.1.0, for code scanning.

use std::io;

use serde_json::{Value, json};

use super::{Report, key};
use crate::{
    convert::{Kind, Told},
    report::artifact::{self, is_relative},
    terminal::printable,
};

/// Key of the fingerprint by which code scanning recognises a result in later runs.
const FINGERPRINT: &str = "camundaUpgradeGuardValues/v1";

pub(super) fn print(report: &Report<'_>) -> io::Result<String> {
    let mut run = json!({
        "tool": {"driver": {
            "name": "camunda-upgrade-guard",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": Kind::ALL.map(rule),
        }},
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": true,
            "exitCode": report.outcome.code(),
        }],
        "results": report.told.iter().map(|told| result(report, told)).collect::<Vec<_>>(),
    });
    if report.files.iter().any(|file| is_relative(file)) {
        run["originalUriBaseIds"] = artifact::folders();
    }
    artifact::log(&run)
}

fn rule(kind: Kind) -> Value {
    json!({
        "id": id(kind),
        "shortDescription": {"text": kind.meaning()},
        "defaultConfiguration": {"level": level(kind)},
    })
}

fn id(kind: Kind) -> String {
    format!("values-{}", kind.name())
}

fn level(kind: Kind) -> &'static str {
    match kind {
        Kind::Obstacle => "error",
        Kind::Decide | Kind::Ignored | Kind::Deprecated => "warning",
        Kind::Removed | Kind::Renamed | Kind::Merged | Kind::Typed => "note",
    }
}

fn result(report: &Report<'_>, told: &Told) -> Value {
    let [from, to] = told.hop;
    let fingerprint = format!("{} {from} {to} {}", told.kind.name(), told.key);
    let text = format!("{}: {} {}", report.hop(told.hop), key(told), told.reason);
    let mut result = json!({
        "ruleId": id(told.kind),
        "ruleIndex": Kind::ALL.iter().position(|kind| *kind == told.kind),
        "level": level(told.kind),
        "message": {"text": printable(&text)},
        "partialFingerprints": {FINGERPRINT: fingerprint},
    });
    // What is missing stands nowhere: the first line of the last file, which wins, is where to write it.
    let last = report.files.len().checked_sub(1);
    let file = told.place.map(|place| place.file).or(last);
    if let Some(file) = file.and_then(|file| report.files.get(file)) {
        let line = told.place.and_then(|place| place.line).unwrap_or(1);
        result["locations"] = json!([{"physicalLocation": artifact::place(file, line)}]);
    }
    result
}
