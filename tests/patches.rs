//! Helm's patches as Kubernetes' own library makes them: `helm-patch` (tests/cluster-binaries/patches) is that library.
//!
//! It stands for every good upgrade that a patch made otherwise would have the API server refuse.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

use std::collections::BTreeMap;

use camunda_upgrade_guard::{
    helm::manifest::{objects, split},
    kubernetes::strategic::{Patch, PatchError, Schema, patch, patched},
};
use harness::{Binaries, Corpus, Record, Run};
use semver::Version;
use serde::Deserialize;
use serde_json::{Value, json};

#[path = "patches/drift.rs"]
mod drift;
#[path = "patches/generated.rs"]
mod generated;
#[path = "patches/random.rs"]
mod random;

use self::random::Random;

/// Three versions of an object, and whose it is.
struct Question {
    what: String,
    original: Value,
    modified: Value,
    current: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    patch: Option<Value>,
    merged: Option<Value>,
    error: Option<String>,
}

/// The hops of which a dry run that merged lists otherwise refused three.
const HOPS: [(&str, &str); 5] = [
    ("9.3.7", "10.0.2"),
    ("10.0.2", "11.0.1"),
    ("11.0.1", "12.13.3-after-11.0.1"),
    ("12.13.3-defaults", "13.12.7-migration"),
    ("12.13.3", "13.12.7-migration-full"),
];

#[test]
fn every_pair_of_the_corpus_is_patched_as_helm_patches_it() {
    let (Some(binaries), Some(corpus)) = (Binaries::find_or_skip(), Corpus::find()) else {
        return;
    };
    let mut names = corpus.names().unwrap();
    names.sort_by_cached_key(|name| {
        let version = name.split('-').next().unwrap();
        (Version::parse(version).unwrap(), name.clone())
    });
    let records: BTreeMap<_, _> = names
        .iter()
        .map(|name| (name.as_str(), of_record(&corpus.record(name).unwrap())))
        .collect();
    let following = names.windows(2).map(|pair| (&*pair[0], &*pair[1]));
    let mut random = Random::new(7);
    let mut questions = Vec::new();
    for (from, to) in following.chain(HOPS) {
        for (id, modified) in &records[to] {
            let Some(original) = records[from].get(id) else {
                continue;
            };
            questions.push(Question {
                what: format!("{from} to {to}: {id:?}"),
                original: original.clone(),
                modified: drift::owned(modified),
                current: drift::live(original, &mut random),
            });
        }
    }
    assert!(questions.len() > 1000, "{}", questions.len());
    assert_same(&binaries, &questions);
}

#[test]
fn objects_that_no_chart_has_are_patched_as_helm_patches_them() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let questions: Vec<_> = (0..400)
        .map(|seed| {
            let mut random = Random::new(seed);
            let [original, modified, current] = generated::versions(&mut random);
            Question {
                what: format!("seed {seed}"),
                original,
                modified,
                current: match seed % 2 {
                    0 => drift::live(&current, &mut random),
                    _ => current,
                },
            }
        })
        .collect();
    let refused = assert_same(&binaries, &questions);
    // Of both kinds enough to mean something.
    assert!((5..100).contains(&refused), "{refused}");
}

/// The list of what is merged by which key is that of the Go types.
#[test]
fn the_types_are_kubernetes_own() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let types = Run::new(&binaries.helm_patch).args(["types"]).output();
    let types = types.unwrap().ok().unwrap().stdout;
    let ours = include_str!("../crates/upgrade-rules/src/kubernetes/strategic/types.txt");
    assert!(
        types == ours,
        "helm-patch types > crates/upgrade-rules/src/kubernetes/strategic/types.txt renews it"
    );
}

