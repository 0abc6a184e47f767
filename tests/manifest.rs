//! Manifests are read as Go reads them, whatever they hold.
//!
//! `manifest/cases.json` keeps what `sigs.k8s.io/yaml` v1.6.0 (`YAMLToJSON`) answered to each
//! text, `manifest/streams.json` what the reader of `k8s.io/apimachinery` v0.36.3, with which Helm
//! applies a manifest, made of a stream. `ours` marks the texts that are handled differently on
//! purpose: refused although Go reads them, or accepted although Go does not.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camunda_upgrade_guard::helm::manifest::{
    Budget, Cause, Document, KindHint, Limits, objects, split,
};
use harness::{Binaries, Corpus, Run};
use serde::Deserialize;
use serde_json::{Value, json};

#[path = "manifest/bounded.rs"]
mod bounded;
#[path = "manifest/random.rs"]
mod random;

#[derive(Deserialize)]
struct Case {
    yaml: String,
    json: Option<String>,
    ours: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    manifest: String,
    documents: Vec<Value>,
}

#[test]
fn reads_what_go_reads() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("manifest/cases.json")).unwrap();
    let mut wrong = String::new();
    for case in &cases {
        let go: Option<Value> = case
            .json
            .as_deref()
            .map(|go| serde_json::from_str(go).unwrap());
        let us = Document::new(&case.yaml).parse();
        let us = us.map(|value| value.unwrap_or(Value::Null));
        let right = match (case.ours.as_deref(), &go, &us) {
            (None, Some(go), Ok(us)) => go == us,
            (None, None, Err(_)) | (Some("refused"), Some(_), Err(_)) => true,
            (Some("accepted"), None, Ok(_)) => true,
            _ => false,
        };
        if !right {
            writeln!(wrong, "{:?}: go {go:?}, us {us:?}", case.yaml).unwrap();
        }
    }
    assert!(cases.len() > 700, "only {} cases", cases.len());
    assert!(wrong.is_empty(), "{wrong}");
}

/// The recorded answers are still Go's, and every document of the real charts is read alike.
#[test]
fn go_itself_agrees() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let cases: Vec<Case> = serde_json::from_str(include_str!("manifest/cases.json")).unwrap();
    let mut texts: Vec<String> = cases.iter().map(|case| case.yaml.clone()).collect();
    let corpus = Corpus::find();
    for name in corpus.iter().flat_map(|corpus| corpus.names().unwrap()) {
        let record = corpus.as_ref().unwrap().record(&name).unwrap();
        texts.extend(split(&record.manifest).map(|document| document.text.to_owned()));
    }
    let answers = Run::new(&binaries.yaml_to_json)
        .input(serde_json::to_string(&texts).unwrap())
        .output()
        .unwrap()
        .ok()
        .unwrap();
    let answers: Vec<Option<String>> = serde_json::from_str(&answers.stdout).unwrap();
    assert_eq!(answers.len(), texts.len());
    let (recorded, real) = answers.split_at(cases.len());
    for (case, go) in cases.iter().zip(recorded) {
        let json = |text: &String| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(
            go.as_ref().map(json),
            case.json.as_ref().map(json),
            "{:?}",
            case.yaml
        );
    }
    for (text, go) in texts[cases.len()..].iter().zip(real) {
        let go: Value = serde_json::from_str(go.as_deref().unwrap()).unwrap();
        let us = Document::new(text).parse().unwrap().unwrap_or(Value::Null);
        assert_eq!(us, go, "{text}");
    }
}

#[test]
fn splits_as_the_cluster_does() {
    let streams: Vec<Stream> = serde_json::from_str(include_str!("manifest/streams.json")).unwrap();
    assert!(streams.len() > 30, "only {} streams", streams.len());
    for Stream {
        manifest,
        documents,
    } in streams
    {
        let parsed: Vec<Value> = split(&manifest)
            .filter_map(|document| document.parse().unwrap())
            .collect();
        assert_eq!(parsed, documents, "{manifest:?}");
    }
}

#[test]
fn notes_the_source() {
    let text = "---\n# Source: a/charts/b/templates/c.yaml\nkind: A\n---\nkind: B\n# Source: no\n";
    let sources: Vec<_> = split(text).map(|document| document.source).collect();
    assert_eq!(sources, [Some("a/charts/b/templates/c.yaml"), None]);
}

