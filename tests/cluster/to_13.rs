//! From 12 to 13 with what users set: refused, converted as the refusal prints, admitted on the old passwords.

use std::fs;

use harness::Helm;

use crate::{
    charts::own,
    corpus_13::CARRIED,
    release::{Release, assert_silent},
    stage::guarded,
};

/// What somebody has set for 12.
const VALUES: &str = "
zeebe:
  clusterSize: 5
  pvcSize: 1Gi
  env: [{name: ZEEBE_BROKER_DATA_DISKUSAGECOMMANDWATERMARK, value: '0.9'}]
zeebeGateway:
  env: [{name: ZEEBE_GATEWAY_THREADS_MANAGEMENTTHREADS, value: '4'}]
operate:
  env: [{name: CAMUNDA_OPERATE_ARCHIVER_WAITPERIODBEFOREARCHIVING, value: 2h}]
";

#[test]
fn helm_3_takes_converted_values_to_13() {
    takes_converted_values_to_13(Helm::V3);
}

#[test]
fn helm_4_takes_converted_values_to_13() {
    takes_converted_values_to_13(Helm::V4);
}

fn takes_converted_values_to_13(helm: Helm) {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let file = cluster.scratch("values").unwrap().join("values.yaml");
    fs::write(&file, VALUES).unwrap();
    let args = ["-f", file.to_str().unwrap()];
    let installed = release.install(helm, &own("camunda-12"), &args);
    assert_silent(&installed.ok().unwrap());
    release.bind_all();
    let (volumes, before) = (release.volumes(), release.secrets());
    let brokers = release.get("statefulset", "camunda-zeebe").unwrap();

    let chart = own("camunda-13");
    let denial = release.refused(helm, &chart, &args);
    denial.assert_rules(&[
        "authentication-changed",
        "claims-orphaned",
        "component-disappears",
        "data-migration-disabled",
        "identity-secret-removed",
        "immutable-field-changed",
        "importers-disabled",
        "orchestration-values",
        "zeebe-brokers-reduced",
    ]);
    assert_eq!(
        denial.text.matches("cat > camunda-13.yaml").count(),
        1,
        "{}",
        denial.text
    );
    release.cured(helm, &denial, &chart, &args);

    let after = release.get("statefulset", "camunda-zeebe").unwrap();
    assert_eq!(after["metadata"]["uid"], brokers["metadata"]["uid"]);
    assert_eq!(after["spec"]["replicas"], 5);
    let variables = after["spec"]["template"]["spec"]["containers"][0]["env"]
        .as_array()
        .unwrap();
    for name in [
        "ZEEBE_BROKER_DATA_DISKUSAGECOMMANDWATERMARK",
        "ZEEBE_GATEWAY_THREADS_MANAGEMENTTHREADS",
        "CAMUNDA_OPERATE_ARCHIVER_WAITPERIODBEFOREARCHIVING",
    ] {
        assert!(
            variables.iter().any(|variable| variable["name"] == name),
            "{name}"
        );
    }
    assert!(release.volumes().is_superset(&volumes));
    for workload in [
        "camunda-identity",
        "camunda-optimize",
        "camunda-zeebe-migration-importer",
    ] {
        assert!(release.get("deployment", workload).is_some(), "{workload}");
    }
    let carried = &release.secrets()["camunda-credentials"];
    for (key, secret, old) in CARRIED.into_iter().chain([
        (
            "identity-optimize-client-token",
            "camunda-optimize-identity-secret",
            "optimize-secret",
        ),
        (
            "identity-connectors-client-token",
            "camunda-connectors-identity-secret",
            "connectors-secret",
        ),
    ]) {
        assert_eq!(carried[key], before[secret][old], "{key}");
    }
}
