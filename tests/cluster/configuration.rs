//! What a cluster admin sets is in effect: in audit mode, by rule, by namespace, and while the guard runs.

use std::{fs, path::Path, time::Duration};

use harness::{Cluster, Guard, Helm, wait_until};

use crate::{
    charts::{ANEW, copied, own, replace},
    events::told,
    release::{Release, assert_silent},
    stage::configured,
};

const REMOVED: &str = "identity-secret-removed";

/// Writes the file and waits until the guard has looked at it.
fn load(guard: &Guard, file: &Path, text: &str, outcome: &str) {
    let loads = || {
        guard.metric(
            "camunda_upgrade_guard_config_loads_total",
            &[("outcome", outcome)],
        )
    };
    let before = loads().unwrap();
    fs::write(file, text).unwrap();
    wait_until(
        "the configuration to be read",
        Duration::from_secs(60),
        || Ok((loads()? > before).then_some(())),
    )
    .unwrap();
}

#[test]
fn rules_count_as_they_are_configured() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let (options, file) = configured(&cluster, "mode: audit\n");
    let guard = cluster.guard(options).unwrap();
    let load = |text: &str, outcome: &str| load(&guard, &file, text, outcome);

    let release = Release::new(&cluster, "camunda");
    let installed = release.install(Helm::V3, &own("camunda-12"), &[]);
    assert_silent(&installed.ok().unwrap());
    release.bind_all();
    // Nothing is refused, and nothing untold; a dry run leaves no record, so this one is taken back.
    let dropped = "--set=identityKeycloak.enabled=false";
    let admitted = release.upgrade(Helm::V3, &own("camunda-12"), &[dropped]);
    let text = admitted.ok().unwrap().text();
    for rule in [REMOVED, "claims-orphaned"] {
        assert!(
            text.contains(&format!("{rule}: Would be refused: ")),
            "{text}"
        );
    }
    let would = told(&cluster, &release.namespace, "WouldBeRefused", REMOVED);
    assert_eq!(would["regarding"]["name"], "sh.helm.release.v1.camunda.v2");
    let labels = [("rule", REMOVED), ("action", "audited")];
    let found = guard.metric("camunda_upgrade_guard_findings_total", &labels);
    assert_eq!(found.unwrap(), 1.0);
    let restored = release.upgrade(
        Helm::V3,
        &own("camunda-12"),
        &["--set=identityKeycloak.enabled=true"],
    );
    restored.ok().unwrap();
    release.bind_all();

    load("{}\n", "ok");
    let denial = release.refused_by_guard(Helm::V3, &own("camunda-12"), &[dropped]);
    denial.assert_rules(&["claims-orphaned", REMOVED]);
    load(
        &format!(
            "scopes:\n- {{namespaces: [elsewhere-*], mode: audit}}\n- {{namespaces: ['camunda*'], rules: {{{REMOVED}: warn}}}}\n"
        ),
        "ok",
    );
    let denial = release.refused_by_guard(Helm::V3, &own("camunda-12"), &[dropped]);
    denial.assert_rules(&["claims-orphaned"]);
    assert!(
        denial.text.contains("1 warning beside the refusal"),
        "{}",
        denial.text
    );
    // What is wrong changes nothing and says where.
    load("rules:\n  claims-orphand: off\n", "failed");
    assert!(
        guard
            .log()
            .contains("there is no rule \\\"claims-orphand\\\"")
            || guard.log().contains("there is no rule \"claims-orphand\""),
        "{}",
        guard.log()
    );
    release
        .refused_by_guard(Helm::V3, &own("camunda-12"), &[dropped])
        .assert_rules(&["claims-orphaned"]);
    load(
        "rules: {claims-orphaned: off, identity-secret-removed: off}\n",
        "ok",
    );
    let admitted = release
        .upgrade(Helm::V3, &own("camunda-12"), &[dropped])
        .ok()
        .unwrap();
    assert!(
        !admitted.text().contains("claims-orphaned"),
        "{}",
        admitted.text()
    );
}

/// A pod that is moved to another node finds what somebody has broken since; it guards all the same.
#[test]
fn a_guard_that_starts_over_a_broken_configuration_refuses_by_the_defaults_and_says_so() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let (options, file) = configured(&cluster, "mode: audit\nrules: {relase-notes: warn}\n");
    // It waits until the guard is ready.
    let guard = cluster.guard(options).unwrap();
    let successful = || {
        let name = "camunda_upgrade_guard_config_last_load_successful";
        guard.metric(name, &[]).unwrap()
    };
    let says = |counts: &str| {
        let log = guard.log();
        let line = log.lines().find(|line| line.contains(counts));
        line.is_some_and(|line| line.contains("ERROR"))
    };
    assert_eq!(successful(), 0.0);
    assert!(says("the defaults count"), "{}", guard.log());
    let event = told(
        &cluster,
        "default",
        "ConfigurationUnreadable",
        "the defaults count",
    );
    assert_eq!(event["regarding"]["name"], "camunda-upgrade-guard");
    let note = event["note"].as_str().unwrap();
    assert!(note.contains("at rules.relase-notes: line 2"), "{note}");

    let release = Release::new(&cluster, "camunda");
    let installed = release.install(Helm::V4, &own("camunda-12"), &[]);
    assert_silent(&installed.ok().unwrap());
    release.bind_all();
    let dropped = ["--set=identityKeycloak.enabled=false"];
    let refused = || {
        release
            .refused_by_guard(Helm::V4, &own("camunda-12"), &dropped)
            .assert_rules(&["claims-orphaned", REMOVED]);
    };
    refused();
    load(&guard, &file, "rules: {release-notes: warn}\n", "ok");
    assert_eq!(successful(), 1.0);
    refused();
    load(&guard, &file, "mode: loud\n", "failed");
    assert_eq!(successful(), 0.0);
    assert!(says("what counted before stays"), "{}", guard.log());
    load(&guard, &file, "mode: audit\n", "ok");
    let admitted = release.upgrade(Helm::V4, &own("camunda-12"), &dropped);
    let text = admitted.ok().unwrap().text();
    assert!(text.contains("Would be refused: "), "{text}");
}

