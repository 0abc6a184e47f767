//! `check` as a person runs it: what it is given, whom it asks, and what it exits with.

use std::{fs, path::Path};

use harness::{Denial, Fault, Helm, Output, Run, Schema, Secrets};
use serde_json::json;

use crate::{
    charts::{ANEW, REUSE, own},
    release::{Release, assert_same_verdict, record},
    stage::{BINARY, guarded, guarded_with_corpus},
};

/// What stops 8.2 to 8.3 with new credentials.
const RULES: [&str; 3] = [
    "elasticsearch-claims-orphaned",
    "identity-secret-regenerated",
    "immutable-field-changed",
];

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.code, Some(code), "{}", output.report());
}

/// The ids at the ends of the lines that begin a problem.
fn refusing(output: &Output) -> Vec<&str> {
    let lines = output.stdout.lines();
    let ids = lines.filter_map(|line| {
        line.split_once(". ")?.0.parse::<u32>().ok()?;
        line.strip_suffix(']')?.rsplit_once('[').map(|(_, id)| id)
    });
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    ids
}

/// Whatever Helm prints of an upgrade is judged as the webhook judges it.
#[test]
fn an_upgrade_is_judged_from_whatever_helm_prints() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    release.bind_all();
    let target = own("camunda-8.3");
    let denial = release.refused(Helm::V3, &target, &[ANEW]);
    denial.assert_rules(&RULES);
    for helm in Helm::BOTH {
        let printed = |more: &[&str]| {
            let args = [&[ANEW, "--dry-run=server"], more].concat();
            release.upgrade(helm, &target, &args).ok().unwrap().stdout
        };
        assert_same_verdict(&release.check(&["-"], &printed(&["--debug"])), &denial);
        // What Helm prints for people has the values in it only with --debug.
        let without = release.check(&["-"], &printed(&[]));
        assert_code(&without, 1);
        assert_eq!(
            refusing(&without),
            [RULES[0], RULES[1], RULES[2], "not-checked"]
        );
        let unknown =
            "the user's values: a rendered manifest does not show them; -f FILE gives them";
        assert!(without.stdout.contains(unknown), "{}", without.stdout);
        assert!(
            without
                .stdout
                .contains("not judged: authentication-not-explicit, ")
        );
    }
    // A manifest alone says neither where it goes nor with which values.
    let template = cluster
        .helm(Helm::V4)
        .template("camunda", &target, &release.namespace, &[ANEW]);
    let manifest = template.ok().unwrap().stdout;
    let folder = cluster.scratch("check").unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let rendered = file("rendered.yaml", &manifest);
    let values = file("values.yaml", "global: {secretsMode: generateAnew}\n");
    let args = ["-n", &release.namespace, "-i", &rendered, "-f", &values];
    assert_same_verdict(&release.check(&args, ""), &denial);

    // Whoever saved the record of an upgrade that was made without a guard can have it judged, too.
    let record = cluster.get(
        "secret",
        &release.namespace,
        "sh.helm.release.v1.camunda.v1",
    );
    let saved = file("record.json", &record.unwrap().unwrap().to_string());
    assert_code(&release.check(&["-i", &saved], ""), 0);
    let other = release.check(&["shop", "-i", &saved], "");
    assert_code(&other, 2);
    assert!(
        other.stderr.contains("is about release camunda, not shop"),
        "{}",
        other.stderr
    );
    let cut = file("cut.json", &fs::read_to_string(&saved).unwrap()[..2000]);
    let cut = release.check(&["-i", &cut], "");
    assert_code(&cut, 2);
    assert!(
        cut.stderr.contains("it ends too early at line 1"),
        "{}",
        cut.stderr
    );
    assert!(cut.stdout.is_empty());
}

