//! Upgrades at the same moment: of one release by two people, and of two releases in one namespace.

use std::thread;

use harness::{Helm, Output};

use crate::{
    charts::{ANEW, REUSE, own},
    release::Release,
    stage::guarded,
};

/// Two upgrades of which neither waits for the other.
fn at_once(first: impl FnOnce() -> Output + Send, second: impl FnOnce() -> Output) -> [Output; 2] {
    thread::scope(|scope| {
        let first = scope.spawn(first);
        [second(), first.join().unwrap()]
    })
}

#[test]
fn of_one_release_the_bad_upgrade_never_passes_beside_the_good_one() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let chart = own("camunda-12");
    let release = Release::new(cluster, "camunda");
    release.install(Helm::V4, &chart, &[]).ok().unwrap();
    release.bind_all();
    let before = release.secrets();
    for (good, bad) in [
        (Helm::V3, Helm::V4),
        (Helm::V4, Helm::V3),
        (Helm::V3, Helm::V3),
    ] {
        let [good, bad] = at_once(
            || release.upgrade(bad, &chart, &[ANEW]),
            || release.upgrade(good, &chart, &[REUSE]),
        );
        good.ok().unwrap();
        let text = bad.refused().unwrap().text();
        // Whoever comes second is told so by Helm, or by the API server, before the guard is asked.
        let told = ["denied the request", "in progress", "already exists"];
        assert!(told.iter().any(|told| text.contains(told)), "{text}");
        assert_eq!(release.secrets(), before);
    }
}

#[test]
fn of_two_releases_each_is_judged_by_itself() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let chart = own("camunda-12");
    let camunda = Release::new(cluster, "camunda");
    let namespace = camunda.namespace.clone();
    let orders = Release::in_namespace(cluster, namespace, "orders");
    for release in [&camunda, &orders] {
        release.install(Helm::V4, &chart, &[]).ok().unwrap();
        release.bind_all();
    }
    let before = camunda.secrets();
    for (good, bad) in [(&camunda, &orders), (&orders, &camunda)] {
        let [admitted, refused] = at_once(
            || bad.upgrade(Helm::V4, &chart, &[ANEW]),
            || good.upgrade(Helm::V4, &chart, &[REUSE]),
        );
        admitted.ok().unwrap();
        let text = refused.refused().unwrap().text();
        let told = format!("upgrade of release {} (", bad.name);
        assert!(text.contains(&told), "{told}: {text}");
        assert_eq!(camunda.secrets(), before);
    }
}
