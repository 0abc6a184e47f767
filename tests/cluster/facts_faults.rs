//! The API server slow, refusing or gone, as the guard sees it: an answer in time that says what could not be checked.

use std::{fs, path::PathBuf, time::Duration};

use camunda_upgrade_guard::webhooks::ENFORCE;
use harness::{Cluster, Denial, Fault, FaultyServer, Guard, Helm, binaries::workspace, wait_until};

use crate::{
    charts::{ANEW, own},
    command::words,
    release::{Release, assert_silent},
    stage::configured,
};

const NAME: &str = "camunda-upgrade-guard";
const NOT_CHECKED: &str = "not-checked";
const REMOVED: &str = "--set=identityKeycloak.enabled=false";
const FOREVER: Fault = Fault::Hang(Duration::from_secs(30));

/// Everything fails: the fault, and how the guard tells of it.
const ALL: [(Fault, &str); 7] = [
    (FOREVER, "the API server did not answer in time"),
    (Fault::Trickle, "the API server did not answer in time"),
    (
        Fault::Status(500, None),
        "the API server answered 500 Internal Server Error",
    ),
    (
        Fault::Status(503, Some(60)),
        "the API server answered 503 Service Unavailable",
    ),
    (
        Fault::Status(429, Some(1)),
        "the API server answered 429 Too Many Requests",
    ),
    (Fault::Cut, "the API server can't be reached"),
    (Fault::Gone, "the API server can't be reached"),
];

/// Some of it may not be read: paths with this word, and what is named.
const SOME: [(&str, &str); 5] = [
    ("/secrets/sh.helm.release", "the records of release camunda"),
    ("/secrets/camunda-", "camunda-postgresql"),
    (
        "/persistentvolumeclaims",
        "persistentvolumeclaims in namespace",
    ),
    ("/persistentvolumes/", "PersistentVolume pvc-"),
    ("/statefulsets/", "camunda-zeebe"),
];

/// A guard with the rights of its role, which reaches the API server through one that has faults.
pub fn start(cluster: &Cluster) -> (FaultyServer, Guard<'_>, PathBuf) {
    for file in ["namespace", "serviceaccount", "rbac"] {
        let file = workspace().join(format!("deploy/base/{file}.yaml"));
        cluster.apply(&fs::read_to_string(file).unwrap()).unwrap();
    }
    let server = cluster.faulty_server().unwrap();
    let (mut options, config) = configured(cluster, "{}\n");
    options.kubeconfig = Some(cluster.kubeconfig_through(&server, NAME, NAME).unwrap());
    let guard = cluster.guard(options).unwrap();
    (server, guard, config)
}

/// Where nobody answers for the guard: the API server itself would refuse there.
fn enforced<'c>(cluster: &'c Cluster, name: &'static str) -> Release<'c> {
    let namespace = cluster.namespace_with_labels(name, &[(ENFORCE, "true")]);
    Release::in_namespace(cluster, namespace.unwrap(), name)
}

#[track_caller]
fn from_the_guard(text: &str) {
    for others in ["failed calling webhook", "deadline exceeded", "timed out"] {
        assert!(!text.contains(others), "{text}");
    }
}