/// The README's line, as it stands there.
#[test]
fn the_readmes_check_is_what_a_newcomer_can_type() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    release.bind_all();
    let readme = fs::read_to_string(harness::binaries::workspace().join("README.md")).unwrap();
    let section = readme.split("## Check an upgrade").nth(1).unwrap();
    let command = section.split("```sh\n").nth(1).unwrap();
    let command = command.split("```").next().unwrap();
    let shell = cluster.shell(Helm::V4).unwrap();
    shell
        .install("camunda-upgrade-guard", BINARY.as_ref())
        .unwrap();
    let values = "global: {secretsMode: generateAnew}\n";
    fs::write(shell.dir().join("values.yaml"), values).unwrap();
    let chart = own("camunda-8.3").display().to_string();
    assert!(command.contains("camunda/camunda-platform") && command.contains("-n camunda "));
    let command = command
        .replace("camunda/camunda-platform", &chart)
        .replace("-n camunda ", &format!("-n {} ", &*release.namespace));
    let refused = shell.run(&command).unwrap();
    assert_code(&refused, 1);
    assert_eq!(refusing(&refused), RULES, "{}", refused.stdout);
}

/// What Argo CD has applied left no record: what runs is told by its objects.
#[test]
fn a_manifest_is_compared_with_what_was_applied_without_helm() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = cluster.namespace("applied").unwrap();
    let release = Release::in_namespace(cluster, namespace, "camunda");
    let rendered = |chart: &str, mode: &str| {
        let template =
            cluster
                .helm(Helm::V3)
                .template("camunda", &own(chart), &release.namespace, &[mode]);
        template.ok().unwrap().stdout
    };
    let running = rendered("camunda-8.2", REUSE);
    let apply = ["apply", "-n", &release.namespace, "-f", "-"];
    cluster
        .admin()
        .run_with_input(apply, &running)
        .ok()
        .unwrap();
    release.bind_all();
    let args = [
        "camunda",
        "-n",
        &release.namespace,
        "-i",
        "-",
        "-f",
        "/dev/null",
        "--running-values",
        "/dev/null",
    ];
    let refused = release.check(&args, &rendered("camunda-8.3", ANEW));
    assert_code(&refused, 1);
    assert_eq!(refusing(&refused), RULES, "{}", refused.stdout);
    let from = "upgrade of release camunda (namespace ";
    let to = ") from camunda-platform 8.2.34 to 8.3.1 is refused: 3 problems.";
    assert!(
        refused.stdout.starts_with(from) && refused.stdout.contains(to),
        "{}",
        refused.stdout
    );
    // The same once more is good, as far as its values are known.
    assert_code(&release.check(&args, &running), 0);
    let unknown = release.check(&args[..7], &running);
    assert_code(&unknown, 3);
    for expected in ["the values of what runs: ", "not judged: datastore-changed"] {
        assert!(unknown.stdout.contains(expected), "{}", unknown.stdout);
    }
}

