//! From real releases of 12 to real ones of 13: each way that loses something is refused, and cured as it says.

use harness::{Chart, Cluster, Corpus, Denial, Helm, Secrets};

use crate::{
    release::{Release, assert_silent, record},
    stage::guarded_with_corpus,
};

/// What every way to 13 on default values meets.
const ON_DEFAULTS: [&str; 6] = [
    "authentication-changed",
    "claims-orphaned",
    "component-disappears",
    "data-migration-disabled",
    "identity-secret-removed",
    "importers-disabled",
];

/// The new keys of old passwords, and where they were.
pub const CARRIED: [(&str, &str, &str); 3] = [
    (
        "identity-keycloak-admin-password",
        "camunda-keycloak",
        "admin-password",
    ),
    (
        "identity-keycloak-postgresql-admin-password",
        "camunda-postgresql",
        "postgres-password",
    ),
    (
        "identity-keycloak-postgresql-user-password",
        "camunda-postgresql",
        "password",
    ),
];

/// Upgrades to `bad`, which is refused by exactly these rules; then to `good`, with all that the refusal prints.
fn refused_and_cured(
    (cluster, corpus): (&Cluster, &Corpus),
    helm: Helm,
    from: &str,
    bad: &str,
    rules: &[&str],
    good: &Chart,
) {
    let release = Release::new(cluster, "camunda");
    let chart = record(cluster, corpus, from, Secrets::ReuseLookup);
    release.install_record(Helm::V3, &chart);
    release.bind_all();
    let (versions, volumes, before) = (release.versions(), release.volumes(), release.secrets());
    let target = record(cluster, corpus, bad, Secrets::ReuseLookup);
    let denial = Denial::of(&release.upgrade_record(helm, &target));
    denial.assert_rules(rules);
    assert_eq!(release.versions(), versions);
    denial.assert_tells_none_of(&before);

    let shell = cluster.shell(helm).unwrap();
    let cured = shell
        .run(&denial.cure(&release.upgrade_command(good)))
        .unwrap();
    assert!(cured.success(), "{}\n{}", denial.text, cured.report());
    release.bind_all();
    assert!(release.volumes().is_superset(&volumes));
    let after = release.secrets();
    for (key, secret, old) in CARRIED {
        assert_eq!(
            after["camunda-credentials"][key], before[secret][old],
            "{key}"
        );
    }
    let database = release.get("statefulset", "camunda-postgresql").unwrap();
    assert!(
        database.to_string().contains("camunda-credentials"),
        "{database}"
    );
}

#[test]
fn helm_3_to_13_on_default_values() {
    on_default_values(Helm::V3);
}

#[test]
fn helm_4_to_13_on_default_values() {
    on_default_values(Helm::V4);
}

/// Also what the guide's own line comes to when it is pasted as printed: its comments cut it off.
fn on_default_values(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let good = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    refused_and_cured(
        (cluster, &corpus),
        helm,
        "12.13.3-defaults",
        "13.12.7-defaults",
        &ON_DEFAULTS,
        &good("13.12.7-migration"),
    );
    // Helm takes the values of before where none are given; Web Modeler's database goes, too.
    let mut rules = ON_DEFAULTS.to_vec();
    rules.extend(["claims-orphaned", "web-modeler-postgresql-renamed"]);
    refused_and_cured(
        (cluster, &corpus),
        helm,
        "12.13.3",
        "13.12.7-defaults",
        &rules,
        &good("13.12.7-migration-full"),
    );
}

/// With all its flags it deletes Keycloak, PostgreSQL and all generated Secrets, and exits 0.
#[test]
fn the_guides_own_command_to_13() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let helm = Helm::V3;
    refused_and_cured(
        (cluster, &corpus),
        helm,
        "12.13.3-defaults",
        "13.12.7-guides-line",
        &ON_DEFAULTS,
        &record(cluster, &corpus, "13.12.7-migration", Secrets::ReuseLookup),
    );
}

