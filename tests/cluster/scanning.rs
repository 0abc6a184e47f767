//! `scan` and `plan` over whatever a cluster may hold, and with whatever rights somebody has.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use harness::{Cluster, Helm, Output, Run, Schema, record};
use serde_json::{Value, json};

use crate::{
    charts::own,
    release::Release,
    stage::{BINARY, guarded},
};

fn run_as(kubeconfig: &Path, args: &[&str]) -> Output {
    let run = Run::new(BINARY).args(args);
    run.env("KUBECONFIG", kubeconfig).output().unwrap()
}

fn run(release: &Release, args: &[&str]) -> Output {
    let args = [args, &["-n", &release.namespace]].concat();
    run_as(release.cluster.kubeconfig(), &args)
}

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.code, Some(code), "{}", output.report());
}

#[track_caller]
fn assert_told(output: &Output, parts: &[&str]) {
    for part in parts {
        assert!(
            output.text().contains(part),
            "no {part:?}: {}",
            output.report()
        );
    }
}

/// No secret value is told, as it is or in base64.
#[track_caller]
fn assert_tells_none_of(output: &Output, release: &Release) {
    let secrets = release.secrets();
    let values = secrets.values().filter_map(Value::as_object).flatten();
    let mut checked = 0;
    for value in values.filter_map(|(_, value)| value.as_str()) {
        let plain = STANDARD.decode(value).unwrap();
        let plain = String::from_utf8_lossy(&plain);
        for told in [value, &plain].into_iter().filter(|it| it.len() > 3) {
            assert!(!output.text().contains(told));
            checked += 1;
        }
    }
    assert!(checked > 8, "{checked}");
}

fn assert_as_published(cluster: &Cluster, document: &str) -> Value {
    let schema = Schema::read(cluster.binaries(), Helm::V4, "docs/scan.schema.json").unwrap();
    let check = |document: &str| schema.check(document).unwrap();
    check(document).ok().unwrap();
    let scan: Value = serde_json::from_str(document).unwrap();
    let mut wrong = scan.clone();
    wrong["releases"][0]["more"] = json!(1);
    assert!(check(&wrong.to_string()).text().contains("more"));
    scan
}