/// What kinds, each with what a patch that replaced lists or kept items would send.
#[test]
fn what_no_merge_by_hand_got_right() {
    let with = |kind: &str, spec: Value| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec});
    let sent = |original: &Value, modified: &Value, current: &Value| match patch(
        original, modified, current,
    )
    .unwrap()
    {
        Patch::Strategic(patch) => Value::Object(patch),
        Patch::Merge(patch) => panic!("{patch:?}"),
    };
    // A port's number is its key: the old one has to go, or its name is there twice.
    let service = |port: u32| {
        with(
            "Service",
            json!({"ports": [{"name": "http", "port": port}]}),
        )
    };
    assert_eq!(
        sent(&service(80), &service(8888), &service(80))["spec"],
        json!({"$setElementOrder/ports": [{"port": 8888}], "ports": [{"name": "http", "port": 8888}, {"$patch": "delete", "port": 80}]})
    );
    // Below a container that stays: a variable's source, a probe's handler, a mount.
    let pod = |container: Value| with("Pod", json!({"containers": [container]}));
    let before = pod(
        json!({"name": "c", "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
        "livenessProbe": {"tcpSocket": {"port": 1}}, "volumeMounts": [{"name": "logs", "mountPath": "/logs"}]}),
    );
    let after = pod(
        json!({"name": "c", "env": [{"name": "A", "value": "b"}], "livenessProbe": {"httpGet": {"port": 1}}}),
    );
    assert_eq!(
        sent(&before, &after, &before)["spec"],
        json!({"$setElementOrder/containers": [{"name": "c"}], "containers": [{
            "name": "c",
            "$setElementOrder/env": [{"name": "A"}],
            "env": [{"name": "A", "value": "b", "valueFrom": null}],
            "livenessProbe": {"httpGet": {"port": 1}, "tcpSocket": null},
            "volumeMounts": null,
        }]})
    );
    let schema = Schema::of("v1", "Pod").unwrap();
    assert_eq!(patched(schema, &before, &after, &before).unwrap(), after);
    // What is the same needs no request, whatever stands beside it.
    let drifted = pod(json!({"name": "c", "env": [{"name": "A", "value": "b"}],
        "image": "x", "livenessProbe": {"httpGet": {"port": 1, "scheme": "HTTP"}}}));
    assert!(patch(&after, &after, &drifted).unwrap().is_empty());
    // Helm, too, stops here.
    let nameless = pod(json!({"image": "x"}));
    assert_eq!(
        patch(&nameless, &after, &before),
        Err(PatchError::NoMergeKey("name".to_owned()))
    );
}

fn of_record(record: &Record) -> BTreeMap<(String, String), Value> {
    let documents = split(&record.manifest).filter_map(|document| document.parse().unwrap());
    let text = |object: &Value, pointer: &str| {
        let text = object.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    documents
        .flat_map(objects)
        .map(|object| {
            (
                (text(&object, "/kind"), text(&object, "/metadata/name")),
                object,
            )
        })
        .collect()
}

/// Compares all answers, and counts those that refuse.
fn assert_same(binaries: &Binaries, questions: &[Question]) -> usize {
    let lines: Vec<_> = questions
        .iter()
        .map(|it| {
            json!({"original": it.original, "modified": it.modified, "current": it.current})
                .to_string()
        })
        .collect();
    let output = Run::new(&binaries.helm_patch)
        .input(lines.join("\n"))
        .output();
    let output = output.unwrap().ok().unwrap().stdout;
    let answers: Vec<Answer> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), questions.len());
    let mut refused = 0;
    for (question, answer) in questions.iter().zip(answers) {
        let Question {
            what,
            original,
            modified,
            current,
        } = question;
        let ours = patch(original, modified, current);
        let (is_strategic, ours) = match ours {
            Ok(Patch::Strategic(patch)) => (true, Ok(Value::Object(patch))),
            Ok(Patch::Merge(patch)) => (false, Ok(Value::Object(patch))),
            Err(error) => (true, Err(error)),
        };
        let told = || format!("{what}\n{original}\n{modified}\n{current}\n{answer:?}\n{ours:?}");
        match (&answer.patch, &ours) {
            (Some(patch), Ok(ours)) => assert_eq!(patch, ours, "{}", told()),
            (None, Err(_)) => {}
            _ => panic!("{}", told()),
        }
        refused += usize::from(answer.error.is_some());
        if !is_strategic {
            continue;
        }
        let kind = |key: &str| modified[key].as_str().unwrap();
        let schema = Schema::of(kind("apiVersion"), kind("kind")).unwrap();
        let merged = patched(schema, original, modified, current);
        match (&answer.merged, merged) {
            (Some(theirs), Ok(ours)) => assert_eq!(theirs, &ours, "{}", told()),
            (None, Err(_)) => {}
            (_, ours) => panic!("{ours:?}\n{}", told()),
        }
    }
    refused
}