/// The charts' own error names one value at a time.
#[test]
fn a_charts_passwords_error_becomes_one_list() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = record(cluster, &corpus, "8.2.34", Secrets::FailUnlessGiven);
    release.install_record(Helm::V3, &chart);
    release.bind_all();
    let secrets = release.secrets();
    let shell = cluster.shell(Helm::V3).unwrap();
    shell
        .install("camunda-upgrade-guard", BINARY.as_ref())
        .unwrap();
    let [flag, values] = chart.with_config();
    let check = format!(
        "camunda-upgrade-guard check camunda -n {} --chart {} {flag} {values}",
        &*release.namespace,
        chart.path.display()
    );
    let asked = shell.run(&check).unwrap();
    assert_code(&asked, 1);
    assert_eq!(
        refusing(&asked),
        ["identity-secret-regenerated"],
        "{}",
        asked.stdout
    );
    assert!(
        asked.stdout.contains("The chart asks for 5 passwords"),
        "{}",
        asked.stdout
    );
    let text = format!("denied the request: {}", asked.stdout);
    let denial = Denial::of(&Output {
        stdout: text,
        ..asked
    });
    denial.assert_tells_none_of(&secrets);
    let cure = denial.cure(&release.upgrade_command(&chart));
    shell.run(&cure).unwrap().ok().unwrap();
    let mut after = release.secrets();
    after.insert(
        "camunda-web-modeler".to_owned(),
        secrets["camunda-web-modeler"].clone(),
    );
    assert_eq!(after, secrets);

    // With them all is well, without helm nothing is.
    let flags = denial.flags.join(" ");
    let with_flags = format!("{}\n{check} -- {flags}", denial.commands.join("\n"));
    assert_code(&shell.run(&with_flags).unwrap(), 0);
    let args = ["check", "camunda", "--chart", "nowhere"];
    let none = Run::new(BINARY).args(args).env("PATH", "/nonexistent");
    let none = none
        .env("KUBECONFIG", cluster.kubeconfig())
        .output()
        .unwrap();
    assert_code(&none, 2);
    assert!(
        none.stderr.contains("can't run helm, which --chart needs"),
        "{}",
        none.stderr
    );
}

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
    assert_code(&release.check(&["-"], &dry_run), 0);

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
    assert_code(&unread, 3);
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
    assert_code(&check(&["-", "--snapshot", &snapshot.path]), 0);
    let other = check(&["-", "--snapshot", &snapshot.path, "-n", "other"]);
    assert_code(&other, 2);
    let none = check(&["-", "--snapshot", "/nonexistent"]);
    assert_code(&none, 2);
    // Whoever takes one without the right to Secrets gets one that says so, and verdicts that do.
    let folder = cluster.scratch("snapshot").unwrap();
    let path = folder.display().to_string();
    let taken = Run::new(BINARY)
        .args(["snapshot", "-n", namespace, "-o", &path])
        .env("KUBECONFIG", &kubeconfig)
        .output()
        .unwrap();
    assert_code(&taken, 3);
    as_published(&path).ok().unwrap();
    assert!(
        taken.stderr.contains("not read: secrets"),
        "{}",
        taken.stderr
    );
    let partly = check(&["-", "--snapshot", &path]);
    assert_code(&partly, 3);
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
        assert_code(&output, code);
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
    assert_code(&output, 3);
    assert!(
        output.stdout.contains("Not everything could be checked"),
        "{}",
        output.stdout
    );
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
    assert_code(&refused, 1);
    assert_eq!(refusing(&refused), ["server-dry-run"], "{}", refused.stdout);
    assert!(
        refused.stdout.contains("field not declared in schema"),
        "{}",
        refused.stdout
    );
    assert_code(
        &release.check(&["-", "--server-dry-run"], &install(Helm::V3)),
        0,
    );
    assert_eq!(release.versions(), before);

    // Over what runs: nothing is refused that Helm would get through, and a quota is told of.
    release.install_record(Helm::V3, &chart);
    release.bind_all();
    let before = release.versions();
    let dry_run = release.dry_run(Helm::V3, &chart.path, &[&flag, &values]);
    assert_code(&release.check(&["-", "--server-dry-run"], &dry_run), 0);
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
    let refused = harness::wait_until("the quota", std::time::Duration::from_secs(30), || {
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
    assert_code(&clean, 0);
    assert!(!clean.stdout.contains("Lost"), "{}", clean.stdout);

    let target = own("camunda-8.3");
    let denial = release.refused(Helm::V3, &target, &[ANEW]);
    release.cured(Helm::V3, &denial, &target, &[ANEW]);
    release.bind_all();
    release.wait_phase("elasticsearch-master-elasticsearch-master-0", "Lost");
    release.wait_phase("elasticsearch-master-elasticsearch-master-1", "Lost");
    let left = release.check(&args, "");
    assert_code(&left, 0);
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
    assert_code(&release.check(&args, ""), 0);

    // Back to 8.2 is no way.
    let back = release.check(&[&args[..], &["--rollback", "1"]].concat(), "");
    let rollback = cluster
        .helm(Helm::V3)
        .rollback("camunda", 1, &release.namespace, &[]);
    assert_same_verdict(&back, &Denial::of(&rollback));
}