#[test]
fn an_api_server_with_faults_is_told_in_time_and_nothing_else_stops() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let (server, guard, config) = start(&cluster);
    let (camunda, chart) = (enforced(&cluster, "camunda"), own("camunda-12"));
    camunda.install(Helm::V3, &chart, &[]).ok().unwrap();
    camunda.bind_all();
    let shop = enforced(&cluster, "shop");
    let foreign = own("unrelated");
    shop.install(Helm::V3, &foreign, &[]).ok().unwrap();
    for ((fault, reason), helm) in ALL.into_iter().zip(Helm::BOTH.into_iter().cycle()) {
        server.set(&[("", fault)]);
        let denial = camunda.refused_by_guard(helm, &chart, &["--set=zeebe.podAnnotations.a=b"]);
        denial.assert_rules(&[NOT_CHECKED]);
        from_the_guard(&denial.text);
        let of = "the records of release camunda";
        for told in [reason, of] {
            let text = words(&denial.text);
            assert!(text.contains(told), "{fault:?}: {text}");
        }
        // Its record says all that has to be known of it.
        assert_silent(&shop.upgrade(helm, &foreign, &[]).ok().unwrap());
        server.set(&[]);
        judges(&camunda);
    }
    for (path, what) in SOME {
        server.set(&[(path, Fault::Forbidden)]);
        let denial = camunda.refused_by_guard(Helm::V3, &chart, &[REMOVED]);
        from_the_guard(&denial.text);
        let text = words(&denial.text);
        let (_, checked) = text.split_once("[not-checked]").unwrap();
        let reason = "is forbidden: User \"guard\" cannot get things";
        assert!(
            checked.contains(what) && checked.contains(reason),
            "{path}: {}",
            denial.text
        );
        server.set(&[]);
        works(&camunda);
    }
    objects(&camunda, &server);
    as_configured(&camunda, &server, &guard, &config);
    seen_from_outside(&guard, &server);
    works(&camunda);
}

/// Without a restart, and without a doubt left over.
#[track_caller]
fn works(camunda: &Release) {
    let (helm, chart) = (Helm::V4, own("camunda-12"));
    let good = camunda.upgrade(helm, &chart, &["--set=zeebe.podAnnotations.c=d"]);
    assert_silent(&good.ok().unwrap());
    judges(camunda);
}

#[track_caller]
fn judges(camunda: &Release) {
    let bad = camunda.refused_by_guard(Helm::V4, &own("camunda-12"), &[ANEW]);
    bad.assert_rules(&["identity-secret-regenerated"]);
}

/// A refusal could stop an upgrade half-way, so they pass with a word.
fn objects(camunda: &Release, server: &FaultyServer) {
    let namespace = &*camunda.namespace;
    let kubectl = |args: &[&str]| {
        let all = [&["--namespace", namespace], args].concat();
        camunda.cluster.kubectl(all)
    };
    for fault in [FOREVER, Fault::Status(500, None)] {
        server.set(&[("", fault)]);
        let literal = "--from-literal=tasklist-secret=a";
        for args in [
            &["scale", "statefulset", "camunda-zeebe", "--replicas=2"][..],
            &["create", "secret", "generic", "mine", literal],
            &["delete", "secret", "mine"],
            &[
                "delete",
                "pvc",
                "data-camunda-elasticsearch-master-1",
                "--wait=false",
                "--dry-run=server",
            ],
        ] {
            let text = kubectl(args).ok().unwrap().text();
            assert!(text.contains("Warning: not-checked"), "{args:?}: {text}");
        }
        server.set(&[]);
        let restored = kubectl(&["scale", "statefulset", "camunda-zeebe", "--replicas=3"]);
        assert!(!restored.ok().unwrap().text().contains(NOT_CHECKED));
    }
    let reduced = kubectl(&["scale", "statefulset", "camunda-zeebe", "--replicas=2"]);
    let text = reduced.refused().unwrap().text();
    assert!(text.contains("zeebe-brokers-reduced"), "{text}");
}

