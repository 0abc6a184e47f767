//! How a scan is printed for programs, and when it fails.

use camunda_upgrade_guard::{
    change::Gap,
    finding::{Command, RuleId},
    kubernetes::{Kind, ObjectRef},
    report::{Documented, Outcome},
    rules::Rule,
    scan::{FailOn, Known, Problem, ReportApi, Row, Scan},
};
use serde_json::{Value, json};

use crate::reports_schemas::{closed_and_described, complaint, read, schema_of, shown};

fn problem(rule: Option<RuleId>, stops: bool) -> Problem {
    Problem {
        rule,
        stops,
        title: "Something \u{1b}[31m".to_owned(),
        why: vec!["  a line".to_owned()],
        objects: vec![ObjectRef::new(Kind::Secret, "prod", "camunda")],
        cure: vec![Command::Shell("true".to_owned())],
        documentation: rule.map(|rule| Documented::of(rule, Rule::of(rule).unwrap().guide)),
    }
}

fn scan(problems: Vec<Problem>, gap: bool) -> Scan {
    let line = Known {
        line: "12".to_owned(),
        application: "8.7".to_owned(),
        newest: "12.13.3".to_owned(),
    };
    let row = Row {
        namespace: "prod".to_owned(),
        release: "camunda".to_owned(),
        revision: Some(3),
        status: "deployed".to_owned(),
        line: Some(line),
        problems,
        ..Row::default()
    };
    let gaps = gap.then(|| Gap::new("volumes", "it may not be read"));
    Scan {
        releases: vec![row],
        not_seen: gaps.into_iter().collect(),
        all_listed: true,
    }
}

#[test]
fn json_and_yaml_are_as_their_schema_says() {
    const SCHEMA: &str = "docs/scan.schema.json";
    closed_and_described(&serde_json::from_str(&read(SCHEMA)).unwrap(), "");
    let Some(checker) = schema_of(SCHEMA) else {
        return;
    };
    let rules = [
        Some(RuleId::ClaimsOrphaned),
        Some(RuleId::DatastoreChanged),
        None,
    ];
    let scan = scan(rules.map(|rule| problem(rule, true)).into(), true);
    let json = scan.json().unwrap();
    assert_eq!(complaint(&checker, &json), None, "{json}");
    let yaml = scan.yaml().unwrap();
    assert_eq!(complaint(&checker, &yaml), None, "{yaml}");
    let json: Value = serde_json::from_str(&json).unwrap();
    let same: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(shown(&same), shown(&json));
    let told = |index: usize| json["releases"][0]["problems"][index]["documentation"].clone();
    assert_eq!(told(0)["page"], "docs/rules/claims-orphaned.md");
    assert!(told(0)["guideAddress"].is_string() && told(0)["undocumented"].is_null());
    assert!(told(1)["guideAddress"].is_null() && told(1)["undocumented"].is_string());
    assert!(told(2).is_null());
    let mut wrong = json;
    wrong["releases"][0]["problems"][0]["more"] = json!(1);
    let complaint = complaint(&checker, &wrong.to_string());
    assert!(complaint.unwrap().contains("more"));
}

#[test]
fn policy_reports_count_what_stops_and_tell_what_else_there_is() {
    let reports = |scan: &Scan, api| {
        let yaml = scan.policy_reports(api).unwrap();
        let list: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(list["kind"], "List");
        list["items"].as_array().unwrap().clone()
    };
    let rule = Some(RuleId::ClaimsOrphaned);
    let mut found = scan(vec![problem(rule, true), problem(None, false)], false);
    found.releases.push(Row {
        namespace: "test".to_owned(),
        next: found.releases[0].line.clone(),
        ..Row::default()
    });
    found.releases.push(Row {
        not_seen: vec![Gap::new("volumes", "it may not be read")],
        ..found.releases[1].clone()
    });
    found.releases.push(Row {
        namespace: "test".to_owned(),
        ..Row::default()
    });
    for (api, version, kind) in [
        (ReportApi::OpenReports, "openreports.io/v1alpha1", "Report"),
        (
            ReportApi::PolicyReport,
            "wgpolicyk8s.io/v1alpha2",
            "PolicyReport",
        ),
    ] {
        let [prod, test] = &reports(&found, api)[..] else {
            panic!("a report for each namespace");
        };
        assert_eq!(prod["apiVersion"], version);
        assert_eq!(prod["kind"], kind);
        assert_eq!(prod["metadata"]["namespace"], "prod");
        let counts = json!({"pass": 0, "fail": 1, "warn": 1, "error": 0, "skip": 0});
        assert_eq!(prod["summary"], counts);
        let (fail, warn) = (&prod["results"][0], &prod["results"][1]);
        assert_eq!(fail["rule"], "claims-orphaned");
        assert_eq!(fail["severity"], "high");
        assert_eq!(fail["resources"][0]["name"], "camunda");
        assert_eq!(fail["resources"][0]["kind"], "Secret");
        let told = |key: &str| fail["properties"][key].as_str().unwrap();
        assert_eq!(told("commands"), "true");
        assert!(told("documentation").starts_with("https://"));
        let message = fail["message"].as_str().unwrap();
        assert!(message.ends_with("\n  a line") && !message.contains('\u{1b}'));
        assert_eq!(warn["result"], "warn");
        assert!(warn.get("rule").is_none() && warn["properties"].get("documentation").is_none());
        // Of what was not seen nobody can say that it passes.
        let counts = json!({"pass": 1, "fail": 0, "warn": 0, "error": 1, "skip": 1});
        assert_eq!(test["summary"], counts);
    }
    assert!(reports(&Scan::default(), ReportApi::OpenReports).is_empty());
}

#[test]
fn a_scan_fails_at_what_it_was_told_to() {
    use Outcome::{Clean, Refused, Unchecked};
    let rule = Some(RuleId::ClaimsOrphaned);
    let (stops, risks) = (vec![problem(rule, true)], vec![problem(rule, false)]);
    for (problems, gap, outcomes) in [
        (Vec::new(), false, [Clean, Clean, Clean]),
        (Vec::new(), true, [Unchecked, Unchecked, Unchecked]),
        (risks.clone(), false, [Clean, Clean, Refused]),
        (risks, true, [Unchecked, Unchecked, Refused]),
        (stops.clone(), false, [Clean, Refused, Refused]),
        (stops, true, [Unchecked, Refused, Refused]),
    ] {
        let scan = scan(problems, gap);
        let fail_on = [None, Some(FailOn::Deny), Some(FailOn::Warn)];
        assert_eq!(fail_on.map(|fail_on| scan.outcome(fail_on)), outcomes);
    }
}
