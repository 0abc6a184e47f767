//! What the guard costs others while it is there, and what goes on without it.

use std::collections::BTreeMap;

use camunda_upgrade_guard::webhooks::ENFORCE;
use harness::{Cluster, Guard, GuardOptions, Helm, wait_until};

use crate::{
    charts::{ANEW, REUSE, own},
    release::{Release, assert_silent},
    stage::{BINARY, guarded},
};

/// Endpoint, kind and name, and how often the guard was asked about them.
type Calls = BTreeMap<(String, String, String), usize>;

/// The calls about objects of a release's namespace and the volumes of its claims, since the start.
fn calls(guard: &Guard, release: &Release) -> Calls {
    let volumes = release.volumes();
    let mut calls = Calls::new();
    for line in guard.log().lines() {
        let field = |name: &str| {
            let (_, rest) = line.split_once(&format!(" {name}="))?;
            rest.split(['"', ' ']).find(|word| !word.is_empty())
        };
        let (Some(endpoint), Some(kind), Some(name)) =
            (field("endpoint"), field("kind"), field("name"))
        else {
            continue;
        };
        if field("namespace") == Some(&release.namespace) || volumes.contains(name) {
            let key = (endpoint.to_owned(), kind.to_owned(), name.to_owned());
            *calls.entry(key).or_default() += 1;
        }
    }
    calls
}

/// The calls since `before`, of which none is about the same object at the same endpoint as another.
#[track_caller]
fn once_each(guard: &Guard, release: &Release, before: &Calls) -> Vec<String> {
    release.bind_all();
    let mut asked = Vec::new();
    for ((endpoint, kind, name), count) in calls(guard, release) {
        let key = (endpoint, kind, name);
        let count = count - before.get(&key).copied().unwrap_or_default();
        assert!(count < 2, "{key:?}: {count} calls");
        if count == 1 {
            asked.push(format!("{} {} {}", key.0, key.1, key.2));
        }
    }
    asked
}

#[test]
fn another_chart_costs_a_call_for_each_of_its_records() {
    let Some((cluster, guard)) = guarded() else {
        return;
    };
    for helm in Helm::BOTH {
        let (release, chart) = (Release::new(cluster, "shop"), own("unrelated"));
        assert_silent(&release.install(helm, &chart, &[]).ok().unwrap());
        let args = ["--set=image=nginx:1.30,cache.image=redis:9"];
        assert_silent(&release.upgrade(helm, &chart, &args).ok().unwrap());
        assert_eq!(
            once_each(guard, &release, &Calls::new()),
            [
                "Validate Secret sh.helm.release.v1.shop.v1",
                "Validate Secret sh.helm.release.v1.shop.v2",
            ]
        );
    }
}

/// Its objects look like those of the database that Camunda brings along.
#[test]
fn a_foreign_postgresql_costs_a_call_an_object_and_passes() {
    let Some((cluster, guard)) = guarded() else {
        return;
    };
    for helm in Helm::BOTH {
        let (release, chart) = (Release::new(cluster, "data"), own("foreign-postgresql"));
        assert_silent(&release.install(helm, &chart, &[ANEW]).ok().unwrap());
        let installed = once_each(guard, &release, &Calls::new());
        assert_eq!(installed.len(), 5, "{installed:?}");
        let before = (calls(guard, &release), release.secrets());
        let args = [ANEW, "--set=image.tag=18.1.0"];
        assert_silent(&release.upgrade(helm, &chart, &args).ok().unwrap());
        assert_eq!(
            once_each(guard, &release, &before.0),
            [
                "Mutate StatefulSet data-postgresql",
                "Validate Secret data-postgresql",
                "Validate Secret sh.helm.release.v1.data.v2",
            ]
        );
        assert_ne!(release.secrets(), before.1);
    }
}

#[test]
fn camunda_costs_a_call_an_object_and_endpoint() {
    let Some((cluster, guard)) = guarded() else {
        return;
    };
    for helm in Helm::BOTH {
        let (release, chart) = (Release::new(cluster, "camunda"), own("camunda-12"));
        assert_silent(&release.install(helm, &chart, &[]).ok().unwrap());
        once_each(guard, &release, &Calls::new());
        let before = calls(guard, &release);
        let args = ["--set=zeebe.podAnnotations.a=b"];
        assert_silent(&release.upgrade(helm, &chart, &args).ok().unwrap());
        assert_eq!(
            once_each(guard, &release, &before),
            [
                "Mutate StatefulSet camunda-zeebe",
                "Validate Secret sh.helm.release.v1.camunda.v2",
            ]
        );
    }
}

