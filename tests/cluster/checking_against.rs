//! `check` as a person runs it: whatever it may read, and of whatever cluster.

use std::{path::Path, time::Duration};

use harness::{Denial, Fault, Helm, Run, Schema, Secrets, wait_until};
use serde_json::json;

use crate::{
    charts::{ANEW, REUSE, own},
    command::says,
    release::{Release, assert_same_verdict, record},
    stage::{BINARY, guarded, guarded_with_corpus},
};

/// What may not be read is said, with the rules that it has kept from judging.
#[test]
fn what_may_not_be_read_is_not_judged_and_that_is_said() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = own("camunda-12");
    release.install(Helm::V3, &chart, &[]).ok().unwrap();
    release.bind_all();
    let namespace = &*release.namespace;
    let dry_run = release.dry_run(Helm::V3, &chart, &[REUSE]);
    says(&release.check(&["-"], &dry_run), 0, "");

    let user = cluster.unique("reader");
    let rules = json!([
        {"apiGroups": ["", "apps", "batch", "rbac.authorization.k8s.io"], "verbs": ["get", "list"],
         "resources": ["configmaps", "persistentvolumeclaims", "pods", "statefulsets", "deployments", "jobs", "rolebindings"]},
    ]);
    cluster
        .apply(
            &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "reader", "namespace": namespace}, "rules": rules}),
        )
        .unwrap();
    cluster
        .apply(
            &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "reader", "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]}),
        )
        .unwrap();
    let kubeconfig = cluster.kubeconfig_of_user(&user, &[]).unwrap();
    let check = |args: &[&str]| {
        let check = Run::new(BINARY)
            .args(["check"])
            .args(args)
            .input(dry_run.clone());
        check.env("KUBECONFIG", &kubeconfig).output().unwrap()
    };
    let unread = check(&["-"]);
    says(&unread, 3, "");
    for expected in [
        "cannot get resource \"secrets\"",
        "not judged: ",
        "identity-secret-regenerated",
    ] {
        assert!(
            unread.stdout.contains(expected),
            "{expected}: {}",
            unread.stdout
        );
    }

    // What somebody with more rights has kept serves as well as the cluster.
    let snapshot = release.snapshot();
    let schema = Schema::read(cluster.binaries(), Helm::V4, "docs/snapshot.schema.json").unwrap();
    let as_published = |folder: &str| schema.check_file(&Path::new(folder).join("snapshot.json"));
    as_published(&snapshot.path).ok().unwrap();
    assert!(!schema.check("{}").unwrap().success());
    says(&check(&["-", "--snapshot", &snapshot.path]), 0, "");
    let other = check(&["-", "--snapshot", &snapshot.path, "-n", "other"]);
    says(&other, 2, "");
    let none = check(&["-", "--snapshot", "/nonexistent"]);
    says(&none, 2, "");
    // Whoever takes one without the right to Secrets gets one that says so, and verdicts that do.
    let folder = cluster.scratch("snapshot").unwrap();
    let path = folder.display().to_string();
    let taken = Run::new(BINARY)
        .args(["snapshot", "-n", namespace, "-o", &path])
        .env("KUBECONFIG", &kubeconfig)
        .output()
        .unwrap();
    says(&taken, 3, "");
    as_published(&path).ok().unwrap();
    assert!(
        taken.stderr.contains("not read: secrets"),
        "{}",
        taken.stderr
    );
    let partly = check(&["-", "--snapshot", &path]);
    says(&partly, 3, "");
    assert!(
        partly
            .stdout
            .contains("the snapshot was taken without secrets"),
        "{}",
        partly.stdout
    );
}

#[test]
fn without_a_cluster_or_a_release_it_says_so() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let run = |args: &[&str], kubeconfig: &str| {
        let check = Run::new(BINARY).args(["check"]).args(args);
        check.env("KUBECONFIG", kubeconfig).output().unwrap()
    };
    let good = cluster.kubeconfig().display().to_string();
    for (args, kubeconfig, code, expected) in [
        (&["camunda"][..], "/nonexistent", 2, "no cluster: "),
        (&["camunda", "--context", "other"], &good, 2, "other"),
        (
            &["camunda", "-n", "default"],
            &good,
            2,
            "there is no release camunda in namespace default",
        ),
        (
            &["camunda", "--rollback", "7"],
            &good,
            2,
            "has no revision 7",
        ),
        (&[], &good, 2, "nothing to check"),
        (&["-i", "/nonexistent"], &good, 2, "can't read /nonexistent"),
        (
            &["camunda", "-f", "x"],
            &good,
            2,
            "--values is for --chart and for --input",
        ),
    ] {
        let output = run(args, kubeconfig);
        says(&output, code, "");
        assert!(
            output.stderr.contains(expected),
            "{args:?}: {}",
            output.report()
        );
        assert!(output.stdout.is_empty());
    }
    // An API server that is not there keeps everything from being judged.
    let release = Release::new(cluster, "camunda");
    let chart = own("camunda-12");
    release.install(Helm::V3, &chart, &[]).ok().unwrap();
    let dry_run = release.dry_run(Helm::V3, &chart, &[REUSE]);
    let faulty = cluster.faulty_server().unwrap();
    let through = cluster
        .kubeconfig_through(&faulty, &release.namespace, "default")
        .unwrap();
    faulty.set(&[("", Fault::Status(503, None))]);
    let check = Run::new(BINARY).args(["check", "-", "--timeout", "5"]);
    let output = check
        .env("KUBECONFIG", through)
        .input(dry_run)
        .output()
        .unwrap();
    says(&output, 3, "Not everything could be checked");
}

