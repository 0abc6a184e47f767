//! `rescue`: the passwords of a release outlive it, and the next installation has them.

use std::{collections::BTreeMap, fs, path::Path};

use camunda_upgrade_guard::{kubernetes::Object, rules::secret_refs};
use harness::{Cluster, Helm, Output, assert_tells_none_of};
use serde_json::{Value, json};

use crate::{
    charts::{ANEW, own},
    command::{guard_as, says},
    release::Release,
    stage::{guarded, unguarded},
};

const KEPT: &str = "kept";
const KEYS: [&str; 8] = [
    "identity-connectors-client-token",
    "identity-keycloak-admin-password",
    "identity-keycloak-postgresql-admin-password",
    "identity-keycloak-postgresql-user-password",
    "identity-optimize-client-token",
    "operate",
    "tasklist",
    "zeebe",
];

fn installed<'c>(cluster: &'c Cluster, chart: &str) -> Release<'c> {
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own(chart), &[ANEW])
        .ok()
        .unwrap();
    release.bind_all();
    release
}

/// Rescues, and asserts that nothing of what any Secret holds was printed.
fn rescue(release: &Release, args: &[&str]) -> Output {
    let output = release.guard(&[&["rescue", "camunda", "--to"], args].concat());
    assert_tells_none_of(&output.text(), &release.secrets());
    output
}

fn generated(release: &Release) -> BTreeMap<String, Value> {
    let mut secrets = release.secrets();
    secrets.retain(|name, _| name != KEPT);
    secrets
}

fn uninstalled(release: &Release) {
    let helm = release.cluster.helm(Helm::V3);
    let output = helm.uninstall(release.name, &release.namespace, &["--wait"]);
    output.ok().unwrap();
    assert_eq!(generated(release), BTreeMap::new());
}

fn helm_install(release: &Release, helm: Helm, chart: &Path, more: &str) -> Output {
    let command = format!(
        "helm install camunda '{}' -n {} {ANEW} {more}",
        chart.display(),
        &*release.namespace
    );
    release.cluster.shell(helm).unwrap().run(&command).unwrap()
}

#[test]
fn the_next_installation_has_the_old_passwords() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    for (chart, helm) in [("camunda-8.2", Helm::V3), ("camunda-12", Helm::V4)] {
        let release = installed(cluster, chart);
        let before = generated(&release);
        let printed = rescue(&release, &[KEPT]).ok().unwrap().stdout;
        let flag = printed.lines().find(|line| line.starts_with("-f <("));
        let flag = flag.unwrap_or_else(|| panic!("no flag: {printed}"));
        uninstalled(&release);

        let refused = helm_install(&release, helm, &own(chart), "");
        let refused = refused.refused().unwrap();
        assert!(
            refused.text().contains("reinstall-over-old-claims"),
            "{}",
            refused.report()
        );
        let installed = helm_install(&release, helm, &own(chart), flag);
        installed.ok().unwrap();
        assert_eq!(generated(&release), before, "{chart}");
    }
}

/// 13 reads them from the Secret itself, under the names that the printed file gives it.
#[test]
fn a_later_chart_reads_the_old_passwords() {
    let Some(cluster) = unguarded() else {
        return;
    };
    let release = installed(cluster, "camunda-12");
    let old = |secret: &str, key: &str| generated(&release)[secret][key].clone();
    let passwords = [
        (
            "camunda-keycloak",
            old("camunda-keycloak", "admin-password"),
        ),
        ("camunda-postgresql", old("camunda-postgresql", "password")),
        (
            "camunda-postgresql",
            old("camunda-postgresql", "postgres-password"),
        ),
    ];
    let printed = rescue(&release, &[KEPT, "--for", "13"])
        .ok()
        .unwrap()
        .stdout;
    let (_, values) = printed.split_once("# For chart 13 ").unwrap();
    let (_, values) = values.split_once('\n').unwrap();
    let file = cluster.scratch("values").unwrap().join("13.yaml");
    fs::write(&file, values).unwrap();
    uninstalled(&release);

    let on = "--set=identity.enabled=true,identityKeycloak.enabled=true";
    let args = [on, "-f", file.to_str().unwrap()];
    let installed = release.install(Helm::V4, &own("camunda-13"), &args);
    installed.ok().unwrap();
    let kept = release.get("secret", KEPT).unwrap();
    for (statefulset, password) in passwords {
        let set = release.get("statefulset", statefulset).unwrap();
        let mut data = kept["data"].as_object().unwrap().iter();
        let (key, _) = data.find(|(_, value)| **value == password).unwrap();
        let named = set.to_string().contains(key.as_str());
        let refs = secret_refs(&Object(set));
        let read = refs.iter().any(|read| read.reads(KEPT, key));
        assert!(named && read, "{statefulset} {key}: {refs:?}");
    }
}