#[test]
fn cuts_a_separator_off_its_own_line() {
    let texts: Vec<_> = split("---a: 1\n--- b: 2\n----\n").map(|d| d.text).collect();
    assert_eq!(texts, ["a: 1\n", "b: 2\n", "-\n"]);
}

#[test]
fn hints_at_the_kind() {
    let known = [
        ("kind: Secret", "Secret"),
        ("apiVersion: v1\nkind: \"Secret\" # c\ndata: {}\n", "Secret"),
        ("# Source: x\n\nkind : 'Secret'\r\n", "Secret"),
        ("'kind':\tJob\n\nspec:\n  kind: Pod\n", "Job"),
        ("a:\n- kind: Pod\n-\tb\nkind: Job\n# end", "Job"),
        ("data:\n  x: |\n    kind: Pod\nkind: Job", "Job"),
    ];
    for (text, kind) in known {
        assert_eq!(
            Document::new(text).kind_hint(),
            KindHint::Kind(kind),
            "{text:?}"
        );
    }
    let unknown = [
        "",
        "# kind: Secret",
        "{\"kind\":\"Secret\"}",
        "  kind: Secret",
        "kind:\n  Secret",
        "kind: Secret\n  x",
        "kind: &a Secret",
        "kind: *a",
        "kind: !!str Secret",
        "kind: yes",
        "kind: a\nkind: b",
        "\"\\x6bind\": a\nkind: b",
        "? kind\n: Secret",
        "&a kind: Secret",
        "!!map\nkind: Secret",
        "--- \nkind: Secret",
        "kind: a\n...\n",
        "%YAML 1.1\nkind: a",
        "kind: a\n<<: {kind: Secret}",
        "kind: a\nitems: []",
        "kind: a\rkind: b",
        "kind: a # \u{2028}kind: b",
        "kind: a # \u{85}kind: b",
        "\u{feff}kind: a",
        "- kind: a",
        "kind: a b",
        "kind: a#b",
        "kind: a: b",
        "kind:a",
        "kind: |\n  a",
        "kind: ''",
    ];
    for text in unknown {
        assert_eq!(
            Document::new(text).kind_hint(),
            KindHint::Unknown,
            "{text:?}"
        );
    }
    assert!(KindHint::Kind("List").may_be("Secret") && KindHint::Unknown.may_be("Secret"));
    assert!(!KindHint::Kind("ConfigMap").may_be("Secret"));
}

#[test]
fn takes_lists_apart() {
    let list = json!({"kind": "SecretList", "apiVersion": "v1", "items": [
        {"metadata": {}}, {"kind": "Job"}, 1,
    ]});
    let items = json!([{"kind": "Secret", "apiVersion": "v1", "metadata": {}}, {"kind": "Job"}, 1]);
    assert_eq!(Value::from(objects(list)), items);
    for alone in [json!({"kind": "Secret"}), json!({"items": {}}), json!([1])] {
        assert_eq!(objects(alone.clone()), [alone]);
    }
}

#[test]
fn says_where_a_document_is_wrong() {
    let at = |text| {
        let error = Document::new(text).parse().unwrap_err();
        (error.line, error.column)
    };
    assert_eq!(at("a: 1\nb: [1\n"), (2, 4));
    assert_eq!(at("a: 1\nb:\n  c: !!int s3cret\n"), (3, 12));
    assert_eq!(at("a: é\nb: é\u{7}"), (2, 5));
    let error = Document::new("b:\n  c: !!int s3cret\n")
        .parse()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2, column 12: a scalar does not fit its tag !!int"
    );
}

fn cause(text: &str, limits: Limits) -> Option<Cause> {
    let started = Instant::now();
    let parsed = Document::new(text).parse_within(&mut Budget::new(limits));
    assert!(started.elapsed() < Duration::from_secs(5), "too slow");
    parsed.err().map(|error| error.cause)
}

