//! What somebody has just written counts at once, also through another API server than the one that the guard reads from.

use futures::future::join_all;
use harness::{Cluster, Fault, Helm, SecondApiServer, record};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Secret};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams, PostParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    charts::own,
    facts_faults::start,
    load::client_of,
    release::{Release, assert_silent},
    stage::guarded,
};

/// How often each change is made, and taken back.
const TIMES: usize = 500;

/// Volumes, or releases, that are changed at the same time.
const VOLUMES: usize = 10;
const RELEASES: usize = 4;

const REBIND_TO: &str = "camunda-upgrade-guard/rebind-to";
const ALLOW_ORPHAN: &str = "camunda-upgrade-guard/allow-orphan";
const SET: &str = "camunda-elasticsearch-master";
const LEFT: &str = "data-camunda-elasticsearch-master-2";

/// The clients of two API servers over one etcd; the guard reads from the first one.
struct Servers {
    runtime: Runtime,
    clients: [Client; 2],
    _second: SecondApiServer,
}

impl Servers {
    fn of(cluster: &Cluster) -> Self {
        let second = cluster.second_api_server().unwrap();
        let runtime = Runtime::new().unwrap();
        let clients = [cluster.kubeconfig(), second.kubeconfig()]
            .map(|kubeconfig| runtime.block_on(client_of(kubeconfig)));
        Self {
            runtime,
            clients,
            _second: second,
        }
    }
}

/// The one client to change something, and the other one to ask the guard at once.
fn by_turns(clients: &[Client; 2], turn: usize) -> (Client, Client) {
    let at = turn % 2;
    (clients[at].clone(), clients[1 - at].clone())
}

fn dry_run() -> PostParams {
    PostParams {
        dry_run: true,
        ..PostParams::default()
    }
}

fn typed<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

async fn patch<T>(api: &Api<T>, name: &str, patch: Value)
where
    T: Resource + Clone + std::fmt::Debug + DeserializeOwned,
{
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
    api.patch(name, &parameters, &patch).await.unwrap();
}

fn claim(name: &str, component: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": {
            "app.kubernetes.io/name": "camunda-platform",
            "app.kubernetes.io/instance": "camunda",
            "app.kubernetes.io/part-of": "camunda-platform",
            "app.kubernetes.io/component": component,
        }},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    })
}

/// The volume of a claim is handed over to another claim, which is created at once; then it is given back.
#[test]
fn a_claim_gets_the_volume_that_was_just_handed_over_and_no_other() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = cluster.namespace("just-written").unwrap();
    // Elasticsearch's claims are looked for in another way.
    let component = |number: usize| ["zeebe-broker", "elasticsearch"][number % 2];
    for number in 0..VOLUMES {
        let old = claim(&format!("data-old-{number}"), component(number));
        let arguments = ["apply", "-n", &*namespace, "-f", "-"];
        let made = cluster.admin().run_with_input(arguments, &old.to_string());
        made.ok().unwrap();
    }
    let servers = Servers::of(cluster);
    let writers = (0..VOLUMES).map(|number| {
        let name = format!("data-old-{number}");
        let volume = cluster.wait_bound(&namespace, &name).unwrap();
        let new = typed(claim(&format!("data-new-{number}"), component(number)));
        hand_over(&servers.clients, &namespace, volume, name, new)
    });
    servers.runtime.block_on(join_all(writers));
}

async fn hand_over(
    clients: &[Client; 2],
    namespace: &str,
    volume: String,
    old: String,
    new: PersistentVolumeClaim,
) {
    let name = new.metadata.name.clone().unwrap();
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(clients[0].clone(), namespace);
    let uid = claims.get(&old).await.unwrap().metadata.uid;
    for turn in 0..TIMES / VOLUMES {
        let (first, second) = by_turns(clients, turn);
        let volumes: Api<PersistentVolume> = Api::all(first);
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(second, namespace);
        let given = async || {
            let created = claims.create(&dry_run(), &new).await.unwrap();
            created.spec.unwrap().volume_name
        };
        let target = format!("{namespace}/{name}");
        patch(
            &volumes,
            &volume,
            json!({"metadata": {"annotations": {REBIND_TO: target}}}),
        )
        .await;
        assert_eq!(given().await.as_ref(), Some(&volume), "turn {turn}");
        patch(
            &volumes,
            &volume,
            json!({"spec": {"claimRef": {"name": old, "uid": uid}}}),
        )
        .await;
        assert_eq!(given().await, None, "turn {turn}");
    }
}

