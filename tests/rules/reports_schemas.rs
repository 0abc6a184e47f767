//! How a report is printed, for programs: as the schemas of these formats have it.

use std::{collections::BTreeSet, fs, path::Path};

use camunda_upgrade_guard::{
    finding::{Action, RuleId},
    report::{Format, Outcome, Report},
    rules::{NOT_CHECKED, RULES},
    terminal::printable,
};
use harness::{Binaries, Helm, Schema};
use roxmltree::{Document, Node};
use serde_json::{Value, json};

use crate::reports::{hostile, printed, reports};

pub fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

pub fn schema_of(file: &str) -> Option<Schema> {
    let binaries = Binaries::find_or_skip()?;
    Some(Schema::read(&binaries, Helm::V4, file).unwrap())
}

/// What is wrong with a document, JSON or YAML.
pub fn complaint(schema: &Schema, document: &str) -> Option<String> {
    let output = schema.check(document).unwrap();
    (!output.success()).then(|| output.report())
}

/// What YAML has no way to say unescaped is no concern of the schema.
pub fn checked_by_helm(document: &str) -> String {
    document.replace(['\u{7f}', '\u{9b}', '\u{FFFE}'], "?")
}

/// Each object of a schema is closed, and each property is required and described.
pub fn closed_and_described(schema: &Value, at: &str) {
    if let Some(properties) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "{at}");
        let required = schema["required"].as_array().unwrap();
        let required: BTreeSet<_> = required.iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(
            required,
            properties.keys().map(String::as_str).collect(),
            "{at}"
        );
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{at}.{name}");
        }
    }
    for (name, definition) in schema["definitions"].as_object().into_iter().flatten() {
        closed_and_described(definition, name);
    }
}

/// The same with marks in the place of what is not shown.
pub fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) => printable(text).into(),
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(map) => {
            let entries = map.iter();
            entries
                .map(|(key, value)| (key.clone(), shown(value)))
                .collect()
        }
        other => other.clone(),
    }
}

#[test]
fn json_and_yaml_are_as_their_schema_says() {
    let schema: Value = serde_json::from_str(&read("docs/report.schema.json")).unwrap();
    closed_and_described(&schema, "");
    let Some(checker) = schema_of("docs/report.schema.json") else {
        return;
    };
    let mut findings = 0;
    for report in reports() {
        let text = printed(&report, Format::Json, false);
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(complaint(&checker, &checked_by_helm(&text)), None, "{text}");
        let yaml = printed(&report, Format::Yaml, false);
        let same: Value = serde_saphyr::from_str(&yaml).unwrap();
        // What a terminal would act on has no escape in a text without quotes.
        assert_eq!(shown(&same), shown(&json), "{yaml}");
        assert_eq!(json["text"], printed(&report, Format::Text, false));
        assert_eq!(json["outcome"], report.outcome().name());
        assert_eq!(
            json["findings"].as_array().unwrap().len(),
            report.findings.len()
        );
        findings += report.findings.len();
        for (pointer, value) in [("/more", json!(1)), ("/outcome", json!("fine"))] {
            let mut wrong = json.clone();
            wrong[&pointer[1..]] = value;
            let complaint = complaint(&checker, &checked_by_helm(&wrong.to_string()));
            assert!(complaint.unwrap().contains(&pointer[1..]));
        }
    }
    assert!(findings > 6, "{findings}");
    // Helm's own YAML parser is the one of Kubernetes.
    let yaml = printed(&reports()[0], Format::Yaml, false);
    assert_eq!(complaint(&checker, &yaml), None, "{yaml}");
}

fn fingerprints(sarif: &Value) -> Vec<String> {
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let prints = results
        .iter()
        .map(|it| it["partialFingerprints"].to_string());
    prints.collect()
}

#[test]
fn sarif_is_as_its_standard_says() {
    let Some(checker) = schema_of("tests/schemas/sarif-2.1.0.schema.json") else {
        return;
    };
    for mut report in reports() {
        let text = printed(&report, Format::Sarif, false);
        assert_eq!(complaint(&checker, &checked_by_helm(&text)), None, "{text}");
        let sarif: Value = serde_json::from_str(&text).unwrap();
        let run = &sarif["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), RULES.len());
        for (described, rule) in rules.iter().zip(RULES) {
            let address = rule.id.page_address().or(rule.guide.address());
            assert_eq!(described["helpUri"].as_str(), address.as_deref());
        }
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), report.findings.len());
        for (result, finding) in results.iter().zip(&report.findings) {
            let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], finding.rule.name());
            let told = &result["properties"];
            assert_eq!(
                told["guideAddress"].as_str(),
                finding.guide.address().as_deref()
            );
            assert_eq!(told["page"], finding.rule.page());
            let denies = finding.action == Action::Deny;
            assert_eq!(result["level"], if denies { "error" } else { "warning" });
            let file = &result["locations"][0]["physicalLocation"]["artifactLocation"];
            let is_file = Path::new(&report.source).is_file();
            let uri = is_file.then_some("tests/manifest/cases.json");
            assert_eq!(file["uri"].as_str(), uri);
        }
        let complete = run["invocations"][0]["executionSuccessful"] == true;
        assert_eq!(complete, report.outcome() != Outcome::Unchecked);
        // The same problem is the same to the next run, and no other.
        let prints = fingerprints(&sarif);
        assert_eq!(prints.iter().collect::<BTreeSet<_>>().len(), prints.len());
        for finding in &mut report.findings {
            finding.title += " again";
        }
        report.source = "standard input".to_owned();
        let later = printed(&report, Format::Sarif, false);
        assert_eq!(
            complaint(&checker, &checked_by_helm(&later)),
            None,
            "{later}"
        );
        assert!(!later.contains("physicalLocation"));
        assert_eq!(fingerprints(&serde_json::from_str(&later).unwrap()), prints);
    }
    let broken = r#"{"version": "2.1.0", "runs": [{"tool": {}}]}"#;
    assert!(complaint(&checker, broken).unwrap().contains("driver"));
}