#[test]
fn without_the_guard_only_guarded_writes_in_enforced_namespaces_wait() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let mut guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let namespace = cluster.namespace_with_labels("enforced", &[(ENFORCE, "true")]);
    let enforced = Release::in_namespace(&cluster, namespace.unwrap(), "camunda");
    let observed = Release::new(&cluster, "camunda");
    for release in [&enforced, &observed] {
        let installed = release.install(Helm::V3, &own("camunda-12"), &[]);
        assert_silent(&installed.ok().unwrap());
        release.bind_all();
    }
    let shop = Release::new(&cluster, "shop");
    let installed = shop.install(Helm::V4, &own("unrelated"), &[]);
    assert_silent(&installed.ok().unwrap());

    guard.kill();
    guarded_writes_wait(&enforced);
    other_writes_go_on(&enforced);
    for helm in Helm::BOTH {
        observed
            .upgrade(helm, &own("camunda-12"), &[REUSE])
            .ok()
            .unwrap();
        shop.upgrade(helm, &own("unrelated"), &[]).ok().unwrap();
        let release = Release::new(&cluster, "shop");
        release.install(helm, &own("unrelated"), &[]).ok().unwrap();
        release.bind_all();
    }
    let system = cluster.helm(Helm::V3);
    system
        .install("tools", &own("unrelated"), "kube-system", &[])
        .ok()
        .unwrap();
    let namespace = &*enforced.namespace;
    let delete = ["delete", "namespace", namespace, "--timeout=60s"];
    cluster.kubectl(delete).ok().unwrap();

    guard.start_again().unwrap();
    let denial = observed.refused(Helm::V4, &own("camunda-12"), &[ANEW]);
    denial.assert_rules(&["identity-secret-regenerated"]);
}

fn guarded_writes_wait(release: &Release) {
    let before = (release.revisions(), release.versions());
    for helm in Helm::BOTH {
        let stopped = release.upgrade(helm, &own("camunda-12"), &[REUSE]);
        let stopped = stopped.refused().unwrap();
        assert!(
            stopped.text().contains("camunda-upgrade-guard"),
            "{}",
            stopped.report()
        );
    }
    let image = [
        "set",
        "image",
        "statefulset/camunda-zeebe",
        "*=camunda/zeebe:8.7.38",
    ];
    let stopped = kubectl(release, &image).refused().unwrap();
    assert!(
        stopped.text().contains("camunda-upgrade-guard"),
        "{}",
        stopped.report()
    );
    assert_eq!((release.revisions(), release.versions()), before);
}

/// In the enforced namespace itself.
fn other_writes_go_on(release: &Release) {
    for args in [
        &["run", "task", "--image=busybox"][..],
        &["create", "configmap", "settings", "--from-literal=a=b"],
        &[
            "create",
            "secret",
            "generic",
            "token",
            "--from-literal=token=a",
        ],
        &[
            "patch",
            "secret",
            "token",
            "-p",
            r#"{"stringData":{"token":"b"}}"#,
        ],
        &[
            "create",
            "secret",
            "generic",
            "pass",
            "--from-literal=password=a",
        ],
        &["delete", "secret", "pass"],
        &["create", "deployment", "web", "--image=nginx"],
        &["scale", "deployment", "web", "--replicas=3"],
        &["set", "image", "deployment/web", "nginx=nginx:1.30"],
        &["create", "job", "once", "--image=busybox"],
        &["annotate", "statefulset", "camunda-zeebe", "note=kept"],
        &["annotate", "pvc", "--all", "note=kept"],
    ] {
        kubectl(release, args).ok().unwrap();
    }
    release
        .cluster
        .claim(&release.namespace, "scratch", None)
        .unwrap();
    release.bound("scratch");
    // The controllers go on with Camunda's own pods.
    let pod = || {
        let pod = release.get("pod", "camunda-zeebe-0");
        pod.map(|pod| pod["metadata"]["uid"].clone())
    };
    let old = pod();
    kubectl(release, &["delete", "pod", "camunda-zeebe-0"])
        .ok()
        .unwrap();
    wait_until("another pod", std::time::Duration::from_secs(60), || {
        Ok(pod().filter(|new| Some(new) != old.as_ref()))
    })
    .unwrap();
}

fn kubectl(release: &Release, args: &[&str]) -> harness::Output {
    let namespace = ["--namespace", &*release.namespace];
    release.cluster.kubectl(namespace.iter().chain(args))
}
