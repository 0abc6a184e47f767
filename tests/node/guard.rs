//! The guard as its users run it: a Deployment behind a Service, whose pods come and go while reviews go on.

use std::{collections::BTreeSet, net::SocketAddr, thread};

use camunda_upgrade_guard::webhooks::ENFORCE;
use harness::{
    Helm, Output,
    guard::{http, metrics},
    wait_until,
};
use serde_json::Value;

use crate::brokers::OTHERS_OFF;
use crate::charts::own;
use crate::load::{Load, Tally};
use crate::marker::{self, BROKERS};
use crate::release::{Guarded, PATIENCE, Release};
use crate::stage::{NAME, guarded, install_guard, node, upgrade_guard};

/// More than a large cluster writes of what the guard judges.
const PER_SECOND: u32 = 300;
const PODS: &str = "app.kubernetes.io/name=camunda-upgrade-guard";

/// Reviews while something is done to the guard, and some before and after.
fn under_load(what: impl FnOnce()) -> Tally {
    let namespace = guarded().namespace_with_labels("load", &[(ENFORCE, "true")]);
    let namespace = namespace.unwrap();
    // Some time after a pod is ready its Service leads to it.
    let load = Load::start(node(), &namespace, 20);
    more(&load, 20);
    load.end();
    let load = Load::start(node(), &namespace, PER_SECOND);
    more(&load, 100);
    what();
    more(&load, 100);
    load.end()
}

/// Waits for so many refusals more.
fn more(load: &Load, count: u64) {
    let before = load.refused();
    let more = wait_until("reviews", PATIENCE, || {
        Ok((load.refused() >= before + count).then_some(()))
    });
    more.unwrap();
}

#[track_caller]
fn assert_none_lost(tally: &Tally) {
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
    assert!(tally.admitted > 0 && tally.refused > 0);
}

fn kubectl(args: &[&str]) -> Output {
    let all = [&["--namespace", NAME], args].concat();
    node().kubectl(all).ok().unwrap()
}

fn pods() -> Vec<Value> {
    let pods = node().list("pods", NAME, PODS).unwrap();
    let ends = |pod: &Value| pod["metadata"]["deletionTimestamp"].is_string();
    pods.into_iter().filter(|pod| !ends(pod)).collect()
}

fn rolled_out() {
    let deployment = format!("deployment/{NAME}");
    kubectl(&["rollout", "status", &deployment, "--timeout=120s"]);
}

/// The sum of a metric over all pods.
fn metric(name: &str, labels: &[(&str, &str)]) -> f64 {
    let pods = pods();
    let pages = pods.iter().map(|pod| {
        let address = pod["status"]["podIP"].as_str().unwrap().parse().unwrap();
        let admin = SocketAddr::new(address, 8080);
        let (status, page) = http::get(admin, "/metrics").unwrap();
        assert_eq!(status, 200);
        page
    });
    let values = pages.map(|page| metrics::sum(&page, name, labels));
    values.sum()
}

pub fn helm_test_passes() {
    guarded();
    for helm in Helm::BOTH {
        node()
            .helm(helm)
            .run(&["test", NAME, "-n", NAME])
            .ok()
            .unwrap();
    }
}

pub fn no_review_is_lost_in_a_rolling_update() {
    let tally = under_load(|| {
        kubectl(&["rollout", "restart", &format!("deployment/{NAME}")]);
        rolled_out();
    });
    assert_none_lost(&tally);
}

/// The disruption budget lets one pod go, and the other only once a new one is ready.
pub fn no_review_is_lost_when_the_node_is_drained() {
    let tally = under_load(|| {
        let before = names();
        let drain = thread::spawn(|| {
            let selector = format!("--pod-selector={PODS}");
            node().kubectl(["drain", "node", &selector, "--timeout=120s"])
        });
        let blocked = wait_until("one pod is kept by the budget", PATIENCE, || {
            let kept = names();
            anyhow::ensure!(!before.is_subset(&kept), "none is evicted");
            let budget = node().get("pdb", NAME, NAME)?.unwrap_or_default();
            Ok((budget["status"]["disruptionsAllowed"] == 0).then_some(()))
        });
        blocked.unwrap();
        node().kubectl(["uncordon", "node"]).ok().unwrap();
        drain.join().unwrap().ok().unwrap();
        rolled_out();
        assert!(names().is_disjoint(&before));
    });
    assert_none_lost(&tally);
}

