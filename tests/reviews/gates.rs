//! Both gates agree: what an upgrade's record is told of an object is told of the object itself when it is written, as far as
//! rules judge both (`CAMUNDA_CORPUS`).

use std::{collections::BTreeSet, iter};

use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    helm::manifest::{objects, split},
    metrics::Metrics,
    rules::RULES,
};
use harness::Corpus;
use proptest::{
    prelude::any,
    prop_oneof,
    sample::{Index, select},
    strategy::{Just, Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use crate::{post, recorded, review, router};

/// Releases whose objects are edited.
const RELEASES: [&str; 3] = [
    "8.2.34-defaults",
    "12.13.3-secrets-in-values",
    "13.12.7-console-web-modeler",
];

/// Edits of each release.
const EDITS: usize = 50;

/// Rules that both gates run, and which an edit of one object can concern.
const SHARED: [&str; 6] = [
    "claim-retention-policy",
    "elasticsearch-nodes-reduced",
    "identity-secret-regenerated",
    "immutable-field-changed",
    "postgresql-major-upgrade",
    "zeebe-brokers-reduced",
];

/// Rules that both gates run, and that look at more than the edit of one object: at one that is created or deleted, at
/// what reads it, at what could not be read.
const OF_MORE: [&str; 6] = [
    "claim-removed",
    "credential-placeholder",
    "data-migration-on-install",
    "elasticsearch-claims-orphaned",
    "not-checked",
    "reinstall-over-old-claims",
];

/// The rule of these that a created object alone concerns.
const CREATED: &str = "elasticsearch-claims-orphaned";

/// One change of one object.
#[derive(Clone, Debug)]
enum Edit {
    Replicas(u64),
    Set(&'static str, Value),
    Selector,
    Image(&'static str),
    Retention(&'static str),
    Key(Index, &'static str),
}

fn edit() -> impl Strategy<Value = Edit> {
    let fields = vec![
        ("/spec/serviceName", json!("other")),
        ("/spec/podManagementPolicy", json!("OrderedReady")),
        (
            "/spec/volumeClaimTemplates/0/spec/resources/requests/storage",
            json!("999Gi"),
        ),
        ("/spec/template/metadata/annotations", json!({"a": "b"})),
        ("/spec/updateStrategy", json!({"type": "OnDelete"})),
        ("/spec/revisionHistoryLimit", json!(3)),
    ];
    let tags = vec!["15.4.0", "16.1.0", "17.0.1-debian-12-r3"];
    let key = (any::<Index>(), select(vec!["changed", "another", ""]));
    prop_oneof![
        4 => (0..5_u64).prop_map(Edit::Replicas),
        2 => select(fields).prop_map(|(pointer, value)| Edit::Set(pointer, value)),
        1 => Just(Edit::Selector),
        2 => select(tags).prop_map(Edit::Image),
        1 => select(vec!["whenDeleted", "whenScaled"]).prop_map(Edit::Retention),
        3 => key.prop_map(|(key, value)| Edit::Key(key, value)),
    ]
}

/// Sets a field whose parent is there.
fn set(object: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    if let Some(Value::Object(parent)) = object.pointer_mut(parent) {
        parent.insert(key.to_owned(), value);
    }
}

impl Edit {
    fn apply(&self, object: &mut Value) {
        match self {
            Edit::Replicas(replicas) => set(object, "/spec/replicas", (*replicas).into()),
            Edit::Set(pointer, value) => set(object, pointer, value.clone()),
            Edit::Selector => {
                for labels in [
                    "/spec/selector/matchLabels",
                    "/spec/template/metadata/labels",
                ] {
                    set(object, &format!("{labels}/edited"), "true".into());
                }
            }
            Edit::Image(tag) => {
                let image = "/spec/template/spec/containers/0/image";
                if let Some(old) = object.pointer(image).and_then(Value::as_str) {
                    let (name, _) = old.rsplit_once(':').unwrap();
                    set(object, image, format!("{name}:{tag}").into());
                }
            }
            Edit::Retention(when) => {
                let policy = json!({*when: "Delete"});
                set(object, "/spec/persistentVolumeClaimRetentionPolicy", policy);
            }
            Edit::Key(key, value) => {
                if let Some(data) = object["data"].as_object_mut().filter(|it| !it.is_empty()) {
                    let at = key.index(data.len());
                    let value = STANDARD.encode(value);
                    *data.values_mut().nth(at).unwrap() = value.into();
                }
            }
        }
    }
}

/// A release that runs: its record, and its objects as the API server has them.
struct Running {
    record: Value,
    objects: Vec<Value>,
    live: Vec<Value>,
}

impl Running {
    fn of(corpus: &Corpus, name: &str) -> Self {
        let mut record = corpus.record(name).unwrap().raw;
        let documents = split(record["manifest"].as_str().unwrap());
        let parsed = documents.filter_map(|document| document.parse().unwrap());
        let objects: Vec<_> = parsed.flat_map(objects).map(as_stored).collect();
        record["manifest"] = manifest(&objects).into();
        let mut live = vec![recorded(&record, 1, "deployed")];
        live.extend(objects.iter().flat_map(claims));
        live.extend(objects.iter().cloned());
        Self {
            record,
            objects,
            live,
        }
    }

    /// Where the objects are that an edit may concern; StatefulSets, of which most rules are, more often, and those with several pods most of all.
    fn editable(&self) -> Vec<usize> {
        let times = |object: &Value| match object["kind"].as_str().unwrap() {
            "StatefulSet" => 3 * object["spec"]["replicas"].as_u64().unwrap_or(1) as usize,
            "Deployment" | "Secret" => 1,
            _ => 0,
        };
        let objects = self.objects.iter().enumerate();
        let repeated = objects.map(|(at, object)| iter::repeat_n(at, times(object)));
        repeated.flatten().collect()
    }

    /// The rules that an upgrade to these objects is told of.
    async fn of_record(&self, planned: &[Value]) -> Told {
        let mut record = self.record.clone();
        record["manifest"] = manifest(planned).into();
        let record = recorded(&record, 2, "pending-upgrade");
        self.told("/validate", review("Secret", "CREATE", &record))
            .await
    }

    /// The rules that the writer of one object is told of.
    async fn of_object(&self, old: Option<&Value>, new: &Value) -> Told {
        let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
        let mut body = review(new["kind"].as_str().unwrap(), operation, new);
        if new["kind"] != "Secret" {
            body["request"]["kind"]["group"] = "apps".into();
        }
        body["request"]["oldObject"] = json!(old);
        let mut told = self.told("/mutate", body.clone()).await;
        let validated = self.told("/validate", body).await;
        told.rules.extend(validated.rules);
        told.allowed &= validated.allowed;
        told
    }

    async fn told(&self, path: &str, body: Value) -> Told {
        let router = router(self.live.clone(), &Metrics::new());
        let path = format!("{path}?timeout=30s");
        let answer = post(router, &path, body.to_string().into()).await;
        let rules = answer["auditAnnotations"]["rules"].as_str();
        let rules = rules.unwrap_or_default().split(',').map(str::to_owned);
        Told {
            allowed: answer["allowed"] == true,
            rules: rules.filter(|it| compared(it)).collect(),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Told {
    allowed: bool,
    rules: BTreeSet<String>,
}

fn compared(rule: &str) -> bool {
    SHARED.contains(&rule) || rule == CREATED
}

fn as_stored(mut object: Value) -> Value {
    object["metadata"]["namespace"] = "prod".into();
    let plain = object.as_object_mut().unwrap().remove("stringData");
    for (key, value) in plain.iter().filter_map(Value::as_object).flatten() {
        object["data"][key] = STANDARD.encode(value.as_str().unwrap()).into();
    }
    object
}

fn manifest(objects: &[Value]) -> String {
    let documents = objects.iter().map(|object| format!("---\n{object}\n"));
    documents.collect()
}

/// The claims of a StatefulSet's pods as its controller makes them, and their volumes.
fn claims(set: &Value) -> Vec<Value> {
    let templates = set["spec"]["volumeClaimTemplates"].as_array();
    let templates = templates.into_iter().flatten();
    let pods = 0..set["spec"]["replicas"].as_u64().unwrap_or(1);
    let mut made = Vec::new();
    for (template, pod) in templates.flat_map(|it| pods.clone().map(move |pod| (it, pod))) {
        let text = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
        let name = format!("{}-{}-{pod}", text(template), text(set));
        let mut labels = json!({});
        for more in [
            &template["metadata"]["labels"],
            &set["spec"]["selector"]["matchLabels"],
        ] {
            let labels = labels.as_object_mut().unwrap();
            labels.extend(more.as_object().cloned().unwrap_or_default());
        }
        let volume = format!("pv-{name}");
        made.push(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "prod", "uid": name, "labels": labels},
            "spec": {"volumeName": volume}, "status": {"phase": "Bound"}}));
        let claimed = json!({"namespace": "prod", "name": name, "uid": name});
        made.push(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume},
            "spec": {"claimRef": claimed, "persistentVolumeReclaimPolicy": "Delete"}, "status": {"phase": "Bound"}}));
    }
    made
}

#[test]
fn no_rule_of_both_gates_is_left_out() {
    let both = RULES
        .iter()
        .filter(|rule| rule.object.is_some() && !rule.release.is_empty());
    let both: BTreeSet<_> = both.map(|rule| rule.id.name()).collect();
    assert_eq!(both, SHARED.into_iter().chain(OF_MORE).collect());
}

#[tokio::test]
async fn an_edit_is_told_of_by_the_same_rules_at_both_gates() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for release in RELEASES {
        let running = Running::of(&corpus, release);
        let unchanged = running.of_record(&running.objects).await;
        assert_eq!(unchanged.rules, BTreeSet::new(), "{release}");
        let editable = running.editable();
        let mut edits = 0;
        while edits < EDITS {
            let made = (any::<Index>(), edit()).new_tree(&mut runner).unwrap();
            let (at, edit) = made.current();
            let at = *at.get(&editable);
            let mut planned = running.objects.clone();
            edit.apply(&mut planned[at]);
            let (old, new) = (&running.objects[at], planned[at].clone());
            if *old == new {
                continue;
            }
            edits += 1;
            let of_record = running.of_record(&planned).await;
            let of_object = running.of_object(Some(old), &new).await;
            let what = format!(
                "{release}: {edit:?} of {} {}",
                new["kind"], new["metadata"]["name"]
            );
            assert_eq!(of_record.rules, of_object.rules, "{what}");
            if of_record.rules.is_empty() {
                assert!(of_object.allowed, "{what}");
            }
            seen.extend(of_record.rules);
        }
    }
    assert_eq!(
        seen.iter().collect::<Vec<_>>(),
        SHARED.iter().collect::<Vec<_>>()
    );
}

/// A StatefulSet under another name mounts the same claims if its template has another name, too.
#[tokio::test]
async fn a_new_statefulset_is_told_of_by_the_same_rule_at_both_gates() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let running = Running::of(&corpus, "8.2.34-defaults");
    let is_elasticsearch = |it: &Value| {
        it["kind"] == "StatefulSet" && it["metadata"]["name"] == "elasticsearch-master"
    };
    let at = running.objects.iter().position(is_elasticsearch).unwrap();
    for (name, template, orphans) in [
        ("camunda-elasticsearch-master", "data", true),
        ("elasticsearch", "elasticsearch-master", true),
        ("master-elasticsearch-master", "elasticsearch", false),
    ] {
        let mut planned = running.objects.clone();
        planned[at]["metadata"]["name"] = name.into();
        planned[at]["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] = template.into();
        let of_record = running.of_record(&planned).await;
        let of_object = running.of_object(None, &planned[at]).await;
        let expected = orphans.then(|| CREATED.to_owned());
        assert_eq!(of_record.rules, expected.into_iter().collect(), "{name}");
        assert_eq!(of_object.rules, of_record.rules, "{name}");
        assert_eq!(of_object.allowed, !orphans, "{name}");
    }
}

/// Only the record of what runs tells whether an older PostgreSQL is a way back or another fault.
#[tokio::test]
async fn an_older_postgresql_is_the_record_s_alone() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let running = Running::of(&corpus, "8.2.34-defaults");
    let is_database =
        |it: &Value| it["kind"] == "StatefulSet" && it["metadata"]["name"] == "camunda-postgresql";
    let at = running.objects.iter().position(is_database).unwrap();
    let mut planned = running.objects.clone();
    Edit::Image("9.9.9").apply(&mut planned[at]);
    let of_record = running.of_record(&planned).await;
    assert_eq!(
        of_record.rules,
        BTreeSet::from(["postgresql-major-upgrade".to_owned()])
    );
    let of_object = running
        .of_object(Some(&running.objects[at]), &planned[at])
        .await;
    assert_eq!(of_object.rules, BTreeSet::new());
}