#[test]
fn what_the_guard_knows_is_set_while_it_runs() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let (options, file) = configured(&cluster, "");
    let guard = cluster.guard(options).unwrap();
    let load = |text: &str| load(&guard, &file, text, "ok");
    newest_patches(&cluster, &load);
    labelled_namespaces(&cluster, &load);
    charts_of_ones_own(&cluster, &load);
}

fn newest_patches(cluster: &Cluster, load: &impl Fn(&str)) {
    let release = Release::new(cluster, "camunda");
    let installed = release.install(Helm::V3, &own("camunda-8.2"), &[]);
    installed.ok().unwrap();
    let upgraded = || {
        release
            .refused_by_guard(Helm::V3, &own("camunda-9.3"), &[ANEW])
            .text
    };
    let told = "8.2.77 (Camunda 8.2)";
    let text = upgraded();
    assert!(
        text.contains("8.3.26 (Camunda 8.3)") && !text.contains(told),
        "{text}"
    );
    load("newestPatches: {\"8.2\": 8.2.77}\n");
    let text = upgraded();
    assert!(text.contains(told), "{text}");
    load("newestPatches: {\"8.2\": 8.2.34, \"8.3\": 8.3.1}\n");
    let text = upgraded();
    assert!(
        text.contains("8.3.1 (Camunda 8.3)") && !text.contains(told),
        "{text}"
    );
}

fn labelled_namespaces(cluster: &Cluster, load: &impl Fn(&str)) {
    let release = Release::new(cluster, "camunda");
    let chart = own("camunda-12");
    release.install(Helm::V4, &chart, &[]).ok().unwrap();
    release.bind_all();
    let label = |label: &str| {
        let args = [
            "label",
            "--overwrite",
            "namespace",
            &release.namespace,
            label,
        ];
        cluster.kubectl(args).ok().unwrap();
    };
    let upgraded = |value: &str| {
        let switch = format!("--set=identityKeycloak.enabled={value}");
        let upgraded = release.upgrade(Helm::V4, &chart, &[&switch]);
        upgraded.ok().unwrap()
    };
    load(
        "scopes:\n- {namespaceLabels: {stage: dev*}, mode: audit}\n- {namespaceLabels: {stage: 'off'}, mode: off}\n",
    );
    for other in ["team=a", "stage=prod"] {
        label(other);
        let removed = ["--set=identityKeycloak.enabled=false"];
        let denial = release.refused_by_guard(Helm::V4, &chart, &removed);
        denial.assert_rules(&["claims-orphaned", REMOVED]);
    }
    label("stage=dev-2");
    let text = upgraded("false").text();
    assert!(text.contains("Would be refused: "), "{text}");
    upgraded("true");
    release.bind_all();
    label("stage=off");
    assert_silent(&upgraded("false"));
}

/// Nothing in its objects says what it is.
fn charts_of_ones_own(cluster: &Cluster, load: &impl Fn(&str)) {
    let chart = copied(cluster, "camunda-12");
    replace(
        &chart,
        "Chart.yaml",
        "name: camunda-platform",
        "name: acme-bpm",
    );
    replace(
        &chart,
        "charts/common/templates/_names.tpl",
        "app.kubernetes.io/part-of: camunda-platform",
        "app.kubernetes.io/part-of: acme",
    );
    let release = Release::new(cluster, "engine");
    let installed = release.install(Helm::V3, &chart, &[]);
    assert_silent(&installed.ok().unwrap());
    release.bind_all();
    let anew = || release.upgrade(Helm::V3, &chart, &[ANEW]);
    let foreign = || {
        let upgraded = anew();
        assert_silent(&upgraded.ok().unwrap());
    };
    load("{}\n");
    foreign();
    let shop = Release::new(cluster, "shop");
    let unrelated = own("unrelated");
    shop.install(Helm::V3, &unrelated, &[]).ok().unwrap();
    for guarded in [
        "{charts: [acme-*]}".to_owned(),
        format!(
            "{{namespaces: [{}], releases: [engine]}}",
            &*release.namespace
        ),
    ] {
        load(&format!("guarded: [{guarded}]\n"));
        let denial = release.refused_by_guard(Helm::V3, &chart, &[ANEW]);
        denial.assert_rules(&["identity-secret-regenerated"]);
        let set = r#"{"stringData": {"password": "another"}}"#;
        let patch = [
            "-n",
            &release.namespace,
            "patch",
            "secret",
            "engine-postgresql",
            "-p",
            set,
        ];
        let text = cluster.kubectl(patch).refused().unwrap().text();
        assert!(text.contains("identity-secret-regenerated"), "{text}");
        assert_silent(&shop.upgrade(Helm::V3, &unrelated, &[]).ok().unwrap());
    }
    load("guarded: [{charts: [other-*]}]\n");
    foreign();
}
