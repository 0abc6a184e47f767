//! What a cluster admin sets is in effect: in audit mode, by rule, by namespace, and while the guard runs.

use std::{fs, time::Duration};

use harness::{Cluster, ClusterOptions, GuardOptions, Helm, wait_until};

use crate::{
    charts::own,
    events::told,
    release::{Release, assert_silent},
    stage::BINARY,
};

const REMOVED: &str = "identity-secret-removed";

#[test]
fn rules_count_as_they_are_configured() {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let cluster = Cluster::start(ClusterOptions::default()).unwrap();
    let file = cluster.scratch("config").unwrap().join("config.yaml");
    fs::write(&file, "mode: audit\n").unwrap();
    let mut options = GuardOptions::new(BINARY);
    options.args = vec!["--config".to_owned(), file.display().to_string()];
    let guard = cluster.guard(options).unwrap();
    let load = |text: &str, outcome: &str| {
        let loads = || {
            guard.metric(
                "camunda_upgrade_guard_config_loads_total",
                &[("outcome", outcome)],
            )
        };
        let before = loads().unwrap();
        fs::write(&file, text).unwrap();
        wait_until(
            "the configuration to be read",
            Duration::from_secs(60),
            || Ok((loads()? > before).then_some(())),
        )
        .unwrap();
    };

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
    let denial = release.refused(Helm::V3, &own("camunda-12"), &[dropped]);
    denial.assert_rules(&["claims-orphaned", REMOVED]);
    load(
        &format!(
            "scopes:\n- {{namespaces: [elsewhere-*], mode: audit}}\n- {{namespaces: ['camunda*'], rules: {{{REMOVED}: warn}}}}\n"
        ),
        "ok",
    );
    let denial = release.refused(Helm::V3, &own("camunda-12"), &[dropped]);
    denial.assert_rules(&["claims-orphaned"]);
    assert!(
        denial.text.contains(&format!("Warning: {REMOVED}")),
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
        .refused(Helm::V3, &own("camunda-12"), &[dropped])
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