/// 13 drops `zeebe.clusterSize` and `zeebe.pvcSize` in silence.
#[test]
fn five_brokers_to_13() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let good = corpus.record("13.12.7-migration").unwrap();
    let as_before = |document: &mut harness::Document| {
        if document.kind == "StatefulSet" && document.name == "camunda-zeebe" {
            document.text = document
                .text
                .replace("replicas: 3", "replicas: 5")
                .replace("32Gi", "64Gi");
        }
    };
    let helm = Helm::V4;
    let dir = cluster.scratch("chart").unwrap();
    let chart = good.chart(Secrets::ReuseLookup).edit(as_before);
    refused_and_cured(
        (cluster, &corpus),
        helm,
        "12.13.3-five-brokers",
        "13.12.7-five-brokers-dropped",
        &[
            "credentials-secret-incomplete",
            "identity-secret-removed",
            "immutable-field-changed",
            "orchestration-values",
            "zeebe-brokers-reduced",
        ],
        &chart.write(&dir).unwrap(),
    );
}

/// The way that is right, but for the Secret.
#[test]
fn to_13_with_the_old_passwords_carried_over() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    for (helm, from, to) in [
        (Helm::V3, "12.13.3-defaults", "13.12.7-migration"),
        (Helm::V4, "12.13.3", "13.12.7-migration-full"),
    ] {
        let rules = ["credentials-secret-incomplete", "identity-secret-removed"];
        let good = record(cluster, &corpus, to, Secrets::ReuseLookup);
        refused_and_cured((cluster, &corpus), helm, from, to, &rules, &good);
    }
}

/// Pointing the new chart at the old Secrets looks right, and Helm deletes them all the same.
#[test]
fn to_13_with_secrets_that_helm_deletes() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    for helm in Helm::BOTH {
        let release = Release::new(cluster, "camunda");
        let old = record(cluster, &corpus, "12.13.3-defaults", Secrets::ReuseLookup);
        release.install_record(Helm::V3, &old);
        release.bind_all();
        let name = "13.12.7-reuse-old-secrets";
        let target = record(cluster, &corpus, name, Secrets::ReuseLookup);
        let denial = Denial::of(&release.upgrade_record(helm, &target));
        denial.assert_rules(&["identity-secret-removed"]);
        let reader = "StatefulSet camunda-postgresql reads it";
        assert!(denial.text.contains(reader), "{}", denial.text);
        let shell = cluster.shell(helm).unwrap();
        let cured = shell.run(&denial.cure(&release.upgrade_command(&target)));
        cured.unwrap().ok().unwrap();
        assert!(release.secrets().contains_key("camunda-postgresql"));
        assert_silent(&release.upgrade_record(helm, &target).ok().unwrap());
    }
}

/// The keys of the guide's fourth step are read by no released chart: the upgrade goes without what they were to switch on.
#[test]
fn the_guides_values_that_no_chart_reads() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    let helm = Helm::V4;
    let release = Release::new(cluster, "camunda");
    release.install_record(Helm::V3, &chart("12.13.3-defaults"));
    let target = chart("13.12.7-identity");
    let config = target.with_config();
    let args = [
        &config[0],
        &config[1],
        "--set=orchestration.importer.enabled=true",
        "--set=migration.identity.enabled=true",
        "--set=migration.data.enabled=true",
    ];
    let denial = release.refused(helm, &target.path, &args);
    denial.assert_rules(&[
        "credentials-secret-incomplete",
        "data-migration-disabled",
        "identity-secret-removed",
        "importers-disabled",
    ]);
    for said in [" warnings beside the refusal", "data: {enabled: true}"] {
        assert!(denial.text.contains(said), "{said}: {}", denial.text);
    }
    let good = chart("13.12.7-migration");
    let cured = cluster.shell(helm).unwrap();
    let cured = cured.run(&denial.cure(&release.upgrade_command(&good)));
    cured.unwrap().ok().unwrap();
}