/// A Camunda release, another chart's, and records of which nothing can be made.
#[test]
fn a_scan_shows_what_stops_a_release_and_what_it_cannot_read() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    let other = Release {
        name: "other",
        ..Release::in_namespace(cluster, cluster.namespace("other").unwrap(), "other")
    };
    other
        .install(Helm::V3, &own("unrelated"), &[])
        .ok()
        .unwrap();
    let empty = run(&other, &["scan"]);
    assert_code(&empty, 0);
    assert_told(&empty, &["No Camunda release was found."]);

    release.bind_all();
    let scan = run(&release, &["scan"]);
    assert_code(&scan, 0);
    assert_told(
        &scan,
        &[
            "deployed  8.2.34  8.2.34  8.2.32   8.3.26 (8.3)  ended 2024-10-08",
            "[elasticsearch-claims-orphaned]",
            "delete deployment camunda-operate camunda-tasklist camunda-optimize camunda-zeebe-gateway",
            "8 credentials are in no values",
            "camunda-upgrade-guard rebind camunda -n ",
            "camunda-upgrade-guard rescue camunda -n ",
            "[volume-not-retained]",
        ],
    );
    assert_tells_none_of(&scan, &release);

    // One that is cut off, and one that is a bomb.
    let namespace = &*release.namespace;
    let bomb = json!({"name": "bomb", "namespace": namespace, "version": 1, "manifest": " ".repeat(40 << 20)});
    let mut cut = record::secret(&record::unrelated("cut", namespace), "deployed").unwrap();
    let text = cut["stringData"]["release"].as_str().unwrap();
    cut["stringData"]["release"] = text[..text.len() / 2].into();
    for object in [&record::secret(&bomb, "deployed").unwrap(), &cut] {
        cluster.apply(object).unwrap().ok().unwrap();
    }
    // And one that helm was cut off at.
    let mut next = cluster.release_record(namespace, "camunda", 1).unwrap();
    next["version"] = 2.into();
    let next = record::secret(&next, "pending-upgrade").unwrap();
    cluster.apply(&next).unwrap().ok().unwrap();
    let scan = run(&release, &["scan", "-o", "json"]);
    assert_code(&scan, 3);
    let scan = assert_as_published(cluster, &scan.stdout);
    let rows = scan["releases"].as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["release"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["bomb", "camunda", "cut"]);
    let unreadable = |row: usize| rows[row]["unreadable"].as_str().unwrap_or_default();
    assert!(
        unreadable(0).contains("inflates to more than"),
        "{}",
        unreadable(0)
    );
    assert!(unreadable(2).contains("data.release"), "{}", unreadable(2));
    assert_eq!(rows[1]["status"], "pending-upgrade");
    let first = &rows[1]["problems"][0];
    assert_eq!(first["title"], "Revision 2 is pending-upgrade");
    let back = format!("helm rollback camunda 1 -n {namespace}");
    assert_eq!(first["commands"][0]["text"], back);
    assert_eq!(scan["notSeen"].as_array().unwrap().len(), 2);

    let everywhere = run_as(cluster.kubeconfig(), &["scan", "--all-namespaces"]);
    let mut rows = everywhere.stdout.lines().map(str::split_whitespace);
    let is_row = |mut row: std::str::SplitWhitespace<'_>| {
        row.next() == Some(namespace) && row.next() == Some("camunda")
    };
    assert!(rows.any(is_row), "{}", everywhere.report());
    let both = run(&release, &["scan", "-A"]);
    assert_code(&both, 2);

    // None of which can be planned from.
    for (name, told) in [
        ("cut", "record sh.helm.release.v1.cut.v1: data.release"),
        (
            "bomb",
            "record sh.helm.release.v1.bomb.v1: data.release inflates",
        ),
        ("camunda", &back),
        ("shop", "there is bomb, camunda, cut"),
    ] {
        let plan = run(&release, &["plan", name, "--to", "8.3.1"]);
        assert_code(&plan, 1);
        assert_told(&plan, &[told]);
        assert!(plan.stdout.is_empty(), "{}", plan.report());
    }
    let plan = run(&other, &["plan", "other", "--to", "8.3.1"]);
    assert_code(&plan, 1);
    assert_told(&plan, &["is of chart webshop 0.3.1", "not Camunda's"]);
}

/// Where there is no way, and what a way looks like for a ticket.
#[test]
fn a_plan_says_where_there_is_no_way() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-12"), &[])
        .ok()
        .unwrap();
    for (to, code, told) in [
        (
            "newest",
            2,
            "\"newest\" is none of these: a chart's version (13.13.0)",
        ),
        (
            "16.0.0",
            1,
            "no line is known that chart 16.0.0 is of (known: 8.0, ",
        ),
        ("12.13.3", 1, "runs chart 12.13.3 already"),
        ("12.13.0", 1, "within a line helm rollback goes back"),
        ("11.12.3", 1, "there is no way back to 11.12.3"),
    ] {
        let plan = run(&release, &["plan", "camunda", "--to", to]);
        assert_code(&plan, code);
        assert_told(&plan, &[told]);
        assert!(plan.stdout.is_empty(), "{}", plan.report());
    }
    let newer = run(&release, &["plan", "camunda", "--to", "13.99.0"]);
    assert_code(&newer, 0);
    assert_told(
        &newer,
        &["13.99.0 is newer than 13.13.0", "see that it exists"],
    );

    let ticket = run(
        &release,
        &[
            "plan", "camunda", "--to", "14.8.4", "-o", "markdown", "-f", "a.yaml", "-f", "b c.yaml",
        ],
    );
    assert_code(&ticket, 0);
    assert_told(
        &ticket,
        &[
            "## 2. Chart 13.13.0 to 14.8.4 (Camunda 8.8 to 8.9)",
            "- [ ] **1. Make ready**",
            "- [ ] **2. Put your values under the keys of the new chart: camunda-13.yaml**",
            "-f a.yaml \\\n  -f 'b c.yaml' \\\n  -f camunda-13.yaml \\\n  -f camunda-14.yaml",
            "**Downtime from step ",
            "kubectl -n ",
        ],
    );
    assert_tells_none_of(&ticket, &release);
}

