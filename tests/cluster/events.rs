//! What somebody sees who only looks at the namespace: Events of refusals, mutations and overrides.

use std::{collections::BTreeSet, time::Duration};

use harness::{Cluster, Guard, GuardOptions, Helm, Kubectl, wait_until};
use serde_json::{Value, json};

use crate::{
    charts::own,
    overriding::printed,
    release::Release,
    stage::{BINARY, guarded},
};

const DROPPED: &str = "--set=identityKeycloak.enabled=false";
const RULES: &str = "claims-orphaned, identity-secret-removed";
const PATIENCE: Duration = Duration::from_secs(60);

/// The guard's Events in a namespace, oldest first.
fn events(cluster: &Cluster, namespace: &str) -> Vec<Value> {
    let mut events = cluster.list("events.events.k8s.io", namespace, "").unwrap();
    events.retain(|event| event["reportingController"] == "camunda-upgrade-guard");
    events.sort_by_key(|event| event["eventTime"].to_string());
    events
}

fn of<'a>(events: &'a [Value], reason: &str) -> Vec<&'a Value> {
    let found = events.iter().filter(|event| event["reason"] == reason);
    found.collect()
}

/// Waits until a reason is there with this in its note.
#[track_caller]
pub fn told(cluster: &Cluster, namespace: &str, reason: &str, note: &str) -> Value {
    wait_until(&format!("{reason}: {note}"), PATIENCE, || {
        let events = events(cluster, namespace);
        let found = of(&events, reason).into_iter().find(|event| {
            let told = event["note"].as_str().unwrap_or_default();
            told.contains(note)
        });
        anyhow::ensure!(found.is_some(), "{events:#?}");
        Ok(found.cloned())
    })
    .unwrap()
}

fn create(kubectl: &Kubectl, namespace: &str, yaml: &str, flag: &str) -> harness::Output {
    kubectl.run_with_input(["create", "-n", namespace, "-f", "-", flag], yaml)
}

#[test]
fn what_was_refused_set_and_overridden_is_told_in_the_namespace() {
    let Some((cluster, guard)) = guarded() else {
        return;
    };
    for helm in Helm::BOTH {
        let release = Release::new(cluster, "camunda");
        let namespace = &*release.namespace;
        let chart = own("camunda-12");
        release.install(helm, &chart, &[]).ok().unwrap();
        release.bind_all();
        let retained = told(
            cluster,
            namespace,
            "Mutated",
            "reclaim policy Retain was set",
        );
        assert_eq!(retained["type"], "Normal");
        assert_eq!(retained["regarding"]["kind"], "PersistentVolumeClaim");
        assert_eq!(retained["related"]["kind"], "PersistentVolume");
        assert!(retained["regarding"]["uid"].is_string(), "{retained:#}");

        let denial = release.refused(helm, &chart, &[DROPPED]);
        let refused = told(cluster, namespace, "UpgradeRefused", RULES);
        assert_eq!(refused["type"], "Warning");
        let record = json!({"apiVersion": "v1", "kind": "Secret", "namespace": namespace,
            "name": "sh.helm.release.v1.camunda.v2"});
        assert_eq!(refused["regarding"], record);
        let table = ["get", "events", "-n", namespace];
        let table = cluster.kubectl(table).ok().unwrap().stdout;
        let line = table.lines().find(|line| line.contains("UpgradeRefused"));
        assert!(
            line.is_some_and(|line| line.contains("secret/sh.helm.release.v1.camunda.v2")),
            "{table}"
        );

        // A loop makes a series, no flood.
        for _ in 0..2 {
            release.refused(helm, &chart, &[DROPPED]);
        }
        wait_until("a series", PATIENCE, || {
            let events = events(cluster, namespace);
            let refused = of(&events, "UpgradeRefused");
            anyhow::ensure!(refused.len() == 1, "{refused:#?}");
            Ok((refused[0]["series"]["count"] == 3).then_some(()))
        })
        .unwrap();

        // Should the Event be gone, it is told anew.
        let all = ["delete", "events.events.k8s.io", "--all", "-n", namespace];
        cluster.kubectl(all).ok().unwrap();
        release.refused(helm, &chart, &[DROPPED]);
        told(cluster, namespace, "UpgradeRefused", RULES);

        // Events come in the order of their requests, so what a dry run told would be there before.
        let claim = ["delete", "pvc", "data-camunda-zeebe-0", "-n", namespace];
        let dry = cluster.kubectl([&claim[..], &["--dry-run=server"]].concat());
        assert!(dry.refused().unwrap().text().contains("claim-deleted"));
        let right = printed(&denial, "it is a rehearsal");
        let admin = cluster.admin();
        let counted = |outcome| {
            let name = "camunda_upgrade_guard_overrides_total";
            guard.metric(name, &[("outcome", outcome)]).unwrap()
        };
        let used = counted("used");
        create(admin, namespace, &right, "--dry-run=server")
            .ok()
            .unwrap();
        let wrong = printed(&denial, "");
        create(admin, namespace, &wrong, "--dry-run=none")
            .refused()
            .unwrap();
        told(cluster, namespace, "OverrideRefused", "override");
        let events_now = events(cluster, namespace);
        for none in ["ChangeRefused", "OverrideCreated"] {
            assert!(of(&events_now, none).is_empty(), "{events_now:#?}");
        }

        cluster.kubectl(claim).refused().unwrap();
        let kept = told(cluster, namespace, "ChangeRefused", "claim-deleted");
        assert_eq!(kept["regarding"]["name"], "data-camunda-zeebe-0");
        assert!(kept["regarding"]["uid"].is_string(), "{kept:#}");

        create(admin, namespace, &right, "--dry-run=none")
            .ok()
            .unwrap();
        let made = told(cluster, namespace, "OverrideCreated", "it is a rehearsal");
        assert_eq!(made["regarding"]["kind"], "ConfigMap");
        release.upgrade(helm, &chart, &[DROPPED]).ok().unwrap();
        let went = told(cluster, namespace, "OverrideUsed", RULES);
        assert_eq!(went["regarding"], record);
        assert!(counted("used") > used);

        for phase in ["receive", "read", "decode", "judge"] {
            let name = "camunda_upgrade_guard_phase_seconds_count";
            let reviews = guard.metric(name, &[("phase", phase)]).unwrap();
            assert!(reviews > 0.0, "{phase}");
        }
        let all = serde_json::to_string_pretty(&events(cluster, namespace)).unwrap();
        denial
            .with_text(all)
            .assert_tells_none_of(&release.secrets());
    }
}

