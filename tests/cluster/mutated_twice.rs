//! Made-up objects that the guard mutates: the API server accepts what comes out, and nothing of it is changed again.

use std::fmt::Debug;

use harness::{Cluster, Helm};
use proptest::{
    option,
    prelude::any,
    sample::{select, subsequence},
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Deserializer, Value, json};

use crate::{charts::own, release::Release, stage::guarded};

/// Objects of each kind.
const OBJECTS: usize = 60;

/// What a mutation says of itself.
const NOTICES: [&str; 4] = [
    "was set so that it can write its volumes",
    "reclaim policy Retain was set in place of",
    "is handed over",
    "takes over volume",
];

/// What the API server sets in an object by itself, and what it accepts from nobody who creates one.
const OF_THE_SERVER: [&str; 5] = [
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
];

/// Values of a strategy, the same in each run.
fn made_up<T: Debug>(strategy: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    let mut value = || strategy.new_tree(&mut runner).unwrap().current();
    (0..OBJECTS).map(|_| value()).collect()
}

/// What the API server would store of the objects that it accepts, and what is said of all.
fn dry_run(cluster: &Cluster, verb: &str, objects: &[Value]) -> (Vec<Value>, String) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let args = [verb, "--dry-run=server", "-o", "json", "-f", "-"];
    let output = cluster.admin().run_with_input(args, &list);
    let printed = Deserializer::from_str(&output.stdout).into_iter::<Value>();
    let printed =
        printed
            .map(Result::unwrap)
            .flat_map(|mut it| match it.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => items,
                _ => vec![it],
            });
    (printed.collect(), output.stderr)
}

fn without_what_the_server_sets(verb: &str, object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().unwrap();
    // An object that is replaced has to name its version.
    let is_set = |key: &str| verb == "create" || !["resourceVersion", "uid"].contains(&key);
    for key in OF_THE_SERVER.into_iter().filter(|key| is_set(key)) {
        metadata.remove(key);
    }
    object.as_object_mut().unwrap().remove("status");
    object
}

/// Sends objects, then what became of them. The first time a field of many is set, and of many it is left alone.
#[track_caller]
fn mutated_once(cluster: &Cluster, verb: &str, objects: &[Value], field: &str) {
    let (first, said) = dry_run(cluster, verb, objects);
    assert_eq!(first.len(), objects.len(), "{said}");
    let is_set = |(sent, stored): &(&Value, &Value)| {
        let given = sent
            .pointer(field)
            .filter(|value| !value.is_null() && **value != "");
        given != stored.pointer(field)
    };
    let mutated = objects.iter().zip(&first).filter(is_set).count();
    let enough = OBJECTS / 6..=OBJECTS - OBJECTS / 6;
    assert!(enough.contains(&mutated), "{mutated} of {OBJECTS}: {said}");
    let first: Vec<_> = first
        .iter()
        .map(|it| without_what_the_server_sets(verb, it))
        .collect();
    let (second, said) = dry_run(cluster, verb, &first);
    for notice in NOTICES {
        assert!(!said.contains(notice), "{said}");
    }
    assert_eq!(second.len(), first.len(), "{said}");
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(&without_what_the_server_sets(verb, second), first);
    }
}

