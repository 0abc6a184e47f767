//! The main job with real charts: refused, cured as the refusal says, admitted, the data still there.

use std::fs;

use harness::{Denial, Helm, Secrets};

use crate::{
    release::{Release, assert_silent, record},
    stage::guarded_with_corpus,
};

#[test]
fn helm_3_from_8_2_to_8_3_unprepared() {
    from_8_2_to_8_3(Helm::V3);
}

#[test]
fn helm_4_from_8_2_to_8_3_unprepared() {
    from_8_2_to_8_3(Helm::V4);
}

fn from_8_2_to_8_3(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = |record: &str| {
        let dir = cluster.scratch("chart").unwrap();
        corpus
            .record(record)
            .unwrap()
            .chart(Secrets::GenerateAnew)
            .write(&dir)
            .unwrap()
    };
    // The real 8.2 can't be installed by Helm 4's server-side apply.
    release.install_record(Helm::V3, &chart("8.2.34"));
    release.bind_all();
    let volumes: Vec<_> = (0..2)
        .map(|ordinal| {
            release.bound(&format!(
                "elasticsearch-master-elasticsearch-master-{ordinal}"
            ))
        })
        .collect();
    let file = cluster.volume_dir(&volumes[0]).unwrap().join("index");
    fs::write(&file, "data").unwrap();
    let (versions, secrets) = (release.versions(), release.secrets());

    let target = chart("8.3.1");
    let refused = release.upgrade_record(helm, &target);
    let denial = Denial::of(&refused);
    denial.assert_rules(&[
        "elasticsearch-claims-orphaned",
        "identity-secret-regenerated",
        "immutable-field-changed",
    ]);
    assert_eq!(release.revisions(), [(1, "deployed".to_owned())]);
    assert_eq!(release.versions(), versions);
    denial.assert_tells_none_of(&secrets);

    let shell = cluster.shell(helm).unwrap();
    shell
        .run(&denial.cure(&release.upgrade_command(&target)))
        .unwrap()
        .ok()
        .unwrap();
    for (ordinal, volume) in volumes.iter().enumerate() {
        let claim = format!("data-camunda-elasticsearch-master-{ordinal}");
        assert_eq!(&release.bound(&claim), volume);
        release.wait_phase(
            &format!("elasticsearch-master-elasticsearch-master-{ordinal}"),
            "Lost",
        );
        let policy = cluster.get("pv", "", volume).unwrap().unwrap();
        assert_eq!(policy["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "data");
    for (name, data) in release.secrets() {
        if let Some(before) = secrets.get(&name).filter(|_| name != "camunda-web-modeler") {
            assert_eq!(&data, before, "{name}");
        }
    }
}

/// The converted values are pasted as they are printed.
#[test]
fn web_modelers_database_moves_into_a_url() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let old = record(cluster, &corpus, "8.2.34", Secrets::ReuseLookup);
    release.install_record(Helm::V3, &old);
    release.bind_all();
    let target = record(cluster, &corpus, "8.3.1", Secrets::ReuseLookup);
    let external = "webModeler.restapi.externalDatabase";
    let command = format!(
        "{} --set postgresql.enabled=false --set {external}.host=db,{external}.port=5433,{external}.database=modeler",
        release.upgrade_command(&target)
    );
    let shell = cluster.shell(Helm::V3).unwrap();
    let denial = Denial::of(&shell.run(&command).unwrap());
    assert!(
        denial
            .rules
            .contains(&"web-modeler-database-url".to_owned()),
        "{}",
        denial.text
    );
    shell.run(&denial.cure(&command)).unwrap().ok().unwrap();
    let record = cluster
        .release_record(&release.namespace, "camunda", 2)
        .unwrap();
    let database = &record["config"]["webModeler"]["restapi"]["externalDatabase"];
    assert_eq!(database["url"], "jdbc:postgresql://db:5433/modeler");
}

/// 13 on default values deletes Keycloak, PostgreSQL and all generated Secrets, and exits 0.
/// Charts up to 8.3.2 want every value given; a wrong one is refused, the right one passes.
#[test]
fn a_wrong_value_given_to_a_chart_that_demands_it() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = record(cluster, &corpus, "8.2.34", Secrets::FailUnlessGiven);
    release.install_record(Helm::V3, &chart);
    release.bind_all();
    let value = |component| format!("global.identity.auth.{component}.existingSecret");
    let given = |components: &[&str]| {
        let mut script = release.upgrade_command(&chart);
        for component in ["tasklist", "operate", "optimize", "connectors", "zeebe"] {
            let secret = if components.contains(&component) {
                format!(
                    "$(kubectl -n {} get secret camunda-{component}-identity-secret -o jsonpath='{{.data.{component}-secret}}' | base64 -d)",
                    &*release.namespace
                )
            } else {
                "wrong".to_owned()
            };
            script += &format!(" --set-string {}=\"{secret}\"", value(component));
        }
        cluster.shell(Helm::V3).unwrap().run(&script).unwrap()
    };
    let denial = Denial::of(&given(&["operate", "optimize", "connectors", "zeebe"]));
    denial.assert_rules(&["identity-secret-regenerated"]);
    assert_eq!(
        denial.flags(),
        [format!(
            "--set-string {}=\"$TASKLIST_SECRET\"",
            value("tasklist")
        )]
    );
    assert_silent(
        &given(&["tasklist", "operate", "optimize", "connectors", "zeebe"])
            .ok()
            .unwrap(),
    );
}

/// 10 changes a selector that is in no guide.
#[test]
fn from_9_to_10_identity_has_another_selector() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    for helm in Helm::BOTH {
        let release = Release::new(cluster, "camunda");
        release.install_record(
            Helm::V3,
            &record(cluster, &corpus, "9.3.7", Secrets::ReuseLookup),
        );
        release.bind_all();
        let target = record(cluster, &corpus, "10.0.2", Secrets::ReuseLookup);
        let denial = Denial::of(&release.upgrade_record(helm, &target));
        denial.assert_rules(&["immutable-field-changed"]);
        let delete = format!(
            "kubectl -n {} delete deployment camunda-identity --ignore-not-found",
            &*release.namespace
        );
        assert_eq!(denial.commands(), [delete]);
        let shell = cluster.shell(helm).unwrap();
        shell
            .run(&denial.cure(&release.upgrade_command(&target)))
            .unwrap()
            .ok()
            .unwrap();
    }
}