/// It says so, and goes on, and writes once it may; and its log tells which lines are about which request.
#[test]
fn a_guard_that_may_not_write_events_answers_all_the_same() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let rule = |group, resource, verbs: &[&str]| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    let mut rights = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "reader"}, "rules": [rule("*", "*", &["get", "list"])],
    });
    let bound = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "reader"},
        "subjects": [{"kind": "User", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "ClusterRole", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"},
    });
    cluster.apply(&rights).unwrap();
    cluster.apply(&bound).unwrap();
    let mut options = GuardOptions::new(BINARY);
    options.kubeconfig = Some(cluster.kubeconfig_of_user("reader", &[]).unwrap());
    for (name, value) in [("_FORMAT", "json"), ("", "debug")] {
        let name = format!("CAMUNDA_UPGRADE_GUARD_LOG{name}");
        options.env.push((name, value.to_owned()));
    }
    options.args = ["--drain-delay", "0"].map(str::to_owned).into();
    let mut guard = cluster.guard(options).unwrap();
    let counted = |guard: &Guard, outcome| {
        let name = "camunda_upgrade_guard_events_total";
        guard.metric(name, &[("outcome", outcome)]).unwrap()
    };

    let release = Release::new(&cluster, "camunda");
    let chart = own("camunda-12");
    release.install(Helm::V3, &chart, &[]).ok().unwrap();
    release.bind_all();
    for helm in Helm::BOTH {
        let denial = release.refused(helm, &chart, &[DROPPED]);
        denial.assert_rules(&["claims-orphaned", "identity-secret-removed"]);
    }
    wait_until("failures", PATIENCE, || {
        Ok((counted(&guard, "failed") > 2.0).then_some(()))
    })
    .unwrap();
    assert_eq!(counted(&guard, "written"), 0.0);
    assert!(events(&cluster, &release.namespace).is_empty());

    let log = guard.log();
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let said = |message: &str| {
        let lines = lines.iter().filter(|line| line["message"] == message);
        lines.collect::<Vec<_>>()
    };
    let lost = said("Events could not be written");
    assert_eq!(lost.len(), 1, "{lost:#?}");
    let error = lost[0]["error"].as_str().unwrap();
    assert!(
        error.contains("cannot create resource \"events\""),
        "{error}"
    );
    let refused: Vec<_> = said("refused")
        .into_iter()
        .filter(|line| line["namespace"] == *release.namespace)
        .collect();
    let uids: BTreeSet<_> = refused.iter().map(|line| uid(line)).collect();
    assert_eq!((refused.len(), uids.len()), (2, 2), "{refused:#?}");
    assert_eq!(refused[0]["rules"], RULES.replace(", ", ","));
    let of_reviews = lines.iter().filter(|line| {
        let target = line["target"].as_str().unwrap_or_default();
        target.starts_with("camunda_upgrade_guard::admission")
    });
    for line in of_reviews {
        assert!(!uid(line).is_empty(), "{line}");
    }

    let events_too = rule("events.k8s.io", "events", &["create"]);
    rights["rules"].as_array_mut().unwrap().push(events_too);
    cluster.apply(&rights).unwrap();
    release.refused(Helm::V3, &chart, &[DROPPED]);
    // What was refused just before the end is told, too.
    assert!(guard.terminate(PATIENCE).unwrap().success());
    let events = events(&cluster, &release.namespace);
    assert_eq!(of(&events, "UpgradeRefused").len(), 1, "{events:#?}");
}

fn uid(line: &Value) -> &str {
    let spans = line["spans"].as_array().into_iter().flatten();
    let uid = spans.filter_map(|span| span["uid"].as_str()).next();
    uid.unwrap_or_default()
}

#[test]
fn a_record_that_cannot_be_decoded_is_told_of_too() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = cluster.namespace("camunda").unwrap();
    let mut record = harness::record::unrelated("camunda", &namespace);
    record["hooks"] = "no list".into();
    let secret = harness::record::secret(&record, "pending-install").unwrap();
    create(
        cluster.admin(),
        &namespace,
        &secret.to_string(),
        "--dry-run=none",
    )
    .refused()
    .unwrap();
    let told = told(cluster, &namespace, "InstallRefused", "can't be decoded");
    assert_eq!(told["regarding"]["name"], "sh.helm.release.v1.camunda.v1");
}
