//! Values files alone: `convert` says what refusals say, over the values of real releases (`CAMUNDA_CORPUS`).

use std::collections::BTreeMap;

use camunda_upgrade_guard::{
    camunda::{Fate, Line, When},
    convert::{self, Conversion, File, Kind, Outcome},
    helm::{manifest::Document, values::Values},
    look::Look,
    rules,
    values_report::{Format, Report},
};
use harness::{Binaries, Corpus, Helm, Schema};
use serde_json::{Map, Value, json};

use crate::{
    reports_schemas::{
        checked_by_helm, closed_and_described, complaint, read as read_file, schema_of,
    },
    scene::Scene,
};

fn line(name: &str) -> &'static Line {
    Line::all().iter().find(|line| line.line == name).unwrap()
}

fn file(name: &str, text: &str) -> File {
    File {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn convert(text: &str, from: &str, to: &str) -> Conversion {
    convert::convert(&[file("values.yaml", text)], line(from), line(to)).unwrap()
}

fn read(text: &str) -> Value {
    let read = Document::new(text).parse().unwrap();
    read.unwrap_or_else(|| json!({}))
}

/// Every key with its value; what is empty has none.
fn leaves(values: &Value) -> BTreeMap<String, Value> {
    let values = values.as_object().unwrap().clone();
    let values = Values::from(values);
    let leaves = values.leaves().into_iter();
    let leaves =
        leaves.filter(|(_, value)| *value != "" && *value != &json!([]) && *value != &json!({}));
    leaves.map(|(key, value)| (key, value.clone())).collect()
}

/// What a refusal prints, whole.
fn printed(values: &Value, from: &'static str, to: &'static str) -> Value {
    let scene = Scene::upgrade(from, to).values(values.clone(), values.clone());
    let (change, facts) = scene.judged();
    match rules::converted_file(&change, &facts) {
        Some((text, _)) => read(&text),
        None => json!({}),
    }
}

/// The values of the corpus' releases of a line, and one with everything that has another key.
fn values(corpus: &Corpus, line: &str) -> Vec<(String, Value)> {
    let names = corpus.names().unwrap().into_iter();
    let names = names.filter(|name| name.starts_with(&format!("{line}.")));
    let values = names.map(|name| {
        let config = corpus.record(&name).unwrap().config;
        (name, config)
    });
    let mut values: Vec<_> = values.filter(|(_, config)| config.is_object()).collect();
    values.push(("much".to_owned(), much()));
    values
}

fn much() -> Value {
    json!({
        "global": {
            "identity": {"auth": {"connectors": {"clientId": "robots"}}},
            "license": {"existingSecret": "license", "existingSecretKey": "key"},
            "elasticsearch": {"auth": {"existingSecret": "es", "existingSecretKey": "password"}},
        },
        "zeebe": {
            "enabled": true, "clusterSize": 5, "pvcSize": "64Gi", "nodeSelector": {"disk.example.com/type": "ssd"},
            "javaOpts": "-XX:HeapDumpPath=/usr/local/zeebe/data",
            "image": {"registry": "registry.example.com", "tag": "8.7.1"},
            "service": {"httpPort": 9700, "type": "ClusterIP", "annotations": {"a.example.com/b": "c"}, "commandPort": 26601},
            "env": [{"name": "A", "value": "a"}],
            "extraConfiguration": {"a.yaml": "x: 1\ny: |\n  z\n"},
        },
        "zeebeGateway": {
            "replicas": 3, "contextPath": "/zeebe",
            "ingress": {"grpc": {"enabled": true, "host": "zeebe.example.com"}},
            "service": {"restPort": "8088", "grpcPort": 26600, "type": "LoadBalancer"},
            "env": [{"name": "B", "value": "b"}],
        },
        "operate": {"contextPath": "/operate", "env": [{"name": "C", "value": "c"}]},
        "tasklist": {"enabled": false},
        "postgresql": {"enabled": true, "auth": {"password": "p"}},
        "identity": {"keycloak": {"auth": {"adminUser": "admin"}}, "firstUser": {"password": "p"}},
        "connectors": {"resources": {"limits": {"cpu": 2}}, "extraConfiguration": {"b.yaml": "b: 2\n"}},
    })
}

/// The values as a file with a comment above each line, of which none is in a text.
fn commented(values: &Value) -> (String, Vec<String>) {
    let yaml = serde_saphyr::to_string(values).unwrap();
    let (mut text, mut comments) = (String::new(), Vec::new());
    for line in yaml.lines() {
        let indent = line.len() - line.trim_start().len();
        let comment = format!("# comment {}.", comments.len());
        let with = format!("{text}{}{comment}\n{line}\n", " ".repeat(indent));
        // A line of a text of several lines takes no comment.
        let whole = format!(
            "{with}{}",
            &yaml[yaml.find(line).unwrap() + line.len() + 1..]
        );
        if Document::new(&whole)
            .parse()
            .is_ok_and(|it| it.as_ref() == Some(values))
        {
            text = with;
            comments.push(comment);
        } else {
            text = format!("{text}{line}\n");
        }
    }
    (text, comments)
}

#[test]
fn a_file_is_converted_as_refusals_print_it() {
    let Some(corpus) = Corpus::find() else { return };
    let mut moved = 0;
    for (name, values) in values(&corpus, "12") {
        let yaml = serde_saphyr::to_string(&values).unwrap();
        let (mut before, mut text) = (values, yaml);
        for (from, to, hop) in [
            ("12", "13", ["12.13.3", "13.12.7"]),
            ("13", "14", ["13.12.7", "14.8.4"]),
        ] {
            let new = convert(&text, from, to);
            let after = read(&new.files[0].text);
            let old = leaves(&before);
            let mut own = leaves(&after);
            own.retain(|key, value| old.get(key) != Some(value));
            let printed = leaves(&printed(&before, hop[0], hop[1]));
            // What a chart has no default for is asked here, and found by what runs there.
            assert_eq!(own, printed, "{name} {from} {to}");
            moved += own.len();
            text = new.files[0].text.clone();
            before = after;
        }
    }
    assert!(moved > 60, "{moved}");
}

#[test]
fn no_comment_is_lost_and_nothing_is_converted_twice() {
    let Some(corpus) = Corpus::find() else { return };
    let mut kept = 0;
    for from in ["12", "13", "14"] {
        for (name, values) in values(&corpus, from) {
            let (text, comments) = commented(&values);
            for to in ["13", "14", "15"] {
                if to <= from {
                    continue;
                }
                let new = convert(&text, from, to);
                for comment in &comments {
                    assert!(
                        new.files[0].text.contains(comment.as_str()),
                        "{name} {to}: {comment}"
                    );
                    kept += 1;
                }
                let again = convert(&new.files[0].text, from, to);
                assert_eq!(again.files, new.files, "{name} {from} {to}");
                let done = [Kind::Renamed, Kind::Merged, Kind::Typed, Kind::Removed];
                assert!(
                    !again.told.iter().any(|it| done.contains(&it.kind)),
                    "{:#?}",
                    again.told
                );
                // No key is lost either: each stands in the file, or in a comment of it.
                for (key, _) in leaves(&values) {
                    let last = key.rsplit('.').next().unwrap();
                    let told = new.told.iter().any(|it| it.key.ends_with(last));
                    assert!(
                        told || new.files[0].text.contains(last),
                        "{name} {to}: {key}"
                    );
                }
            }
        }
    }
    assert!(kept > 1000, "{kept}");
}

#[test]
fn what_was_converted_fits_the_charts_schemas() {
    let Some(corpus) = Corpus::find() else { return };
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    for (to, version) in [("13", "13.12.7"), ("14", "14.0.0")] {
        let schema = corpus.schema(version);
        let schema = Schema::read(&binaries, Helm::V4, schema.to_str().unwrap()).unwrap();
        for (name, values) in values(&corpus, "12") {
            let yaml = serde_saphyr::to_string(&values).unwrap();
            let new = convert(&yaml, "12", to);
            let output = schema.check(&new.files[0].text).unwrap();
            assert!(output.success(), "{name} {to}: {}", output.report());
        }
    }
    // Which the old file does not.
    let schema = corpus.schema("13.12.7");
    let schema = Schema::read(&binaries, Helm::V4, schema.to_str().unwrap()).unwrap();
    assert!(
        !schema
            .check("orchestration: {clusterSize: 5}")
            .unwrap()
            .success()
    );
}

/// A value at which a chart minds a key.
fn minded(when: &When) -> Value {
    match when {
        When::Present | When::Set | When::Not(_) | When::Text => "minded".into(),
        When::Enabled => true.into(),
        When::Disabled => false.into(),
    }
}

fn put(values: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(values.insert(key.to_owned(), value)),
        Some((first, rest)) => {
            let below = values.entry(first).or_insert_with(|| json!({}));
            if !below.is_object() {
                *below = json!({});
            }
            put(below.as_object_mut().unwrap(), rest, value);
        }
    }
}

/// Values in which a key is minded, with its applications on or off.
fn minding(key: &str, value: Value, needs: &[String], on: bool) -> String {
    let mut values = Map::new();
    for switch in needs {
        put(&mut values, switch, on.into());
    }
    put(&mut values, key, value);
    serde_saphyr::to_string(&values).unwrap()
}

#[test]
fn each_key_that_a_line_minds_is_told_and_none_of_what_is_off() {
    let mut tried = 0;
    for before in ["12", "13", "14"] {
        let position = line(before).position();
        let to = &Line::all()[position + 1];
        let told = |text: &str, key: &str| {
            let told = convert(text, before, &to.line).told;
            told.into_iter()
                .find(|it| it.key == key || key.starts_with(&format!("{}.", it.key)))
        };
        for fact in &to.value_keys {
            let whole = fact.needs.contains(&format!("{}.enabled", fact.key));
            let value = match fact.bundled || whole {
                true => json!({"enabled": true}),
                false => minded(&fact.when),
            };
            let text = minding(&fact.key, value.clone(), &fact.needs, true);
            let found = told(&text, &fact.key);
            let found = found.unwrap_or_else(|| panic!("{} of {}: {text}", fact.key, to.line));
            assert!(!found.reason.is_empty());
            let expected = match fact.fate {
                _ if fact.bundled => Kind::Obstacle,
                Fate::Refused | Fate::Asks => Kind::Decide,
                Fate::Ignored => Kind::Ignored,
                Fate::Deprecated => Kind::Deprecated,
            };
            assert_eq!(found.kind, expected, "{}", fact.key);
            tried += 1;
            if !fact.needs.is_empty() && !fact.key.ends_with(".enabled") && !whole {
                let off = minding(&fact.key, value, &fact.needs, false);
                let found = told(&off, &fact.key);
                assert_eq!(found, None, "{off}");
            }
            if let When::Not(default) = &fact.when {
                let usual = minding(&fact.key, default.as_str().into(), &fact.needs, true);
                let told = told(&usual, &fact.key);
                assert!(told.is_none_or(|it| it.kind != Kind::Deprecated), "{usual}");
            }
        }
        for rule in to.renamed_values.iter().filter(|rule| rule.by.is_none()) {
            let text = minding(&rule.from, json!({"kept": "minded"}), &[], true);
            let told = convert(&text, before, &to.line).told;
            assert!(
                told.iter().any(|it| it.key.starts_with(&rule.from)),
                "{text}: {told:#?}"
            );
            tried += 1;
        }
        for key in to.dropped_values.keys() {
            // Where only some keys below it count, they are told above.
            let below = format!("{key}.");
            if to
                .value_keys
                .iter()
                .any(|fact| fact.key.starts_with(&below))
            {
                continue;
            }
            let text = minding(key, json!({"kept": "minded"}), &[], true);
            let told = convert(&text, before, &to.line).told;
            let is_about = |it: &&convert::Told| {
                it.key.starts_with(key.as_str()) || key.starts_with(it.key.as_str())
            };
            // Of a component that is off nothing is missed.
            let off = key.starts_with("console.");
            assert_eq!(
                told.iter()
                    .filter(|it| it.place.is_some())
                    .any(|it| is_about(&it)),
                !off,
                "{text}"
            );
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn what_no_chart_says_is_told() {
    let told = |text: &str, from: &str, to: &str, key: &str| {
        let told = convert(text, from, to).told;
        let kinds = told.iter().filter(|it| it.key == key).map(|it| it.kind);
        kinds.collect::<Vec<_>>()
    };
    // The layer of compatibility of 13 is gone in 14, and so are fifteen checks.
    let zeebe = "zeebe:\n  enabled: true\n  clusterSize: 5\n";
    assert_eq!(
        told(zeebe, "13", "14", "zeebe.clusterSize"),
        [Kind::Renamed]
    );
    let ingress = "identity:\n  enabled: true\n  ingress: {enabled: true, host: a}\n";
    assert_eq!(
        told(ingress, "13", "14", "identity.ingress.enabled"),
        [Kind::Ignored]
    );
    let off = "identity:\n  enabled: false\n  ingress: {enabled: true, host: a}\n";
    assert_eq!(told(off, "13", "14", "identity.ingress.enabled"), []);
    let console = "console: {enabled: true, contextPath: /console}\n";
    assert_eq!(told(console, "14", "15", "console.enabled"), [Kind::Decide]);
    assert_eq!(told(console, "14", "15", "console"), [Kind::Ignored]);
    let hub = format!("{console}camundaHub: {{enabled: true}}\n");
    assert_eq!(told(&hub, "14", "15", "console.enabled"), []);
    assert_eq!(
        told("console: {enabled: false}\n", "14", "15", "console"),
        []
    );
    // 15 refuses the keys of what it does not bundle even where that is off.
    let off = "elasticsearch:\n  enabled: false\n";
    let new = convert(off, "14", "15");
    assert_eq!(read(&new.files[0].text), json!({}));
    assert!(new.files[0].text.contains("#   enabled: false"));
    assert_eq!(
        told(
            "elasticsearch: {enabled: true}\n",
            "14",
            "15",
            "elasticsearch"
        ),
        [Kind::Obstacle]
    );
    let store = "orchestration: {data: {secondaryStorage: {type: opensearch}}}\nelasticsearch: {enabled: false}\n";
    assert_eq!(convert(store, "13", "14").outcome(), Outcome::Clean);
    assert_eq!(
        told(
            "elasticsearch: {enabled: false}\n",
            "13",
            "14",
            "orchestration.data.secondaryStorage.type"
        ),
        [Kind::Decide]
    );
}

#[test]
fn what_a_rule_of_its_own_converts_is_left_to_it() {
    let values = "elasticsearch: {replicas: 3, volumeClaimTemplate: {resources: {requests: {storage: 1Gi}}}}\nwebModeler: {restapi: {externalDatabase: {host: db}}}\n";
    let new = convert(values, "8.2", "8.3");
    let asked: Vec<_> = new
        .told
        .iter()
        .filter(|it| it.kind == Kind::Decide && it.place.is_some())
        .map(|it| it.key.as_str())
        .collect();
    assert_eq!(
        asked,
        [
            "elasticsearch.volumeClaimTemplate.resources.requests.storage",
            "elasticsearch.replicas",
            "webModeler.restapi.externalDatabase"
        ]
    );
    let off = "elasticsearch: {enabled: false, replicas: 3}\n";
    assert!(
        convert(off, "8.2", "8.3")
            .told
            .iter()
            .all(|it| it.place.is_none())
    );
}

#[test]
fn reports_are_as_their_schemas_say() {
    let schema: Value = serde_json::from_str(&read_file("docs/values.schema.json")).unwrap();
    closed_and_described(&schema, "");
    let (Some(json), Some(sarif)) = (
        schema_of("docs/values.schema.json"),
        schema_of("tests/schemas/sarif-2.1.0.schema.json"),
    ) else {
        return;
    };
    let hostile =
        "zeebe:\n  \"a\\e[31m\\nb\": 5\n  clusterSize: 5\nidentityKeycloak: {enabled: true}\n";
    let files = [
        file("a b\u{9b}.yaml", hostile),
        file("/tmp/c.yaml", "operate: {contextPath: /o}\n"),
    ];
    let new = convert::convert(&files, line("12"), line("15")).unwrap();
    let judged = convert::validate(&files, line("14")).unwrap();
    let reports = [
        Report::of_conversion(&new, line("12"), line("15")),
        Report::of_validation(&judged, line("14")),
    ];
    for report in reports {
        let print = |format| report.print(format, Look::default()).unwrap();
        let text = print(Format::Json);
        assert_eq!(complaint(&json, &checked_by_helm(&text)), None, "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut wrong = document.clone();
        wrong["findings"][0]["kind"] = "fine".into();
        assert!(complaint(&json, &checked_by_helm(&wrong.to_string())).is_some());
        let text = print(Format::Sarif);
        assert_eq!(complaint(&sarif, &checked_by_helm(&text)), None, "{text}");
        for format in [
            Format::Text,
            Format::Json,
            Format::Yaml,
            Format::Sarif,
            Format::Markdown,
        ] {
            let text = print(format);
            assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
        }
    }
}

#[test]
fn what_a_chart_switches_off_is_asked_unless_it_is_told() {
    let asked = |text: &str| {
        let told = convert(text, "12", "13").told.into_iter();
        let asked = told.filter(|it| it.kind == Kind::Decide && it.place.is_none());
        asked.map(|it| it.key).collect::<Vec<_>>()
    };
    let all = asked("{}\n");
    for key in [
        "identity.enabled",
        "identityKeycloak.enabled",
        "optimize.enabled",
        "orchestration.migration.data.enabled",
    ] {
        assert!(all.iter().any(|it| it == key), "{key}: {all:?}");
    }
    let without = asked("identity: {enabled: false}\n");
    assert!(
        !without.iter().any(|key| key.starts_with("identity")),
        "{without:?}"
    );
    // What was off by default before is not asked for.
    assert!(
        !all.iter().any(|key| key == "webModeler.enabled"),
        "{all:?}"
    );
    assert_eq!(convert("{}\n", "13", "14").told.len(), 2);
}

#[test]
fn files_stay_apart() {
    let convert = |files: &[&str]| {
        let files: Vec<_> = files.iter().map(|text| file("values.yaml", text)).collect();
        let new = convert::convert(&files, line("12"), line("13")).unwrap();
        let texts: Vec<_> = new.files.into_iter().map(|file| file.text).collect();
        (texts, new.told)
    };
    let (texts, _) = convert(&["zeebe:\n  clusterSize: 3\n", "zeebe:\n  clusterSize: 5\n"]);
    assert_eq!(
        texts,
        [
            "orchestration:\n  clusterSize: \"3\"\n",
            "orchestration:\n  clusterSize: \"5\"\n"
        ]
    );
    // A list of a later file would take the place of the other application's.
    let apart = [
        "zeebe:\n  env: [{name: A}]\n",
        "operate:\n  env: [{name: B}]\n",
    ];
    let (texts, told) = convert(&apart);
    assert_eq!(texts, apart);
    let asked = told
        .iter()
        .filter(|it| it.kind == Kind::Decide && it.new.as_deref() == Some("orchestration.env"));
    assert_eq!(asked.count(), 2);
    let whole = [
        "zeebe:\n  env: [{name: A}]\n",
        "zeebe:\n  env: [{name: B}]\n",
    ];
    let (texts, _) = convert(&whole);
    assert_eq!(texts[1], "orchestration:\n  env: [{name: B}]\n");
}
