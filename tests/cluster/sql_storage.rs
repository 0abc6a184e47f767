//! Helm's records in a database, where no webhook sees them: what is judged then, and what is not.

use harness::{Cluster, Denial, Helm, HelmCli, Output, Postgresql, Run};
use serde_json::Value;

use crate::{
    charts::{ANEW, REUSE, own},
    command::words,
    release::Release,
    stage::{BINARY, guarded},
};

const WITHOUT_KEYCLOAK: &str = "--set=identityKeycloak.enabled=false";

fn started() -> Option<(&'static Cluster, Postgresql)> {
    let (cluster, _) = guarded()?;
    let postgresql = cluster.postgresql_or_skip()?;
    Some((cluster, postgresql.unwrap()))
}

/// An installation whose record is nowhere in the cluster.
fn installed(helm: &HelmCli, cluster: &'static Cluster, chart: &str) -> Release<'static> {
    let release = Release::new(cluster, "camunda");
    let installed = helm.install("camunda", &own(chart), &release.namespace, &[]);
    installed.ok().unwrap();
    release.bind_all();
    let records = cluster.list("secrets,configmaps", &release.namespace, "owner=helm");
    assert_eq!(records.unwrap(), [Value::Null; 0]);
    release
}

fn statuses(helm: &HelmCli, release: &Release) -> Vec<String> {
    let history = helm.history("camunda", &release.namespace).unwrap();
    history.into_iter().map(|it| it.status).collect()
}

/// Pastes the commands of each refusal in the output.
fn paste_commands(release: &Release, refused: &Output) {
    let text = refused.text();
    let commands = text.lines().filter(|line| line.starts_with("kubectl "));
    let script = commands.collect::<Vec<_>>().join("\n");
    let shell = release.cluster.shell(Helm::V3).unwrap();
    shell.run(&script).unwrap().ok().unwrap();
}

/// Each object is judged when it is written: by then others have been.
#[test]
fn an_upgrade_is_stopped_at_its_objects_and_gets_through_once_they_are_cured() {
    let Some((cluster, postgresql)) = started() else {
        return;
    };
    for helm in Helm::BOTH {
        let helm = cluster.helm(helm).with_env(postgresql.helm());
        let release = installed(&helm, cluster, "camunda-8.2");
        let volume = release.bound("elasticsearch-master-elasticsearch-master-0");
        let policy = || {
            let volume = cluster.get("pv", "", &volume).unwrap().unwrap();
            volume["spec"]["persistentVolumeReclaimPolicy"].clone()
        };
        assert_eq!(policy(), "Retain");
        let upgrade = |mode: &str| {
            let args = [mode, "--set=zeebe.podSecurityContext=null"];
            helm.upgrade("camunda", &own("camunda-8.3"), &release.namespace, &args)
        };
        let before = release.versions();

        let refused = upgrade(ANEW);
        let denial = Denial::of(&refused);
        denial.assert_rules(&["elasticsearch-claims-orphaned"]);
        // The record would have been refused for these; a client's Secret alone is only warned about.
        let warned = "identity-secret-regenerated: A credential would get a new value.";
        assert!(words(&denial.text).contains(warned), "{}", denial.text);
        let partly = "Everything else of this change may have been applied already.";
        assert!(denial.text.contains(partly), "{}", denial.text);
        assert_ne!(release.versions(), before);
        assert_eq!(statuses(&helm, &release), ["deployed", "failed"]);
        paste_commands(&release, &refused);

        let refused = upgrade(REUSE);
        let mut denial = Denial::of(&refused);
        denial.rules.dedup();
        denial.assert_rules(&["immutable-field-changed"]);
        paste_commands(&release, &refused);

        let upgraded = upgrade(REUSE).ok().unwrap();
        assert!(
            upgraded.text().contains("fsGroup 1000 was set"),
            "{}",
            upgraded.report()
        );
        assert_eq!(release.bound("data-camunda-elasticsearch-master-0"), volume);
        assert_eq!(policy(), "Retain");
    }
}

/// What only the change as a whole shows: that an object is no longer in the chart.
#[test]
fn what_helm_deletes_is_judged_only_by_check() {
    let Some((cluster, postgresql)) = started() else {
        return;
    };
    let chart = own("camunda-12");
    let with_record = Release::new(cluster, "camunda");
    with_record.install(Helm::V3, &chart, &[]).ok().unwrap();
    let expected = ["claims-orphaned", "identity-secret-removed"];
    let denial = with_record.refused(Helm::V3, &chart, &[WITHOUT_KEYCLOAK]);
    denial.assert_rules(&expected);

    let helm = cluster.helm(Helm::V3).with_env(postgresql.helm());
    let release = installed(&helm, cluster, "camunda-12");
    let upgrade = |more: &[&str]| {
        let args = [&[WITHOUT_KEYCLOAK], more].concat();
        let output = helm.upgrade("camunda", &chart, &release.namespace, &args);
        output.ok().unwrap()
    };
    let dry_run = upgrade(&["--dry-run=server", "-o", "json"]).stdout;
    let checked = Denial::of_check(&release.check(&["-"], &dry_run));
    let unknown_values = "not-checked";
    checked.assert_rules(&[expected[0], expected[1], unknown_values]);
    upgrade(&[]);
    assert_eq!(release.get("statefulset", "camunda-postgresql"), None);
    assert_eq!(statuses(&helm, &release), ["superseded", "deployed"]);
}

/// That there is no record is no reason to say that there is no release.
#[test]
fn commands_say_where_the_record_may_be() {
    let Some((cluster, postgresql)) = started() else {
        return;
    };
    let helm = cluster.helm(Helm::V4).with_env(postgresql.helm());
    let release = installed(&helm, cluster, "camunda-8.2");
    let namespace = &*release.namespace;
    let run = |args: &[&str], code: i32| {
        let run = Run::new(BINARY).args(args).args(["-n", namespace]);
        let run = run.env("KUBECONFIG", cluster.kubeconfig());
        let output = run.output().unwrap();
        assert_eq!(output.code, Some(code), "{}", output.report());
        output
    };
    let elsewhere = "either Helm keeps its records elsewhere (in SQL, or in another namespace), or it was applied without Helm";
    let told = |output: &Output, expected: &str| {
        let text = words(&output.text());
        assert!(text.contains(expected), "{}", output.report());
    };

    let checked = run(&["check", "camunda"], 0);
    told(&checked, "Nothing has to be cured.");
    told(&checked, &format!("told what runs: {elsewhere}."));
    let scan = run(&["scan", "-o", "json"], 3).json().unwrap();
    let row = &scan["releases"][0];
    assert_eq!(row["release"], "camunda");
    assert_eq!(row["status"], "unknown");
    assert_eq!(row["chart"], "8.2.34");
    let found = row["problems"].as_array().unwrap().iter();
    assert!(
        found
            .clone()
            .any(|it| it["rule"] == "elasticsearch-claims-orphaned")
    );
    let gap = &scan["notSeen"][0];
    assert_eq!(
        gap["what"],
        format!("release camunda in namespace {namespace}")
    );
    assert!(gap["reason"].as_str().unwrap().contains(elsewhere), "{gap}");
    let plan = run(&["plan", "camunda", "--to", "8.3"], 1);
    told(&plan, &format!("though it runs there: {elsewhere}"));
    // What needs no record works; 2 is for want of a terminal to ask on.
    told(
        &run(&["rebind", "camunda"], 2),
        "Elasticsearch is down from here on",
    );

    let missing = run(&["plan", "shop", "--to", "8.3"], 1);
    told(
        &missing,
        &format!("there is no release shop in namespace {namespace}"),
    );
    assert_eq!(run(&["check", "shop"], 2).stdout, "");
    // A record that is there is not looked for elsewhere.
    let other = Release::new(cluster, "camunda");
    other
        .install(Helm::V4, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    other.bind_all();
    let checked = other.check(&["camunda", "-n", &other.namespace], "");
    assert!(
        !words(&checked.text()).contains(elsewhere),
        "{}",
        checked.report()
    );
}