/// Deny or warn, at both gates.
fn as_configured(camunda: &Release, server: &FaultyServer, guard: &Guard, config: &PathBuf) {
    let load = |text: &str| {
        let loads = || {
            guard.metric(
                "camunda_upgrade_guard_config_loads_total",
                &[("outcome", "ok")],
            )
        };
        let before = loads().unwrap();
        fs::write(config, text).unwrap();
        let read = || Ok((loads()? > before).then_some(()));
        wait_until("the configuration", Duration::from_secs(60), read).unwrap();
    };
    let namespace = &*camunda.namespace;
    let scale = |replicas: &str| {
        let args = ["-n", namespace, "scale", "statefulset", "camunda-zeebe"];
        let replicas = format!("--replicas={replicas}");
        camunda
            .cluster
            .kubectl(args.iter().copied().chain([&*replicas]))
    };
    let upgrade = |value: &str| {
        let args = [&*format!("--set=zeebe.podAnnotations.c={value}")];
        camunda.upgrade(Helm::V3, &own("camunda-12"), &args)
    };

    load(&format!(
        "scopes: [{{namespaces: [{namespace}], rules: {{not-checked: warn}}}}]\n"
    ));
    server.set(&[("", FOREVER)]);
    let warned = upgrade("warned").ok().unwrap().text();
    assert!(warned.contains("Warning: not-checked"), "{warned}");
    server.set(&[]);

    load("rules: {not-checked: deny}\n");
    server.set(&[("", Fault::Gone)]);
    let text = scale("2").refused().unwrap().text();
    assert!(text.contains("[not-checked]"), "{text}");
    Denial::of(&upgrade("refused")).assert_rules(&[NOT_CHECKED]);
    server.set(&[]);

    load("rules: {not-checked: off}\n");
    server.set(&[("", Fault::Gone)]);
    assert_silent(&upgrade("silent").ok().unwrap());
    server.set(&[]);
    load("{}\n");
}

/// Ready all the while: who is not ready is not asked, and the user would read only that a webhook failed.
fn seen_from_outside(guard: &Guard, server: &FaultyServer) {
    let minute = Duration::from_secs(60);
    let said = |text: &str| guard.log().matches(text).count();
    for fault in [FOREVER, Fault::Gone] {
        for (faults, says) in [
            (&[("", fault)][..], "the API server can't be asked"),
            (&[], "the API server can be asked again"),
        ] {
            let before = said(says);
            server.set(faults);
            wait_until(says, minute, || Ok((said(says) > before).then_some(()))).unwrap();
            assert!(guard.ready());
        }
    }
}

/// Only what the rules of this change need is read.
#[test]
fn a_review_reads_what_its_rules_need() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let (server, _guard, _) = start(&cluster);
    let (camunda, chart) = (Release::new(&cluster, "camunda"), own("camunda-12"));
    camunda.install(Helm::V3, &chart, &[]).ok().unwrap();
    camunda.bind_all();
    let reads = || {
        let requests = server.take_requests();
        // Events of the installation are written when there is time.
        let reads = requests
            .into_iter()
            .filter(|it| !it.ends_with("/version") && !it.ends_with("/events"));
        reads.collect::<Vec<_>>()
    };
    reads();
    let args = ["--set=zeebe.podAnnotations.a=b"];
    assert_silent(&camunda.upgrade(Helm::V3, &chart, &args).ok().unwrap());
    let read = reads();
    let namespace = format!("/namespaces/{}/", &*camunda.namespace);
    let mut once: Vec<_> = read.iter().collect();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), read.len(), "{read:#?}");
    let (others, inside): (Vec<_>, Vec<_>) = read.iter().partition(|it| !it.contains(&namespace));
    assert_eq!(
        others,
        ["GET /apis/storage.k8s.io/v1/storageclasses/standard"]
    );
    // The record that runs, the claims, first listed and then one by one, and what the manifest names: nothing is
    // looked for elsewhere.
    let manifest = cluster
        .release_record(&camunda.namespace, "camunda", 1)
        .unwrap();
    let manifest = manifest["manifest"].as_str().unwrap();
    for path in inside {
        let name = path.rsplit('/').next().unwrap();
        let known =
            name.starts_with("sh.helm.release.v1.") || path.contains("/persistentvolumeclaims");
        assert!(known || manifest.contains(name), "{path}");
    }
    assert_eq!(read.len(), 28, "docs/performance.md tells of it: {read:#?}");
    let shop = Release::new(&cluster, "shop");
    shop.install(Helm::V3, &own("unrelated"), &[]).ok().unwrap();
    assert_eq!(reads(), [""; 0]);
    shop.upgrade(Helm::V3, &own("unrelated"), &[]).ok().unwrap();
    let record = format!(
        "GET /api/v1/namespaces/{}/secrets/sh.helm.release.v1.shop.v1",
        &*shop.namespace
    );
    assert_eq!(reads(), [record]);
}
