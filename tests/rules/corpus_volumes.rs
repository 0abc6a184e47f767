//! Real releases, each as it runs with its claims Bound, and the next one over it (`CAMUNDA_CORPUS`).

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    change::{Change, Rendered},
    claims::Mounts,
    facts::Facts,
    finding::Action,
    object::{Kind, Object},
    release::Release,
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

/// The rules on brokers, databases, claims and volumes, and the one that has StatefulSets deleted over them.
const OURS: [&str; 7] = [
    "zeebe-brokers-reduced",
    "postgresql-major-upgrade",
    "claim-retention-policy",
    "volume-not-retained",
    "storage-shrunk",
    "elasticsearch-claim-labels",
    "immutable-field-changed",
];

pub fn release(corpus: &Corpus, name: &str, status: &str) -> Release {
    let mut raw = corpus.record(name).unwrap().raw;
    raw["info"]["status"] = status.into();
    serde_json::from_value(raw).unwrap()
}

/// A claim of a StatefulSet and its volume, as the controllers make them.
fn bound(facts: &mut Facts, set: &Object, template: &Value, namespace: &str, name: &str) {
    let mut labels = template["metadata"]["labels"].clone();
    if labels.is_null() {
        labels = json!({});
    }
    let selector = set.at("/spec/selector/matchLabels").unwrap();
    for (key, value) in selector.as_object().unwrap() {
        labels[key] = value.clone();
    }
    let (volume, size) = (
        format!("volume-{name}"),
        &template["spec"]["resources"]["requests"]["storage"],
    );
    let claim = json!({
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{name}"), "labels": labels},
        "spec": {"volumeName": volume, "storageClassName": "standard"},
        "status": {"phase": "Bound"},
    });
    let volume = json!({
        "metadata": {"name": volume},
        "spec": {"claimRef": {"namespace": namespace, "name": name, "uid": format!("uid-{name}")},
            "capacity": {"storage": size}, "persistentVolumeReclaimPolicy": "Delete"},
    });
    facts.insert(Kind::PersistentVolumeClaim, Object(claim).into());
    facts.insert(Kind::PersistentVolume, Object(volume).into());
}

/// What runs: every object of the manifest, and each claim of each StatefulSet.
pub fn live(running: &Rendered) -> Facts {
    let mut facts = Facts::default();
    for object in running
        .objects
        .iter()
        .filter(|object| object.hook.is_none())
    {
        let namespace = &object.reference.namespace;
        let mut live = Object::clone(&object.object);
        live.0["metadata"]["namespace"] = namespace.as_str().into();
        if object.reference.kind == Kind::StatefulSet {
            let mounts = Mounts::of(&live);
            for template in live.array("/spec/volumeClaimTemplates") {
                let name = template["metadata"]["name"].as_str().unwrap();
                for ordinal in 0..mounts.replicas {
                    let claim = mounts.claim(name, ordinal);
                    bound(&mut facts, &live, template, namespace, &claim);
                }
            }
        }
        facts.insert(object.reference.kind, live.into());
    }
    facts
}

/// Which of our rules refuse an upgrade from one record to another.
fn refusing(corpus: &Corpus, from: &str, to: &str) -> BTreeSet<&'static str> {
    let running = Rendered::of(&release(corpus, from, "deployed"), None);
    let next = release(corpus, to, "pending-upgrade");
    let planned = Rendered::of(&next, Some(&running));
    let change = Change::of_release(&next, &planned, Some(&running)).unwrap();
    rules::judge(&change, &live(&running))
        .iter()
        .filter(|finding| finding.action == Action::Deny && OURS.contains(&finding.rule))
        .map(|finding| finding.rule)
        .collect()
}

#[test]
fn real_upgrades_meet_the_rules_that_are_about_them() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let steps: [(&str, &str, &[&str]); 12] = [
        ("8.0.12", "8.1.27", &["elasticsearch-claim-labels"]),
        ("8.1.27", "8.2.34", &["postgresql-major-upgrade"]),
        ("8.2.34", "8.3.1", &["immutable-field-changed"]),
        (
            "8.2.34-defaults",
            "8.3.1-defaults",
            &["immutable-field-changed"],
        ),
        ("8.3.1", "9.3.7", &[]),
        ("9.3.7", "10.0.2", &["immutable-field-changed"]),
        ("10.0.2", "12.13.3", &[]),
        ("12.13.3", "13.12.7-migration-full", &[]),
        ("12.13.3-defaults", "13.12.7-migration", &[]),
        (
            "12.13.3-five-brokers",
            "13.12.7-five-brokers-dropped",
            &["immutable-field-changed", "zeebe-brokers-reduced"],
        ),
        ("13.12.7-guides-line", "13.12.7-defaults", &[]),
        ("13.12.7-identity", "14.0.0-identity", &[]),
    ];
    for (from, to, expected) in steps {
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        assert_eq!(refusing(&corpus, from, to), expected, "{from} to {to}");
    }
}

#[test]
fn the_same_release_again_meets_none() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    for name in corpus.names().unwrap() {
        assert_eq!(refusing(&corpus, &name, &name), BTreeSet::new(), "{name}");
    }
}