/// Under somebody's own chart the values have its name above them, and which of its versions has which Camunda nobody knows.
#[test]
fn an_umbrella_is_planned_by_its_own_keys() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "shop");
    let pin = "camunda-bpm.identityKeycloak.postgresql.image.tag=15.10.0";
    release
        .install(Helm::V3, &own("umbrella"), &["--set", pin])
        .ok()
        .unwrap();
    let plan = run(
        &release,
        &["plan", "shop", "--to", "13.12.7", "--chart", "./shop"],
    );
    assert_code(&plan, 0);
    assert_told(
        &plan,
        &[
            "\ncamunda-bpm:\n",
            "have it depend on camunda-platform 13.12.7",
            "helm upgrade shop ./shop -n ",
            "values.yaml stands for your values files",
        ],
    );
    assert!(!plan.stdout.contains("--version"), "{}", plan.stdout);
    assert!(
        !plan.stdout.contains("postgresql-major-upgrade"),
        "{}",
        plan.stdout
    );
}

/// Whoever may not list Secrets is shown what labels tell, and told what is missing.
#[test]
fn whoever_may_only_look_sees_what_labels_tell() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    release.bind_all();
    let namespace = &*release.namespace;
    let kubeconfig = |name: &str| {
        let account = ["-n", namespace, "create", "serviceaccount", name];
        cluster.kubectl(account).ok().unwrap();
        cluster
            .kubeconfig_of_service_account(namespace, name)
            .unwrap()
    };
    let (viewer, nobody) = (kubeconfig("viewer"), kubeconfig("nobody"));
    let account = format!("--serviceaccount={namespace}:viewer");
    let bind = [
        "-n",
        namespace,
        "create",
        "rolebinding",
        "viewer",
        "--clusterrole=view",
        &account,
    ];
    cluster.kubectl(bind).ok().unwrap();

    let scan = run_as(&viewer, &["scan", "-n", namespace, "-o", "json"]);
    assert_code(&scan, 3);
    let scan = assert_as_published(cluster, &scan.stdout);
    let row = &scan["releases"][0];
    assert_eq!(row["release"], "camunda", "{scan}");
    assert_eq!(row["status"], "unknown");
    assert_eq!(row["chart"], "8.2.34");
    let stops: Vec<_> = row["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|problem| problem["stops"] == true)
        .map(|problem| problem["rule"].as_str().unwrap())
        .collect();
    assert_eq!(
        stops,
        ["elasticsearch-claims-orphaned", "immutable-field-changed"]
    );
    let not_seen = scan["notSeen"].to_string();
    for told in [
        "cannot list resource",
        "secrets",
        "cannot get resource",
        "persistentvolumes",
    ] {
        assert!(not_seen.contains(told), "no {told}: {not_seen}");
    }

    let scan = run_as(&nobody, &["scan", "-n", namespace]);
    assert_code(&scan, 3);
    assert_told(
        &scan,
        &["No Camunda release was found.", "cannot list resource"],
    );
    let plan = run_as(
        &viewer,
        &["plan", "camunda", "--to", "8.3.1", "-n", namespace],
    );
    assert_code(&plan, 1);
    assert_told(
        &plan,
        &["can't be looked for", "cannot list resource", "secrets"],
    );
}
