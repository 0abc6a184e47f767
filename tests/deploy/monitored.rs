//! Alerts and dashboard as Prometheus itself takes them. Grafana is not here.

use std::{collections::BTreeSet, fs, net::SocketAddr};

use anyhow::ensure;
use harness::{Cluster, PrometheusPrograms, binaries::workspace, wait_until};
use serde_json::Value;

use crate::{beside::PATIENCE, files};

/// What a dashboard's variables stand for: all of everything, and a range that a new Prometheus has data of.
const VARIABLES: [(&str, &str); 6] = [
    ("$release_namespace", ".*"),
    ("$namespace", ".*"),
    ("$release", ".*"),
    ("$__range", "1m"),
    ("$__rate_interval", "1m"),
    ("$__interval", "1m"),
];

/// What a healthy guard's series are compared with: such an expression yields nothing, the one before the sign does.
const COMPARISONS: [&str; 3] = [" > ", " < ", " == "];

/// Each alert fires with its labels, its text and its link, and is silent in the nearest case.
#[test]
fn each_alert_fires_and_is_silent() {
    let Some(programs) = PrometheusPrograms::find_or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let groups = files::alerts();
    let file = folder.path().join("alerts.yaml");
    fs::write(&file, serde_json::json!({"groups": groups}).to_string()).unwrap();
    let cases = fs::read_to_string(workspace().join("tests/deploy/alerts.test.yaml")).unwrap();
    fs::write(folder.path().join("alerts.test.yaml"), &cases).unwrap();
    for (what, file) in [("check", "alerts.yaml"), ("test", "alerts.test.yaml")] {
        let run = programs.promtool().args([what, "rules", file]);
        let output = run.current_dir(folder.path()).output().unwrap();
        assert!(output.success(), "{}", output.report());
    }

    let all = groups[0]["rules"].as_array().unwrap();
    let all: BTreeSet<_> = all
        .iter()
        .map(|rule| rule["alert"].as_str().unwrap())
        .collect();
    let cases: Value = serde_saphyr::from_str(&cases).unwrap();
    let cases = cases["tests"].as_array().unwrap().iter();
    let cases: Vec<_> = cases
        .flat_map(|case| case["alert_rule_test"].as_array().unwrap())
        .collect();
    for fires in [true, false] {
        let tested = cases.iter().filter(|case| {
            let expected = case["exp_alerts"].as_array().unwrap();
            expected.is_empty() != fires
        });
        let tested = tested.map(|case| case["alertname"].as_str().unwrap());
        assert_eq!(tested.collect::<BTreeSet<_>>(), all, "fires: {fires}");
    }
}

/// A Prometheus that scrapes a guard, which has refused something, finds what alerts and dashboard ask for.
pub fn answers(cluster: &Cluster, guard: SocketAddr) {
    let Some(programs) = PrometheusPrograms::find_or_skip() else {
        return;
    };
    let prometheus = programs.scrape(cluster, guard).unwrap();
    for expression in files::expressions() {
        let mut filled = filled(&expression);
        if filled.contains("camunda_upgrade_guard_release_findings_total") {
            // Nothing was overridden of a release, so that there is no such series yet.
            prometheus.query(&filled).unwrap();
            filled = filled.replace("action=\"overridden\"", "action=\"deny\"");
        }
        prometheus.query(&filled).unwrap();
        for selected in selectors(&filled).into_iter().chain([compared(&filled)]) {
            // A rate takes two scrapes.
            wait_until(selected, PATIENCE, || {
                let found = prometheus.query(selected)?;
                ensure!(!found.is_empty(), "nothing: {selected} of {filled}");
                Ok(Some(()))
            })
            .unwrap();
        }
    }
    prometheus.query("no_such_metric{").unwrap_err();
    assert!(prometheus.query("no_such_metric").unwrap().is_empty());
}

fn filled(expression: &str) -> String {
    // In this order: the name of one begins with that of another.
    let filled = VARIABLES
        .iter()
        .fold(expression.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        });
    assert!(!filled.contains('$'), "{filled}");
    filled
}

/// The series that an expression is about, each with its labels.
fn selectors(expression: &str) -> Vec<&str> {
    let starts = expression.match_indices("camunda_upgrade_guard_");
    let selector = |(start, _)| {
        let rest: &str = &expression[start..];
        let name = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_'));
        let end = match name.map(|end| (end, rest[end..].starts_with('{'))) {
            Some((end, false)) => end,
            Some((end, true)) => end + rest[end..].find('}').unwrap() + 1,
            None => rest.len(),
        };
        &rest[..end]
    };
    starts.map(selector).collect()
}

/// An expression without what it is compared with, and without the question whether it is absent.
fn compared(expression: &str) -> &str {
    if let Some(asked) = expression.strip_prefix("absent(") {
        return asked.trim_end_matches(')');
    }
    let ends = COMPARISONS.iter().filter_map(|sign| expression.rfind(sign));
    ends.min().map_or(expression, |end| &expression[..end])
}

#[test]
fn expressions_are_taken_apart() {
    let rate = filled(
        "sum by (a) (rate(camunda_upgrade_guard_x{namespace=~\"$release_namespace\"}[$__rate_interval])) > 0",
    );
    assert_eq!(
        selectors(&rate),
        ["camunda_upgrade_guard_x{namespace=~\".*\"}"]
    );
    assert_eq!(compared(&rate), rate.trim_end_matches(" > 0"));
    let quotient = "camunda_upgrade_guard_x / camunda_upgrade_guard_y";
    assert_eq!(
        selectors(quotient),
        ["camunda_upgrade_guard_x", "camunda_upgrade_guard_y"]
    );
    assert_eq!(compared(quotient), quotient);
    assert_eq!(
        compared("absent(camunda_upgrade_guard_x)"),
        "camunda_upgrade_guard_x"
    );
}
