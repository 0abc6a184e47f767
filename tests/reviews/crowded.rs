//! A release in a namespace with thousands of claims: others' are not read, and too many of its own are told (`CAMUNDA_CORPUS`).

use harness::Corpus;
use serde_json::{Value, json};

use crate::{asked, canaries::running, recorded, review};

fn claims(count: usize, release: &str) -> impl Iterator<Item = Value> {
    (0..count).map(move |number| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {
                "namespace": "prod", "name": format!("scratch-{release}-{number}"),
                "labels": {"app.kubernetes.io/instance": release},
            },
            "spec": {"volumeName": format!("pv-{release}-{number}")},
            "status": {"phase": "Bound"},
        })
    })
}

/// The answer to the same release once more.
fn again(corpus: &Corpus, beside: impl Iterator<Item = Value>) -> Value {
    let (running, mut objects) = running(corpus);
    objects.extend(beside);
    let planned = recorded(&running, 2, "pending-upgrade");
    asked(&objects, &review("Secret", "CREATE", &planned))
}

#[test]
fn claims_of_others_are_not_read() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let response = again(&corpus, claims(3_000, "others"));
    assert_eq!(response["allowed"], true, "{response:#}");
    assert_eq!(response["warnings"], Value::Null, "{response:#}");
}

#[test]
fn more_claims_of_the_release_than_are_read_are_told() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let few = again(&corpus, claims(900, "camunda"));
    assert_eq!(few["allowed"], true, "{few:#}");
    let many = again(&corpus, claims(1_001, "camunda"));
    assert_eq!(many["allowed"], false, "{many:#}");
    let message = many["status"]["message"].as_str().unwrap();
    assert!(message.contains("[not-checked]"), "{message}");
    assert!(message.contains("are too many to be read"), "{message}");
}