#[test]
fn bounds_what_a_document_may_cost() {
    let limits = Limits::default();
    let open = "[".repeat(200_000);
    assert_eq!(cause(&open, limits), Some(Cause::TooDeep(128)));
    let indented: String = (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert_eq!(cause(&indented, limits), Some(Cause::TooDeep(128)));
    assert_eq!(
        cause(&"- ".repeat(200_000), limits),
        Some(Cause::TooDeep(128))
    );
    let nest = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(cause(&nest(128), limits), None);
    assert_eq!(cause(&nest(129), limits), Some(Cause::TooDeep(128)));

    let mut laughs = "a0: &a0 [x, x]\n".to_owned();
    let mut chain = laughs.clone();
    for n in 1..1000 {
        writeln!(
            laughs,
            "a{n}: &a{n} [{}]",
            vec![format!("*a{}", n - 1); 9].join(", ")
        )
        .unwrap();
        writeln!(chain, "a{n}: &a{n} [*a{}]", n - 1).unwrap();
    }
    assert_eq!(cause(&laughs, limits), Some(Cause::TooManyNodes(200_000)));
    assert_eq!(cause(&chain, limits), Some(Cause::TooDeep(128)));
    let many = "- a\n".repeat(200_001);
    assert_eq!(cause(&many, limits), Some(Cause::TooManyNodes(200_000)));
    let kept: String = (0..100).map(|n| format!("&a{n} [")).collect();
    let kept = format!("{kept}{}", "a, ".repeat(3000));
    assert_eq!(
        cause(&format!("{kept}{} # *", "]".repeat(100)), limits),
        Some(Cause::TooManyNodes(200_000))
    );
    assert_eq!(cause(&format!("{kept}{}", "]".repeat(100)), limits), None);
    let long = format!("a: &a {}\nb: [*a, *a, *a, *a]\n", "x".repeat(4 << 20));
    assert_eq!(cause(&long, limits), Some(Cause::TooMuchText(16 << 20)));
    let text = |length: usize| format!("a: {}", "x".repeat(length - 3));
    assert_eq!(cause(&text(8 << 20), limits), None);
    let longer = text((8 << 20) + 1);
    assert_eq!(cause(&longer, limits), Some(Cause::TooLong(8 << 20)));
    assert_eq!(cause("&a [&b {c: *a}]", limits), Some(Cause::Cycle));
}

#[test]
fn documents_may_share_a_budget() {
    let mut budget = Budget::new(Limits {
        nodes: 10,
        ..Limits::default()
    });
    let document = Document::new("[1, 2, 3]");
    assert!(document.parse_within(&mut budget).is_ok());
    assert!(document.parse_within(&mut budget).is_ok());
    let error = document.parse_within(&mut budget).unwrap_err();
    assert_eq!(error.cause, Cause::TooManyNodes(10));
}

#[test]
fn reads_the_real_charts() {
    let Some(corpus) = std::env::var_os("CAMUNDA_CORPUS") else {
        eprintln!("SKIPPED: set CAMUNDA_CORPUS to the corpus folder to read the real charts");
        return;
    };
    let (mut kinds, mut values) = (HashMap::<String, usize>::new(), 0);
    for entry in std::fs::read_dir(corpus).unwrap() {
        let Ok(record) = std::fs::read(entry.unwrap().path().join("release.json")) else {
            continue;
        };
        let record: Value = serde_json::from_slice(&record).unwrap();
        let hooks = record["hooks"].as_array().into_iter().flatten();
        let texts = hooks
            .map(|hook| &hook["manifest"])
            .chain([&record["manifest"]]);
        for document in texts.flat_map(|text| split(text.as_str().unwrap())) {
            let object = document.parse().unwrap().unwrap();
            let kind = object["kind"].as_str().unwrap();
            assert_eq!(
                document.kind_hint(),
                KindHint::Kind(kind),
                "{:?}",
                document.source
            );
            assert!(object["metadata"]["name"].is_string(), "{object}");
            *kinds.entry(kind.to_owned()).or_default() += 1;
            if let ("Secret", Some(data)) = (kind, object["data"].as_object()) {
                for value in data.values() {
                    STANDARD.decode(value.as_str().unwrap()).unwrap();
                    values += 1;
                }
            }
        }
    }
    for kind in ["Secret", "StatefulSet", "Deployment", "Job", "ConfigMap"] {
        assert!(
            kinds
                .get(kind)
                .is_some_and(|count| *count > 10 || kind == "Job"),
            "{kinds:?}"
        );
    }
    assert!(values > 50, "{values} values in Secrets");
}
