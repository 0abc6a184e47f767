//! Camunda as a subchart with an alias, beside a PostgreSQL that is somebody else's.

use std::fs;

use harness::{Cluster, Helm};

use crate::{
    charts::{ANEW, copied, own},
    release::{Release, assert_silent},
    stage::guarded,
};

fn shop<'c>(cluster: &'c Cluster, args: &[&str]) -> Release<'c> {
    let release = Release::new(cluster, "shop");
    let installed = release.install(Helm::V3, &own("umbrella"), args);
    assert_silent(&installed.ok().unwrap());
    release
}

/// The other PostgreSQL's password is its owner's business.
#[test]
fn credentials_are_kept_by_value_keys_below_the_alias() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, chart) = (shop(cluster, &[ANEW]), own("umbrella"));
    for helm in Helm::BOTH {
        let denial = release.refused(helm, &chart, &[ANEW]);
        denial.assert_rules(&["identity-secret-regenerated"]);
        let flags = denial.flags();
        let keys: Vec<_> = flags
            .iter()
            .map(|flag| {
                let key = flag.strip_prefix("--set-string ").unwrap();
                key.split_once('=').unwrap().0
            })
            .collect();
        assert_eq!(
            keys,
            [
                "camunda-bpm.identityKeycloak.postgresql.auth.password",
                "camunda-bpm.identityKeycloak.postgresql.auth.postgresPassword",
                "camunda-bpm.identityKeycloak.auth.adminPassword",
                "global.identity.auth.connectors.existingSecret",
                "global.identity.auth.operate.existingSecret",
                "global.identity.auth.optimize.existingSecret",
                "global.identity.auth.tasklist.existingSecret",
                "global.identity.auth.zeebe.existingSecret",
            ]
        );
        assert!(!denial.text.contains("shop-database"), "{}", denial.text);
        let mut before = release.secrets();
        release.cured(helm, &denial, &chart, &[ANEW]);
        let mut after = release.secrets();
        assert_ne!(
            before.remove("shop-database"),
            after.remove("shop-database")
        );
        assert_eq!(before, after);
    }
}

#[test]
fn somebody_elses_database_may_go() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = shop(cluster, &[]);
    release.bind_all();
    let chart = copied(cluster, "umbrella");
    fs::remove_dir_all(chart.join("charts/postgresql/templates/primary")).unwrap();
    assert_silent(&release.upgrade(Helm::V4, &chart, &[]).ok().unwrap());
    assert!(release.get("statefulset", "shop-database").is_none());
}

#[test]
fn camunda_switched_off_leaves_its_volumes_behind() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let (release, chart) = (shop(cluster, &[]), own("umbrella"));
    let off = ["--set=camunda-bpm.enabled=false"];
    let denial = release.refused(Helm::V3, &chart, &off);
    denial.assert_rules(&[
        "claims-orphaned",
        "claims-orphaned",
        "claims-orphaned",
        "identity-secret-removed",
    ]);
    for set in ["shop-zeebe", "shop-postgresql", "shop-elasticsearch-master"] {
        let gone = format!("StatefulSet {set} is not in the new manifest");
        assert!(denial.text.contains(&gone), "{}", denial.text);
    }
    assert!(!denial.text.contains("shop-database"), "{}", denial.text);
    let (volumes, secrets) = (release.volumes(), release.secrets());
    // What is given up is typed by whoever takes the sign away.
    let shell = cluster.shell(Helm::V3).unwrap();
    shell.run(&denial.given_up()).unwrap().ok().unwrap();
    release.cured(Helm::V3, &denial, &chart, &off);
    assert_eq!(release.volumes(), volumes);
    assert_eq!(
        release.secrets()["shop-postgresql"],
        secrets["shop-postgresql"]
    );
}