/// A field that the API does not have is a warning to Helm 3, and half an upgrade to Helm 4.
#[test]
fn the_api_server_is_asked_about_every_object() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = record(cluster, &corpus, "8.3.1", Secrets::ReuseLookup);
    let [flag, values] = chart.with_config();
    let install = |helm| {
        let args = [&*flag, &values, "--dry-run=server", "-o", "json"];
        release
            .install(helm, &chart.path, &args)
            .ok()
            .unwrap()
            .stdout
    };
    let before = release.versions();
    let refused = release.check(&["-", "--server-dry-run"], &install(Helm::V4));
    says(&refused, 1, "field not declared in schema");
    Denial::of_check(&refused).assert_rules(&["server-dry-run"]);
    says(
        &release.check(&["-", "--server-dry-run"], &install(Helm::V3)),
        0,
        "",
    );
    assert_eq!(release.versions(), before);

    // Over what runs: nothing is refused that Helm would get through, and a quota is told of.
    release.install_record(Helm::V3, &chart);
    release.bind_all();
    let before = release.versions();
    let dry_run = release.dry_run(Helm::V3, &chart.path, &[&flag, &values]);
    says(&release.check(&["-", "--server-dry-run"], &dry_run), 0, "");
    cluster
        .apply(&json!({"apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": "none", "namespace": &*release.namespace}, "spec": {"hard": {"count/deployments.apps": "0"}}}))
        .unwrap();
    let delete = [
        "-n",
        &release.namespace,
        "delete",
        "deployment",
        "camunda-operate",
    ];
    cluster.kubectl(delete).ok().unwrap();
    let refused = wait_until("the quota", Duration::from_secs(30), || {
        let refused = release.check(&["-", "--server-dry-run"], &dry_run);
        Ok((refused.code == Some(1)).then_some(refused))
    });
    let refused = refused.unwrap();
    assert!(
        refused.stdout.contains("Deployment camunda-operate: "),
        "{}",
        refused.stdout
    );
    assert!(
        refused.stdout.contains("exceeded quota"),
        "{}",
        refused.stdout
    );
    let mut after = release.versions();
    after.insert(
        "Deployment/camunda-operate".to_owned(),
        before["Deployment/camunda-operate"].clone(),
    );
    assert_eq!(after, before);
}

/// What an upgrade has left to do is told at any time.
#[test]
fn a_deployed_release_says_what_is_left_to_do() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    let args = ["camunda", "-n", &release.namespace];
    let clean = release.check(&args, "");
    says(&clean, 0, "");
    assert!(!clean.stdout.contains("Lost"), "{}", clean.stdout);

    let target = own("camunda-8.3");
    let denial = release.refused(Helm::V3, &target, &[ANEW]);
    release.cured(Helm::V3, &denial, &target, &[ANEW]);
    release.bind_all();
    release.wait_phase("elasticsearch-master-elasticsearch-master-0", "Lost");
    release.wait_phase("elasticsearch-master-elasticsearch-master-1", "Lost");
    let left = release.check(&args, "");
    says(&left, 0, "");
    let delete = format!(
        "kubectl -n {} delete pvc elasticsearch-master-elasticsearch-master-0 elasticsearch-master-elasticsearch-master-1",
        &*release.namespace
    );
    let told = left.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(&delete), "{}", left.stdout);
    cluster
        .shell(Helm::V3)
        .unwrap()
        .run(&delete)
        .unwrap()
        .ok()
        .unwrap();
    says(&release.check(&args, ""), 0, "");

    // Back to 8.2 is no way.
    let back = release.check(&[&args[..], &["--rollback", "1"]].concat(), "");
    let rollback = cluster
        .helm(Helm::V3)
        .rollback("camunda", 1, &release.namespace, &[]);
    assert_same_verdict(&back, &Denial::of(&rollback));
}