#[test]
fn a_secret_is_filled_up_and_never_changed() {
    let Some(cluster) = unguarded() else {
        return;
    };
    let release = installed(cluster, "camunda-12");
    let namespace = &*release.namespace;
    let keys = |secret: &str| -> Vec<String> {
        let secret = release.get("secret", secret).unwrap();
        secret["data"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let patch = |secret: &str, patch: &Value| {
        let patch = patch.to_string();
        let args = [
            "-n",
            namespace,
            "patch",
            "secret",
            secret,
            "--type=merge",
            "-p",
        ];
        cluster.kubectl(args.iter().chain(&[&*patch])).ok().unwrap();
    };

    says(
        &rescue(&release, &[KEPT, "--dry-run"]),
        0,
        "nothing was changed",
    );
    assert!(release.get("secret", KEPT).is_none());
    rescue(&release, &[KEPT]).ok().unwrap();
    assert_eq!(keys(KEPT), KEYS);
    says(&rescue(&release, &[KEPT]), 0, "keeps all already");

    patch(KEPT, &json!({"data": {"zeebe": null, "mine": "bXkgb3du"}}));
    says(&rescue(&release, &[KEPT]), 0, "keeps zeebe, too");
    assert_eq!(keys(KEPT).len(), KEYS.len() + 1);

    patch(
        "camunda-keycloak",
        &json!({"stringData": {"admin-password": "changed"}}),
    );
    let before = release.get("secret", KEPT);
    let refused = rescue(&release, &[KEPT]);
    says(
        &refused,
        1,
        "other values under identity-keycloak-admin-password",
    );
    assert_eq!(release.get("secret", KEPT), before);
    says(
        &rescue(&release, &["camunda-keycloak"]),
        1,
        "the chart makes",
    );
    let foreign = ["-n", namespace, "create", "secret", "generic", "foreign"];
    cluster.kubectl(foreign).ok().unwrap();
    says(&rescue(&release, &["foreign"]), 1, "was not made by rescue");
    says(&rescue(&release, &["a/b"]), 1, "is no name");
    says(
        &release.guard(&["rescue", "other", "--to=x"]),
        1,
        "no Camunda release other",
    );

    // Without a record of Helm's, as under Argo CD, labels tell.
    let records = ["-n", namespace, "delete", "secrets", "-l", "owner=helm"];
    cluster.kubectl(records).ok().unwrap();
    let without = rescue(&release, &["without-record"]).ok().unwrap();
    assert!(
        without.stdout.contains("# For chart 12 "),
        "{}",
        without.stdout
    );
    assert_eq!(keys("without-record"), KEYS);

    let user = cluster.unique("reader");
    let kubeconfig = cluster.kubeconfig_of_user(&user, &[]).unwrap();
    let rescue = || {
        let args = ["rescue", "camunda", "--to=mine", "-n", namespace];
        guard_as(&kubeconfig, &args)
    };
    says(&rescue(), 1, "cannot list resource \"secrets\"");
    let resources = "--resource=secrets,configmaps,deployments.apps,statefulsets.apps";
    let args = [
        "-n",
        namespace,
        "create",
        "role",
        "reader",
        "--verb=get,list",
        resources,
    ];
    cluster.kubectl(args).ok().unwrap();
    let user = format!("--user={user}");
    let args = [
        "-n",
        namespace,
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        &user,
    ];
    cluster.kubectl(args).ok().unwrap();
    says(&rescue(), 1, "you may not create secrets in namespace ");
}