/// A release with three nodes of Elasticsearch, and the record that takes one away.
///
/// The namespace's name has to be put in the place of `NAMESPACE`.
fn reduced(cluster: &Cluster) -> [String; 3] {
    let release = Release::new(cluster, "camunda");
    let chart = own("camunda-12");
    release.install(Helm::V3, &chart, &[]).ok().unwrap();
    let mut running = cluster
        .release_record(&release.namespace, "camunda", 1)
        .unwrap();
    let manifest = running["manifest"].as_str().unwrap();
    let is_set =
        |it: &&str| it.contains("kind: StatefulSet") && it.contains(&format!("name: {SET}\n"));
    let set = manifest.split("\n---").find(is_set).unwrap();
    let set = set.replace(&*release.namespace, "NAMESPACE");
    assert_eq!(set.matches("replicas: 3\n").count(), 1, "{set}");
    running["namespace"] = "NAMESPACE".into();
    running["manifest"] = format!("---{set}\n").into();
    let mut planned = running.clone();
    planned["version"] = 2.into();
    planned["manifest"] = format!("---{}\n", set.replace("replicas: 3\n", "replicas: 2\n")).into();
    planned["config"] = json!({"elasticsearch": {"master": {"replicaCount": 2}}});
    [running.to_string(), planned.to_string(), set]
}

/// A claim is given up, and the record that leaves it behind is written at once; then it is wanted again.
#[test]
fn a_record_is_judged_by_what_a_claim_was_just_annotated_with() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let texts = reduced(cluster);
    let servers = Servers::of(cluster);
    let writers = (0..RELEASES).map(|_| {
        let namespace = cluster.namespace("just-written").unwrap();
        let [running, planned, set] = texts.clone().map(|it| it.replace("NAMESPACE", &namespace));
        // Without its account the controller makes neither pods nor claims.
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": SET, "namespace": &*namespace}});
        cluster.apply(&account).unwrap();
        cluster.apply(&set).unwrap();
        let secret = |release: &str, status: &str| {
            let release = serde_json::from_str(release).unwrap();
            record::secret(&release, status).unwrap()
        };
        let running = secret(&running, "deployed").to_string();
        let kubectl = cluster.admin();
        let created = kubectl.run_with_input(["create", "-f", "-"], &running);
        created.ok().unwrap();
        cluster.wait_bound(&namespace, LEFT).unwrap();
        let planned = typed(secret(&planned, "pending-upgrade"));
        leave_behind(&servers.clients, namespace.to_string(), planned)
    });
    let writers: Vec<_> = writers.collect();
    servers.runtime.block_on(join_all(writers));
}

async fn leave_behind(clients: &[Client; 2], namespace: String, planned: Secret) {
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(clients[0].clone(), &namespace);
    let uid = claims.get(LEFT).await.unwrap().metadata.uid;
    for turn in 0..TIMES / RELEASES {
        let (first, second) = by_turns(clients, turn);
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(first, &namespace);
        let secrets: Api<Secret> = Api::namespaced(second, &namespace);
        let annotate = |value: Value| {
            let annotations = json!({"metadata": {"annotations": {ALLOW_ORPHAN: value}}});
            patch(&claims, LEFT, annotations)
        };
        annotate(json!(uid)).await;
        let created = secrets.create(&dry_run(), &planned).await;
        created.unwrap_or_else(|error| panic!("turn {turn}: {error}"));
        annotate(Value::Null).await;
        let error = secrets.create(&dry_run(), &planned).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("[elasticsearch-nodes-reduced]"),
            "turn {turn}: {text}"
        );
    }
}

/// The API server's cache shows no claims yet: those that the manifests mount are read all the same, and before
/// something is refused the others are looked for.
#[test]
fn what_the_cache_does_not_show_is_not_missed() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let (server, _guard, _) = start(&cluster);
    let (camunda, chart) = (Release::new(&cluster, "camunda"), own("camunda-12"));
    camunda.install(Helm::V3, &chart, &[]).ok().unwrap();
    camunda.bind_all();
    server.set(&[("/persistentvolumeclaims", Fault::Stale)]);
    let good = camunda.upgrade(Helm::V3, &chart, &["--set=zeebe.podAnnotations.a=b"]);
    assert_silent(&good.ok().unwrap());
    let refused = || {
        server.take_requests();
        let fewer = ["--set", "elasticsearch.master.replicaCount=2"];
        let denial = camunda.refused_by_guard(Helm::V4, &chart, &fewer);
        denial.assert_rules(&["elasticsearch-nodes-reduced"]);
        let requests = server.take_requests();
        let count = |end: &str| requests.iter().filter(|it| it.ends_with(end)).count();
        (count("/persistentvolumeclaims"), count("/camunda-zeebe"))
    };
    assert_eq!(refused(), (2, 1), "listed once more, and nothing is new");
    // Bound, so that nothing changes between one look and the next.
    let bound = |claim| {
        cluster.claim(&camunda.namespace, claim, None).unwrap();
        cluster.wait_bound(&camunda.namespace, claim).unwrap();
    };
    bound("nobodys");
    assert_eq!(refused(), (2, 1), "another's claim is of no concern");
    bound("data-camunda-zeebe-9");
    assert_eq!(refused(), (3, 2), "judged once more, with that claim");
}