/// A release on 8.2 whose Elasticsearch has stopped.
fn stopped(cluster: &'static Cluster) -> Release<'static> {
    let release = Release::new(cluster, "camunda");
    let installed = release.install(Helm::V3, &own("camunda-8.2"), &[]);
    installed.ok().unwrap();
    release.bind_all();
    let namespace = &*release.namespace;
    let stop = [
        "scale statefulset elasticsearch-master --replicas=0",
        "wait --for=delete pod elasticsearch-master-0 elasticsearch-master-1 --timeout=60s",
    ];
    for args in stop {
        let args = ["-n", namespace].into_iter().chain(args.split(' '));
        cluster.kubectl(args).ok().unwrap();
    }
    release
}

fn brokers(namespace: String) -> impl Strategy<Value = Value> {
    let user = || option::of(select(vec![0_u32, 1000, 1001, 5000]));
    let image = select(vec![
        "camunda/zeebe:8.2.32",
        "camunda/zeebe:8.3.1",
        "registry.example.com:5000/mirror/zeebe:8.7.2",
        "camunda/zeebe:8.6.0@sha256:1111111111111111111111111111111111111111111111111111111111111111",
        "camunda/zeebe:latest",
    ]);
    let group = option::weighted(0.3, select(vec![0_u32, 1000, 2000]));
    let policy = option::of(select(vec!["Always", "OnRootMismatch"]));
    let others = subsequence(
        vec!["runAsNonRoot", "runAsGroup", "supplementalGroups"],
        0..=3,
    );
    let shape = (
        0..4_u32,
        subsequence(vec!["data", "exports"], 0..=2),
        any::<bool>(),
    );
    let parts = (image, user(), user(), group, policy, others, shape);
    parts.prop_map(move |(image, pod_user, user, group, policy, others, shape)| {
        let (replicas, claims, has_context) = shape;
        let labels = json!({"app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/instance": "camunda",
            "app.kubernetes.io/component": "zeebe-broker", "app.kubernetes.io/name": "zeebe"});
        let claims = claims.into_iter().map(|name| json!({"metadata": {"name": name}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}));
        let mut context = json!({"runAsUser": pod_user, "fsGroup": group, "fsGroupChangePolicy": policy});
        for other in others {
            context[other] = match other {
                "runAsNonRoot" => json!(false),
                "runAsGroup" => json!(1000),
                _ => json!([3000, 4000]),
            };
        }
        let mut pod = json!({"containers": [{"name": "zeebe", "image": image, "securityContext": {"runAsUser": user}}]});
        if has_context {
            pod["securityContext"] = context;
        }
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "made-up", "namespace": namespace, "labels": labels},
            "spec": {"replicas": replicas, "serviceName": "zeebe", "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod}, "volumeClaimTemplates": claims.collect::<Vec<_>>()},
        })
    })
}

fn volumes(namespace: String) -> impl Strategy<Value = Value> {
    let claim = option::weighted(
        0.9,
        select(vec![
            "elasticsearch-master-elasticsearch-master-0",
            "elasticsearch-master-elasticsearch-master-1",
            "elasticsearch-master-elasticsearch-master-0",
            "data-camunda-zeebe-0",
            "no-such-claim",
        ]),
    );
    let uid = option::of(select(vec!["11111111-1111-1111-1111-111111111111"]));
    let policy = option::weighted(0.9, select(vec!["Delete", "Delete", "Retain"]));
    let allowed = option::weighted(0.2, select(vec!["Delete", "Retain", "none"]));
    let source = select(vec![
        json!({"csi": {"driver": "disk.example.com", "volumeHandle": "a"}}),
        json!({"hostPath": {"path": "/made-up", "type": "DirectoryOrCreate"}}),
        json!({"nfs": {"server": "nfs.example.com", "path": "/"}}),
    ]);
    let modes = subsequence(
        vec!["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany"],
        1..=3,
    );
    let parts = (claim, uid, policy, allowed, source, modes);
    parts.prop_map(move |(claim, uid, policy, allowed, source, modes)| {
        let mut spec = source;
        spec["capacity"] = json!({"storage": "64Gi"});
        spec["accessModes"] = json!(modes);
        spec["storageClassName"] = "standard".into();
        spec["persistentVolumeReclaimPolicy"] = json!(policy);
        if let Some(claim) = claim {
            spec["claimRef"] = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace,
                "name": claim, "uid": uid});
        }
        let allowed = allowed.map(|policy| json!({"camunda-upgrade-guard/allow-reclaim-policy": policy}));
        json!({"apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": "made-up", "annotations": allowed}, "spec": spec})
    })
}

