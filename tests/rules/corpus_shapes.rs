//! What is found of a real upgrade does not depend on how the chart is packed: alone, below an umbrella chart, beside
//! another Camunda of the same release, under another name (`CAMUNDA_CORPUS`).

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    change::{Change, Rendered, parts},
    finding::{Action, Finding},
    gather::Announced,
    helm::{manifest, release::Release},
};
use harness::Corpus;
use serde_json::{Value, json};

use crate::corpus_volumes::live;

/// Upgrades that many rules are about, from line to line.
const PAIRS: &[(&str, &str)] = &[
    ("8.0.12", "8.1.27"),
    ("8.1.27", "8.2.34"),
    ("8.2.34-three-nodes", "8.3.1-three-nodes"),
    ("9.3.7", "10.0.2"),
    ("12.13.3", "12.13.3-one-node"),
    (
        "12.13.3-keycloak-external-database",
        "13.12.7-keycloak-external-database-dropped",
    ),
    ("12.13.3-oidc", "13.12.7-oidc-placeholder"),
    ("12.13.3", "13.12.7-defaults"),
    ("12.13.3-five-brokers", "13.12.7-five-brokers-dropped"),
    ("12.13.3-console-web-modeler", "13.12.7-migration-full"),
    (
        "13.12.7-optimize-persistence",
        "14.0.0-optimize-persistence",
    ),
];

/// A record's JSON, made into what another packing of the same chart would have written.
fn packed(corpus: &Corpus, name: &str, shape: Shape) -> Value {
    let record = corpus.record(name).unwrap().raw;
    match shape {
        Shape::Alone => record,
        Shape::Umbrella => umbrella(vec![("engine", record)]),
        Shape::Renamed => renamed(record, "engine"),
        Shape::Beside { .. } => unreachable!("two records make it"),
    }
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// The release is of Camunda's chart.
    Alone,
    /// Camunda is a subchart with an alias.
    Umbrella,
    /// `fullnameOverride` and its kind give every object another name.
    Renamed,
    /// Two of them in one umbrella; only one is upgraded.
    Beside { first: bool },
}

/// Another name for every object that bears the release's.
fn renamed(mut record: Value, name: &str) -> Value {
    let manifest = record["manifest"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = manifest::split(&manifest)
        .filter_map(|document| document.parse().unwrap())
        .filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned))
        .filter(|name| name.starts_with("camunda-"))
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.dedup();
    let mut text = record.to_string();
    for old in &names {
        text = text.replace(old, &format!("{name}{}", &old["camunda".len()..]));
    }
    record = serde_json::from_str(&text).unwrap();
    record
}

/// The same charts as subcharts.
fn umbrella(parts: Vec<(&str, Value)>) -> Value {
    let mut all = parts[0].1.clone();
    let (mut manifest, mut hooks, mut config, mut values) =
        (String::new(), Vec::new(), json!({}), json!({}));
    let mut dependencies = Vec::new();
    for (alias, record) in &parts {
        let below =
            |text: &str| text.replace("camunda-platform/", &format!("shop/charts/{alias}/"));
        let text = record["manifest"].as_str().unwrap();
        manifest += &text.replace(
            "# Source: camunda-platform/",
            &format!("# Source: shop/charts/{alias}/"),
        );
        for hook in record["hooks"].as_array().into_iter().flatten() {
            let mut hook = hook.clone();
            hook["path"] = below(hook["path"].as_str().unwrap()).into();
            hooks.push(hook);
        }
        config[alias] = record["config"].clone();
        values[alias] = record["chart"]["values"].clone();
        dependencies.push(json!({
            "name": "camunda-platform", "alias": alias,
            "version": record["chart"]["metadata"]["version"],
        }));
    }
    all["manifest"] = manifest.into();
    all["hooks"] = hooks.into();
    all["config"] = config;
    all["chart"]["values"] = values;
    let locked: Vec<_> = dependencies
        .iter()
        .map(|it| json!({"name": "camunda-platform", "version": it["version"]}))
        .collect();
    all["chart"]["lock"] = json!({"dependencies": locked});
    all["chart"]["metadata"] =
        json!({"name": "shop", "version": "1.0.0", "dependencies": dependencies});
    all
}

fn released(mut record: Value, status: &str) -> Release {
    record["info"]["status"] = status.into();
    serde_json::from_value(record).unwrap()
}

fn judged(corpus: &Corpus, from: &str, to: &str, shape: Shape) -> Vec<Finding> {
    let (from, to) = match shape {
        Shape::Beside { first } => {
            let (one, other) = (
                packed(corpus, from, Shape::Alone),
                packed(corpus, to, Shape::Alone),
            );
            let second = |record: &Value| renamed(record.clone(), "second");
            match first {
                true => (
                    umbrella(vec![("one", one.clone()), ("two", second(&one))]),
                    umbrella(vec![("one", other), ("two", second(&one))]),
                ),
                false => (
                    umbrella(vec![("one", one.clone()), ("two", second(&one))]),
                    umbrella(vec![("one", one), ("two", second(&other))]),
                ),
            }
        }
        _ => (packed(corpus, from, shape), packed(corpus, to, shape)),
    };
    let running = Rendered::of(&released(from, "deployed"), None);
    let next = released(to, "pending-upgrade");
    let planned = Rendered::of(&next, Some(&running));
    let facts = live(&running);
    let changes = parts(&planned, Some(&running)).into_iter().map(|part| {
        let change = Change::of_release(&next, &part.planned, part.running.as_deref());
        (part.subchart, change.unwrap(), facts.clone())
    });
    let announced = Announced {
        parts: changes.collect(),
    };
    announced.judge()
}

fn refusing(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings
        .iter()
        .filter(|finding| finding.action == Action::Deny)
        .map(|finding| finding.rule.name())
        .collect()
}

#[test]
fn however_the_chart_is_packed_the_same_rules_refuse() {
    let Some(corpus) = Corpus::find() else { return };
    let shapes = [
        Shape::Umbrella,
        Shape::Renamed,
        Shape::Beside { first: true },
        Shape::Beside { first: false },
    ];
    for (from, to) in PAIRS {
        let alone = judged(&corpus, from, to, Shape::Alone);
        assert!(!alone.is_empty(), "{from} to {to}");
        let alone = refusing(&alone);
        for shape in shapes {
            let found = refusing(&judged(&corpus, from, to, shape));
            assert_eq!(found, alone, "{from} to {to}, {shape:?}");
        }
    }
}

#[test]
fn two_camundas_that_stay_as_they_are_meet_none() {
    let Some(corpus) = Corpus::find() else { return };
    for name in ["8.3.1", "12.13.3", "13.12.7-identity"] {
        let found = judged(&corpus, name, name, Shape::Beside { first: true });
        assert_eq!(refusing(&found), BTreeSet::new(), "{name}");
    }
}

#[test]
fn what_is_found_of_one_of_two_names_it() {
    let Some(corpus) = Corpus::find() else { return };
    let shape = Shape::Beside { first: false };
    let found = judged(&corpus, "12.13.3", "13.12.7-defaults", shape);
    let mut titles = found
        .iter()
        .filter(|finding| finding.action == Action::Deny)
        .map(|finding| &finding.title);
    assert!(
        titles.all(|title| title.starts_with("Subchart two: ")),
        "{found:#?}"
    );
}