fn names() -> BTreeSet<String> {
    let name = |pod: &Value| pod["metadata"]["name"].as_str().map(str::to_owned);
    pods().iter().filter_map(name).collect()
}

/// The kubelet swaps the folder behind the mounted file.
pub fn no_review_is_lost_when_the_configuration_changes() {
    let loads = || {
        metric(
            "camunda_upgrade_guard_config_loads_total",
            &[("outcome", "ok")],
        )
    };
    guarded();
    let before = (loads(), names());
    let tally = under_load(|| {
        upgrade_guard(Helm::V4, &["--set=config.rules.release-notes=off"]);
        let taken = wait_until("both pods take the change over", PATIENCE, || {
            Ok((loads() >= before.0 + 2.0).then_some(()))
        });
        taken.unwrap();
    });
    assert_none_lost(&tally);
    assert_eq!(names(), before.1, "no pod was replaced");
}

pub fn no_review_is_lost_when_certificates_and_their_authority_change() {
    guarded();
    // An authority keeps the life that it was made with, and a pod that ends late would make one more.
    node()
        .helm(Helm::V4)
        .uninstall(NAME, NAME, &["--wait"])
        .ok()
        .unwrap();
    kubectl(&["wait", "--for=delete", "pod", "-l", PODS, "--timeout=60s"]);
    let short = "--set=extraArgs={--tls-life=24s,--tls-ca-life=48s}";
    install_guard(Helm::V4, &[short]);
    let tally = under_load(|| {
        let mut authorities = BTreeSet::new();
        let changed = wait_until(
            "a successor beside the authority, then alone",
            PATIENCE,
            || {
                let secret = node().get("secret", NAME, "camunda-upgrade-guard-ca")?;
                authorities.insert(secret.unwrap_or_default()["data"].to_string());
                Ok((authorities.len() > 2).then_some(()))
            },
        );
        changed.unwrap();
        upgrade_guard(Helm::V3, &["--set=extraArgs=null"]);
    });
    assert_none_lost(&tally);
}

/// What a killed one had begun nobody can finish; it is refused, not judged wrongly. What comes after goes to the other one.
pub fn a_killed_container_takes_only_what_it_had_begun() {
    let tally = under_load(|| {
        let restarts = || -> u64 {
            let count =
                |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_u64();
            pods().iter().filter_map(count).sum()
        };
        // A pod that still ends is not started again.
        let alone = wait_until("all that end have ended", PATIENCE, || {
            let all = node().list("pods", NAME, PODS)?;
            Ok((all.len() == pods().len()).then_some(()))
        });
        alone.unwrap();
        let before = restarts();
        let kill = "pgrep -f -- '^/camunda-upgrade-guard serve' | head -n 1 | xargs kill -KILL";
        let shell = node().shell(Helm::V3).unwrap();
        shell.run(kill).unwrap().ok().unwrap();
        let again = wait_until("the kubelet starts it again", PATIENCE, || {
            Ok((restarts() > before).then_some(()))
        });
        again.unwrap();
        rolled_out();
    });
    for wrong in &tally.wrong {
        assert!(wrong.contains("failed calling webhook"), "{wrong}");
    }
    eprintln!("{} of the killed one's were lost", tally.wrong.len());
}

/// The webhooks are in etcd, the guard's pods are not there yet, and its own namespace enforces nothing: all of it comes up.
pub fn everything_comes_up_after_a_power_cut() {
    let release = Release::installed(Guarded::Yes, &own("camunda-8.3"), &[OTHERS_OFF]);
    marker::written(&release, BROKERS, 9600, 0);
    node().cut_power().unwrap();
    // Until the kubelet says otherwise, all of it counts as ready.
    for namespace in [NAME, &*release.namespace] {
        let started = wait_until("all pods were started again", PATIENCE, || {
            let pods = node().list("pods", namespace, "")?;
            let again = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"] != 0;
            Ok(pods.iter().all(again).then_some(()))
        });
        started.unwrap_or_else(|error| panic!("{error:#}\n{}", release.state()));
    }
    rolled_out();
    release.ready();
    marker::is_there(&release, BROKERS, 9600, 0);
    assert_none_lost(&under_load(|| ()));
}