/// A live volume of Elasticsearch's as somebody edits it.
fn edits(volumes: Vec<Value>, namespace: String) -> impl Strategy<Value = Value> {
    let target = option::weighted(
        0.7,
        select(vec!["data-camunda-elasticsearch-master-", "renamed-"]),
    );
    let policy = select(vec!["Delete", "Retain"]);
    let parts = (
        select(volumes),
        target,
        policy,
        any::<bool>(),
        any::<bool>(),
    );
    parts.prop_map(move |(mut volume, target, policy, labelled, annotated)| {
        let old = volume["spec"]["claimRef"]["name"].as_str().unwrap();
        let ordinal = old.rsplit('-').next().unwrap().to_owned();
        volume["spec"]["persistentVolumeReclaimPolicy"] = policy.into();
        if let Some(target) = target {
            let target = format!("{namespace}/{target}{ordinal}");
            volume["metadata"]["annotations"]["camunda-upgrade-guard/rebind-to"] = target.into();
        }
        if labelled {
            volume["metadata"]["labels"]["team"] = "a".into();
        }
        if annotated {
            volume["metadata"]["annotations"]["team"] = "~1/\"é".into();
        }
        volume
    })
}

/// Claims with the names to which volumes were handed over, and one with another name.
fn claims(namespace: String) -> impl Strategy<Value = Value> {
    let name = select(vec![
        "data-camunda-elasticsearch-master-0",
        "data-camunda-elasticsearch-master-1",
        "data-camunda-elasticsearch-master-2",
    ]);
    let class = option::of(select(vec!["standard", "another", ""]));
    let size = select(vec!["1Gi", "64Gi", "900Gi"]);
    let modes = subsequence(vec!["ReadWriteOnce", "ReadWriteMany"], 1..=2);
    let mode = option::of(select(vec!["Filesystem", "Block"]));
    let volume = option::weighted(0.2, select(vec!["", "chosen"]));
    let selects = any::<bool>();
    let parts = (name, class, size, modes, mode, volume, selects);
    parts.prop_map(move |(name, class, size, modes, mode, volume, selects)| {
        let selector = selects.then(|| json!({"matchLabels": {"team": "a"}}));
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": namespace, "labels": {
                "app.kubernetes.io/name": "elasticsearch", "app.kubernetes.io/instance": "camunda"}},
            "spec": {"accessModes": modes, "storageClassName": class, "volumeMode": mode, "volumeName": volume,
                "selector": selector, "resources": {"requests": {"storage": size}}},
        })
    })
}

#[test]
fn what_the_guard_sets_is_accepted_and_set_once() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = stopped(cluster);
    let namespace = release.namespace.to_string();
    let group = "/spec/template/spec/securityContext/fsGroup";
    let policy = "/spec/persistentVolumeReclaimPolicy";
    mutated_once(
        cluster,
        "create",
        &made_up(brokers(namespace.clone())),
        group,
    );
    mutated_once(
        cluster,
        "create",
        &made_up(volumes(namespace.clone())),
        policy,
    );

    let live = [0, 1].map(|ordinal| {
        let claim = format!("elasticsearch-master-elasticsearch-master-{ordinal}");
        let volume = cluster.get("pv", "", &release.bound(&claim)).unwrap();
        volume.unwrap()
    });
    let edited = made_up(edits(live.to_vec(), namespace.clone()));
    mutated_once(cluster, "replace", &edited, "/spec/claimRef/name");

    for (ordinal, volume) in live.iter().enumerate() {
        let name = volume["metadata"]["name"].as_str().unwrap();
        let target = format!("{namespace}/data-camunda-elasticsearch-master-{ordinal}");
        let annotation = format!("camunda-upgrade-guard/rebind-to={target}");
        let annotate = ["annotate", "pv", name, &annotation];
        cluster.kubectl(annotate).ok().unwrap();
    }
    mutated_once(
        cluster,
        "create",
        &made_up(claims(namespace)),
        "/spec/volumeName",
    );
}
