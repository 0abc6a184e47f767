//! Real releases, each as it runs with its claims Bound, and the next one over it (`CAMUNDA_CORPUS`).

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    camunda::NewestPatches,
    change::{Change, Facts, Rendered},
    finding::Action,
    helm::release::Release,
    kubernetes::{Kind, Mounts, Object},
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

/// The rules on brokers, databases, claims and volumes, and the one that has StatefulSets deleted over them.
const OURS: [&str; 10] = [
    "zeebe-brokers-reduced",
    "elasticsearch-nodes-reduced",
    "elasticsearch-claims-orphaned",
    "claims-orphaned",
    "postgresql-major-upgrade",
    "claim-retention-policy",
    "volume-not-retained",
    "storage-shrunk",
    "elasticsearch-claim-labels",
    "immutable-field-changed",
];

/// The newest patches that the corpus has, which are older than those of some lines.
pub fn newest() -> NewestPatches {
    serde_json::from_value(json!({"13": "13.12.7", "14": "14.8.4"})).unwrap()
}

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

const ELASTICSEARCH: &str = "elasticsearch-claims-orphaned";
const NODES: &str = "elasticsearch-nodes-reduced";
const IMMUTABLE: &str = "immutable-field-changed";
const ORPHANED: &str = "claims-orphaned";

/// An upgrade from one record to another, and the running one as it is rendered.
fn upgrade(corpus: &Corpus, from: &str, to: &str) -> (Change, Rendered) {
    let running = Rendered::of(&release(corpus, from, "deployed"), None);
    let next = release(corpus, to, "pending-upgrade");
    let planned = Rendered::of(&next, Some(&running));
    let change = Change::of_release(&next, &planned, Some(&running)).unwrap();
    (change, running)
}

/// Which of our rules refuse an upgrade from one record to another.
fn refusing(corpus: &Corpus, from: &str, to: &str) -> BTreeSet<&'static str> {
    let (change, running) = upgrade(corpus, from, to);
    rules::judge(&change, &live(&running))
        .iter()
        .filter(|finding| finding.action == Action::Deny && OURS.contains(&finding.rule.name()))
        .map(|finding| finding.rule.name())
        .collect()
}

#[test]
fn real_upgrades_meet_the_rules_that_are_about_them() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let steps: [(&str, &str, &[&str]); 19] = [
        ("8.0.12", "8.1.27", &["elasticsearch-claim-labels"]),
        ("8.1.27", "8.2.34", &["postgresql-major-upgrade"]),
        ("8.2.34", "8.3.1", &[ELASTICSEARCH, IMMUTABLE]),
        (
            "8.2.34-defaults",
            "8.3.1-defaults",
            &[ELASTICSEARCH, IMMUTABLE],
        ),
        (
            "8.2.34-three-nodes",
            "8.3.1-three-nodes",
            &[ELASTICSEARCH, NODES, IMMUTABLE],
        ),
        (
            "8.2.34-three-nodes",
            "8.3.1-three-nodes-kept",
            &[ELASTICSEARCH, NODES, IMMUTABLE],
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
        ("12.13.3", "12.13.3-one-node", &[NODES]),
        ("12.13.3-one-node", "12.13.3", &[]),
        ("12.13.3-defaults", "12.13.3-broker-volumes", &[IMMUTABLE]),
        (
            "12.13.3-broker-volumes",
            "13.12.7-migration",
            &[IMMUTABLE, ORPHANED],
        ),
        ("12.13.3-one-partition", "12.13.3-three-partitions", &[]),
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

/// The kind: everything that was printed was done, and still less runs than there is data of.
#[test]
fn a_third_volume_needs_a_third_node() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let (change, running) = upgrade(&corpus, "8.2.34-three-nodes", "8.3.1-three-nodes-kept");
    let mut facts = live(&running);
    for ordinal in 0..3 {
        let old = format!("elasticsearch-master-elasticsearch-master-{ordinal}");
        let claim = json!({
            "metadata": {"name": old, "namespace": "camunda", "uid": format!("uid-{old}"),
                "labels": {"chart": "elasticsearch", "release": "camunda", "app": "elasticsearch-master"}},
            "spec": {"volumeName": format!("volume-{old}"), "storageClassName": "standard"},
            "status": {"phase": "Lost"},
        });
        let volume = json!({
            "metadata": {"name": format!("volume-{old}")},
            "spec": {
                "claimRef": {"namespace": "camunda", "name": format!("data-camunda-elasticsearch-master-{ordinal}")},
                "capacity": {"storage": "64Gi"}, "persistentVolumeReclaimPolicy": "Retain"},
        });
        facts.insert(Kind::PersistentVolumeClaim, Object(claim).into());
        facts.insert(Kind::PersistentVolume, Object(volume).into());
    }
    let denied = |change: &Change| -> Vec<_> {
        let mut findings = rules::judge(change, &facts);
        findings
            .retain(|finding| finding.action == Action::Deny && finding.rule.name() != IMMUTABLE);
        findings
    };
    let findings = denied(&change);
    let rules: Vec<_> = findings.iter().map(|finding| finding.rule.name()).collect();
    assert_eq!(rules, [NODES, "elasticsearch-values-8.3"]);
    assert!(findings[0].title.ends_with("from 3 nodes to 2"));
    let third = "  elasticsearch-master-elasticsearch-master-2";
    assert!(findings[0].why.iter().any(|line| line == third));
    assert_eq!(
        crate::scene::commands(&findings[0])[0],
        "--set elasticsearch.master.replicaCount=3"
    );
    // What both cures print is the same number, and it is what the chart reads.
    assert!(crate::scene::commands(&findings[1])[0].contains("replicaCount: 3"));
    let mut three = change;
    for object in &mut three.objects {
        if let Some(planned) = object
            .planned
            .as_mut()
            .filter(|it| it.name() == "camunda-elasticsearch-master")
        {
            let mut more = Object::clone(planned);
            more.0["spec"]["replicas"] = 3.into();
            *planned = more.into();
        }
    }
    assert_eq!(denied(&three), []);
}
