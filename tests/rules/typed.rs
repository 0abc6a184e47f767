//! What is printed has the types that the new chart's schema wants: 13 refuses `clusterSize: 5`, which 12 took (`CAMUNDA_CORPUS`).

use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    camunda::Line,
    change::Rendered,
    finding::{Action, Flag},
    forecast::InstalledRelease,
    plan::{Means, Plan},
};
use harness::{Binaries, Corpus, Helm, Schema};
use serde_json::{Value, json};

use crate::{
    conversion::{file, over},
    corpus_volumes::{live, newest, release},
    live::Upgrade,
};

/// The schemas that there are, and the lines that they are of.
const SCHEMAS: [(&str, &str); 2] = [("13", "13.12.7"), ("14", "14.0.0")];

/// Every key without keys below, and what the schema says of it.
fn leaves(key: &str, node: &Value, found: &mut Vec<(String, Value)>) {
    let Some(below) = node["properties"].as_object() else {
        found.push((key.to_owned(), node.clone()));
        return;
    };
    for (part, node) in below {
        let key = match key {
            "" => part.clone(),
            key => format!("{key}.{part}"),
        };
        leaves(&key, node, found);
    }
}

#[test]
fn the_lines_data_agrees_with_the_charts_schemas() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    for (line, version) in SCHEMAS {
        let line = Line::of(version).filter(|it| it.line == line).unwrap();
        let schema = fs::read_to_string(corpus.schema(version)).unwrap();
        let mut found = Vec::new();
        leaves("", &serde_json::from_str(&schema).unwrap(), &mut found);
        let type_of = |key: &String| {
            let node = found.iter().find(|(other, _)| other == key);
            node.and_then(|(_, node)| node["type"].as_str())
        };
        for key in &line.text_values {
            assert_eq!(
                type_of(key).unwrap_or("string"),
                "string",
                "{version} {key}"
            );
        }
        for key in &line.number_values {
            assert_eq!(
                type_of(key).unwrap_or("number"),
                "number",
                "{version} {key}"
            );
        }
        for key in &line.file_lists {
            assert_eq!(type_of(key), Some("array"), "{version} {key}");
        }
        for (key, node) in &found {
            let last = key.rsplit('.').next().unwrap();
            let default = node["default"].as_str().unwrap_or_default();
            let counts = !default.is_empty() && default.bytes().all(|byte| byte.is_ascii_digit());
            let quantity = ["cpu", "memory", "size", "pvcSize"].contains(&last);
            let count =
                ["replicas", "replicaCount", "port"].contains(&last) || last.ends_with("Port");
            match node["type"].as_str() {
                Some("string") if counts || quantity => {
                    assert!(line.text_values.contains(key), "{version} {key}");
                }
                Some("number" | "integer") if count => {
                    assert!(line.number_values.contains(key), "{version} {key}");
                }
                _ => {}
            }
        }
    }
}

/// With the schema in the record, as Helm writes it.
fn with_schema(mut upgrade: Upgrade, corpus: &Corpus) -> Upgrade {
    let schema = fs::read(corpus.schema("13.12.7")).unwrap();
    upgrade.planned["chart"]["schema"] = STANDARD.encode(schema).into();
    upgrade
}

#[track_caller]
fn assert_valid(corpus: &Corpus, version: &str, values: &Value) {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let path = corpus.schema(version);
    let schema = Schema::read(&binaries, Helm::V3, path.to_str().unwrap()).unwrap();
    let output = schema.check(&values.to_string()).unwrap();
    assert!(output.success(), "{values}: {}", output.report());
}

/// The kind: numbers where the new chart wants texts.
#[test]
fn brokers_are_kept_by_a_flag_that_the_chart_takes() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    for (from, to) in [
        ("12.13.3-numbers", "13.12.7-migration"),
        ("12.13.3-five-brokers", "13.12.7-five-brokers-dropped"),
    ] {
        let upgrade = || Upgrade::between(&corpus, from, to);
        for upgrade in [upgrade(), with_schema(upgrade(), &corpus)] {
            let findings = upgrade.findings();
            let finding = findings
                .iter()
                .find(|finding| finding.rule.name() == "zeebe-brokers-reduced");
            let finding = finding.unwrap();
            assert_eq!(finding.action, Action::Deny);
            assert_eq!(
                finding.fixes[0].commands,
                [Flag::set_string("orchestration.clusterSize", "5").into()]
            );
        }
    }
    assert_valid(
        &corpus,
        "13.12.7",
        &json!({"orchestration": {"clusterSize": "5"}}),
    );
}

#[test]
fn a_printed_file_is_taken_by_the_new_chart() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let upgrade = || {
        let upgrade = Upgrade::between(&corpus, "12.13.3-numbers", "13.12.7-defaults");
        // The user's file of 12 is given again.
        let values = upgrade.running["config"].clone();
        upgrade.values(values.clone(), values)
    };
    for upgrade in [upgrade(), with_schema(upgrade(), &corpus)] {
        let findings = upgrade.findings();
        let finding = findings
            .iter()
            .find(|finding| finding.rule.name() == "orchestration-values");
        let new = file(finding.unwrap(), "camunda-13.yaml");
        let orchestration = &new["orchestration"];
        assert_eq!(orchestration["clusterSize"], "5");
        assert_eq!(orchestration["replicationFactor"], "3");
        assert_eq!(orchestration["cpuThreadCount"], "2");
        assert_eq!(orchestration["resources"]["limits"]["cpu"], "2");
        // What the two have under one key is refused, too.
        assert_eq!(new["connectors"]["resources"]["limits"]["cpu"], "2");
        let all = over(&upgrade.running["config"], &new);
        assert_valid(&corpus, "13.12.7", &all);
    }
}

#[test]
fn a_plan_writes_files_that_the_charts_take() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let running = Rendered::of(&release(&corpus, "12.13.3-numbers", "deployed"), None);
    let own = corpus.record("12.13.3-numbers").unwrap().config;
    let standing = InstalledRelease::of("camunda", "camunda", running.clone()).unwrap();
    let means = Means {
        chart: "camunda/camunda-platform".to_owned(),
        values: vec!["values.yaml".to_owned()],
        ..Means::default()
    };
    let to = "13.12.7".parse().unwrap();
    let newest = newest();
    let plan = Plan::of(&standing, &live(&running), &to, means, &newest).unwrap();
    let steps = plan.hops[0].steps.iter();
    let commands = steps.flat_map(|step| &step.commands);
    let written = commands.filter_map(|command| command.here_document());
    let written: Vec<_> = written.map(|document| document.text.as_str()).collect();
    let [text] = written[..] else {
        panic!("{written:?}")
    };
    let new = camunda_upgrade_guard::helm::manifest::Document::new(text)
        .parse()
        .unwrap()
        .unwrap();
    assert_eq!(new["orchestration"]["clusterSize"], "5");
    assert_valid(&corpus, "13.12.7", &over(&own, &new));
}

/// The nearest good case: numbers and texts that say the same are the same.
#[test]
fn numbers_in_place_of_texts_are_no_change() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let upgrade = Upgrade::between(&corpus, "12.13.3-defaults", "12.13.3-numbers");
    assert_eq!(upgrade.refusing(), Vec::<&str>::new());
}