/// What an XML schema of this simple kind (references in a choice, strings) says against an element.
fn against(schema: Node, element: Node, complaints: &mut Vec<String>) {
    let name = element.tag_name().name();
    let declared = schema
        .children()
        .find(|it| it.has_tag_name((XS, "element")) && it.attribute("name") == Some(name));
    let Some(declared) = declared else {
        complaints.push(format!("no element {name}"));
        return;
    };
    let of = |kind: &'static str| {
        let nodes = declared.descendants();
        nodes.filter(move |it| it.has_tag_name((XS, kind)))
    };
    let attributes: BTreeSet<_> = of("attribute")
        .filter_map(|it| it.attribute("name"))
        .collect();
    for attribute in element.attributes() {
        if !attributes.contains(attribute.name()) {
            complaints.push(format!("{name} has no attribute {}", attribute.name()));
        }
    }
    let required = of("attribute").filter(|it| it.attribute("use") == Some("required"));
    for attribute in required.filter_map(|it| it.attribute("name")) {
        if !element.has_attribute(attribute) {
            complaints.push(format!("{name} lacks {attribute}"));
        }
    }
    let children: BTreeSet<_> = of("element").filter_map(|it| it.attribute("ref")).collect();
    let is_text = declared.attribute("type") == Some("xs:string")
        || of("complexType").any(|it| it.attribute("mixed") == Some("true"));
    for child in element.children() {
        if child.is_element() {
            let inner = child.tag_name().name();
            if !children.contains(inner) {
                complaints.push(format!("{name} holds no {inner}"));
            }
            against(schema, child, complaints);
        } else if !is_text && child.text().is_some_and(|text| !text.trim().is_empty()) {
            complaints.push(format!("{name} holds no text"));
        }
    }
}

const XS: &str = "http://www.w3.org/2001/XMLSchema";

fn complaints(xml: &str) -> Vec<String> {
    let schema = read("tests/schemas/junit-10.xsd");
    let schema = Document::parse(&schema).unwrap();
    let document = Document::parse(xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    let mut complaints = Vec::new();
    against(
        schema.root_element(),
        document.root_element(),
        &mut complaints,
    );
    complaints
}

#[test]
fn junit_is_as_its_schema_says() {
    let wrong = "<testsuites><testsuite name='a'>b<case/></testsuite></testsuites>";
    let expected = [
        "testsuite lacks tests",
        "testsuite lacks failures",
        "testsuite lacks errors",
        "testsuite holds no text",
        "testsuite holds no case",
        "no element case",
    ];
    assert_eq!(complaints(wrong), expected);
    for report in reports() {
        let text = printed(&report, Format::Junit, false);
        assert_eq!(complaints(&text), [""; 0], "{text}");
        let document = Document::parse(&text).unwrap();
        let of = |tag: &str| -> BTreeSet<&str> {
            let nodes = document.descendants().filter(|node| node.has_tag_name(tag));
            let cases = nodes.map(|node| node.parent().unwrap());
            cases.filter_map(|case| case.attribute("name")).collect()
        };
        let found = |wanted: fn(RuleId, Action) -> bool| -> BTreeSet<&str> {
            let findings = report.findings.iter();
            let wanted = findings.filter(|it| wanted(it.rule, it.action));
            wanted.map(|it| it.rule.name()).collect()
        };
        let failed = found(|rule, action| rule != NOT_CHECKED && action == Action::Deny);
        let errors = found(|rule, _| rule == NOT_CHECKED);
        let mut warned = found(|rule, action| rule != NOT_CHECKED && action == Action::Warn);
        assert_eq!(of("failure"), failed);
        assert_eq!(of("error"), errors);
        let suite = document
            .descendants()
            .find(|it| it.has_tag_name("testsuite"));
        let suite = suite.unwrap();
        // The same in each run, whatever it finds.
        let name = suite.attribute("name").unwrap();
        assert_eq!(name, "camunda-upgrade-guard");
        warned.insert(name);
        assert_eq!(of("system-out"), warned);
        let properties = suite.descendants().filter(|it| it.has_tag_name("property"));
        let outcome = properties.map(|it| it.attribute("value")).next().unwrap();
        assert_eq!(outcome, Some(report.outcome().name()));
        let counted = |name| suite.attribute(name).unwrap().parse::<usize>().unwrap();
        assert_eq!(counted("failures"), failed.len());
        assert_eq!(counted("errors"), errors.len());
        let cases = suite.children().filter(|it| it.has_tag_name("testcase"));
        let cases = cases.map(|it| it.attribute("name").unwrap());
        let rules = RULES.iter().map(|rule| rule.id.name());
        assert!(cases.eq(rules), "{text}");
        assert_eq!(counted("tests"), RULES.len());
    }
    // What can be said is said as it is.
    let Report { notes, .. } = hostile();
    let text = printed(&hostile(), Format::Junit, false);
    let document = Document::parse(&text).unwrap();
    let mut told = document
        .descendants()
        .filter(|it| it.has_tag_name("system-out"));
    let told = told.next_back().unwrap().text().unwrap();
    let expected = printable(&notes[0]).replace('\u{FFFE}', "\u{FFFD}");
    assert!(told.ends_with(&format!("\n{expected}")), "{told}");
}
