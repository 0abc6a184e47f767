//! The ways of docs/install.md, each from the installation to the removal.

use std::collections::BTreeSet;

use harness::{
    Binaries, Cluster, ClusterOptions, Denial, Helm, Shell, binaries::workspace, wait_until,
};

use crate::{
    beside::{Beside, PATIENCE},
    configured,
    documented::{commands, page, page_called, typed},
    monitored,
    outcome::{UPGRADE, has_pods, nothing_is_left, takes_releases, tested, works, written},
    rendered::NAME,
    rights,
    stage::{Stage, checkout, run, run_and_wait, with_camunda},
};

fn by_helm(helm: Helm) {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let stage = Stage::new();
    let cluster = &stage.cluster;
    let shell = checkout(cluster, helm);
    let page = page();
    with_camunda(cluster, &shell);
    let labels = [("pod-security.kubernetes.io/enforce", "restricted")];
    let namespace = ["create", "namespace", NAME];
    cluster.kubectl(namespace).ok().unwrap();
    let label = format!("{}={}", labels[0].0, labels[0].1);
    cluster
        .kubectl(["label", "namespace", NAME, &label])
        .ok()
        .unwrap();

    let installed = run_and_wait(cluster, &shell, &commands(&page, "With Helm"));
    assert!(
        installed.stdout.contains("enforce=true"),
        "{}",
        installed.report()
    );
    run(&shell, &commands(&page, "Where it is in effect"));
    has_pods(cluster);
    rights::assert_documented(cluster, &page);
    assert!(!takes_releases(cluster));
    // A guard that is not there does not keep itself from being repaired.
    run(&shell, &commands(&page, "Upgrade the guard"));

    let guard = Beside::start(cluster);
    let before = wait_until("all webhooks trust one authority", PATIENCE, || {
        let written = written(cluster);
        Ok((written.1.len() == 1 && !written.1.contains("null")).then_some(written))
    });
    let before = before.unwrap();
    assert_eq!(before.0.as_object().unwrap().len(), 2);
    // By either Helm, however each merges; with a change in every webhook, too.
    for other in Helm::BOTH {
        for set in ["webhooks.timeoutSeconds=6", "webhooks.timeoutSeconds=5"] {
            let chart = shell.dir().join("deploy/chart");
            let args = ["--reuse-values", "--set", set];
            let upgraded = cluster.helm(other).upgrade(NAME, &chart, NAME, &args);
            upgraded.ok().unwrap();
            assert_eq!(written(cluster), before, "{other:?} {set}");
        }
    }
    run(&shell, &commands(&page, "Upgrade the guard"));
    assert_eq!(written(cluster), before);
    let force = match helm {
        Helm::V3 => "--force",
        Helm::V4 => "--force-replace --server-side=false",
    };
    let upgrade = commands(&page, "Upgrade the guard");
    run(&shell, &format!("{} {force}", upgrade.trim()));
    // What that takes away the guard puts back.
    wait_until("the same authority", PATIENCE, || {
        let again = guard.log().matches("has the CA to trust now").count() > 2;
        Ok((again && written(cluster) == before).then_some(()))
    })
    .unwrap();
    tested(cluster, helm, &guard);
    works(cluster, &shell, &guard);
    configured::is_read_when_it_is_written(cluster);
    guard.kill();
    assert!(!takes_releases(cluster));
    configured::is_written_without_a_guard(cluster);

    let skip = stage.lines();
    run(&shell, &commands(&page, "Uninstall"));
    nothing_is_left(cluster);
    let deleted = stage.deleted(skip);
    assert!(deleted.len() > 10, "{deleted:?}");
    let first: BTreeSet<_> = deleted[..2].iter().map(String::as_str).collect();
    let webhooks = [
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
    ];
    assert_eq!(first, webhooks.into(), "{deleted:?}");

    half_removed(cluster, &shell, &page);
}

/// Somebody deletes the namespace, and leaves what has none; then somebody deletes what has none.
fn half_removed(cluster: &Cluster, shell: &Shell, page: &str) {
    run_and_wait(cluster, shell, &commands(page, "With Helm"));
    assert!(!takes_releases(cluster));
    let delete = ["delete", "namespace", NAME, "--timeout=120s"];
    cluster.kubectl(delete).ok().unwrap();
    assert!(!takes_releases(cluster));
    run_and_wait(cluster, shell, &commands(page, "With Helm"));
    let guard = Beside::start(cluster);
    guard.behind_the_service();
    assert!(takes_releases(cluster));
    guard.kill();
    let kinds = "clusterrole,validatingwebhookconfiguration";
    cluster.kubectl(["delete", kinds, NAME]).ok().unwrap();
    cluster
        .kubectl(["-n", NAME, "delete", "deployment", NAME])
        .ok()
        .unwrap();
    let uninstall = commands(page, "Uninstall");
    run(shell, &format!("{} --no-hooks", uninstall.trim()));
    nothing_is_left(cluster);
}

#[test]
fn by_helm_3() {
    by_helm(Helm::V3);
}

#[test]
fn by_helm_4() {
    by_helm(Helm::V4);
}

#[test]
fn by_kustomize() {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let stage = Stage::new();
    let cluster = &stage.cluster;
    let shell = checkout(cluster, Helm::V3);
    let page = page();
    with_camunda(cluster, &shell);
    let install = commands(&page, "With kustomize");
    run_and_wait(cluster, &shell, &install);
    run(&shell, &commands(&page, "Where it is in effect"));
    has_pods(cluster);
    rights::assert_documented(cluster, &page);
    assert!(!takes_releases(cluster));
    let guard = Beside::start(cluster);
    let before = written(cluster);
    run_and_wait(cluster, &shell, &install);
    assert_eq!(written(cluster), before);
    works(cluster, &shell, &guard);
    monitored::answers(cluster, guard.admin);
    configured::is_read_when_it_is_written(cluster);
    guard.kill();
    assert!(!takes_releases(cluster));
    run(&shell, &typed(&page, "Uninstall"));
    wait_until("the namespace to be gone", PATIENCE, || {
        Ok(cluster.get("namespace", "", NAME)?.is_none().then_some(()))
    })
    .unwrap();
    nothing_is_left(cluster);
}

#[test]
fn with_a_certificate_of_ones_own() {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let cluster = &Cluster::start(ClusterOptions::default()).unwrap();
    let shell = checkout(cluster, Helm::V3);
    with_camunda(cluster, &shell);
    run_and_wait(cluster, &shell, &commands(&page(), "Certificates"));
    // It needs no right to see to its own certificates.
    let label = "app.kubernetes.io/name=camunda-upgrade-guard";
    let roles = cluster.list("roles,rolebindings", NAME, label).unwrap();
    let wide = cluster.list("clusterroles", "", label).unwrap();
    assert_eq!((roles.len(), wide.len()), (0, 1));
    let guard = Beside::start(cluster);
    works(cluster, &shell, &guard);
}

/// Where it may not read, it says so; what is no Camunda's it lets pass there.
#[test]
fn secrets_of_some_namespaces_only() {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let cluster = &Cluster::start(ClusterOptions::default()).unwrap();
    let shell = checkout(cluster, Helm::V4);
    with_camunda(cluster, &shell);
    let install = commands(&page(), "With Helm");
    let access = "--set 'secretsAccess.namespaces={camunda}'";
    let tolerated =
        r#"{"scopes": [{"namespaces": ["tolerated"], "rules": {"not-checked": "warn"}}]}"#;
    let install = format!(
        "{} {access} --set-json 'config={tolerated}' --set 'extraArgs={{--tls-name=localhost}}'",
        install.trim()
    );
    run_and_wait(cluster, &shell, &install);
    let guard = Beside::start(cluster);
    guard.behind_a_url();
    let denial = Denial::of(&shell.run(UPGRADE).unwrap());
    denial.assert_rules(&[
        "elasticsearch-claims-orphaned",
        "identity-secret-regenerated",
        "immutable-field-changed",
    ]);
    let install = |namespace: &str| {
        let flags = format!("-n {namespace} --create-namespace");
        let install = shell.run(&format!("helm install camunda ./camunda-8.2 {flags}"));
        install.unwrap()
    };
    let denial = Denial::of(&install("elsewhere"));
    denial.assert_rules(&["not-checked"]);
    let who = "system:serviceaccount:camunda-upgrade-guard:camunda-upgrade-guard";
    assert!(denial.text.contains(who), "{}", denial.text);
    let unrelated = workspace().join("tests/charts/unrelated");
    for helm in Helm::BOTH {
        let release = format!("shop-{}", helm.name());
        let install = cluster
            .helm(helm)
            .install(&release, &unrelated, "elsewhere", &[]);
        let upgrade = cluster.helm(helm).upgrade(
            &release,
            &unrelated,
            "elsewhere",
            &["--set=image=nginx:1.30"],
        );
        for output in [install, upgrade] {
            let output = output.ok().unwrap();
            assert!(!output.text().contains("Warning"), "{}", output.report());
        }
    }
    // An admin who can live with that says so.
    let admitted = install("tolerated").ok().unwrap();
    let text = admitted.text();
    assert!(
        text.contains("not-checked: Not everything could be checked. Secret "),
        "{text}"
    );
}

/// Nothing that the guard uses of Kubernetes is newer.
#[test]
fn on_the_oldest_kubernetes() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let cluster = &Cluster::start(ClusterOptions {
        binaries: Some(binaries.with_oldest_kubernetes().unwrap()),
        ..ClusterOptions::default()
    })
    .unwrap();
    let version = cluster.kubectl(["version", "-o", "json"]).ok().unwrap();
    let minor = version.json().unwrap()["serverVersion"]["minor"].clone();
    let said = format!("Kubernetes 1.{}", minor.as_str().unwrap());
    assert!(page().contains(&said), "{said}");

    let shell = checkout(cluster, Helm::V3);
    with_camunda(cluster, &shell);
    run_and_wait(cluster, &shell, &commands(&page(), "With Helm"));
    run(&shell, &commands(&page(), "Where it is in effect"));
    let guard = Beside::start(cluster);
    let chart = shell.dir().join("deploy/chart");
    let upgraded = cluster.helm(Helm::V4).upgrade(NAME, &chart, NAME, &[]);
    upgraded.ok().unwrap();
    works(cluster, &shell, &guard);
    configured::is_read_when_it_is_written(cluster);
    for helm in Helm::BOTH {
        let (shop, namespace) = (workspace().join("tests/charts/unrelated"), helm.name());
        cluster
            .kubectl(["create", "namespace", namespace])
            .ok()
            .unwrap();
        let helm = cluster.helm(helm);
        let installed = helm.install("shop", &shop, namespace, &[]).ok().unwrap();
        assert!(
            !installed.text().contains("Warning"),
            "{}",
            installed.report()
        );
    }
    guard.kill();
    run(&shell, &commands(&page(), "Uninstall"));
    nothing_is_left(cluster);
}

#[test]
fn switched_off_by_one_command_and_on_again_by_another() {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let cluster = &Cluster::start(ClusterOptions::default()).unwrap();
    let shell = checkout(cluster, Helm::V3);
    with_camunda(cluster, &shell);
    run_and_wait(cluster, &shell, &commands(&page(), "With Helm"));
    run(&shell, &commands(&page(), "Where it is in effect"));
    assert!(!takes_releases(cluster));
    run(
        &shell,
        &commands(&page_called("operations.md"), "Switch it off"),
    );
    wait_until("releases pass", PATIENCE, || {
        Ok(takes_releases(cluster).then_some(()))
    })
    .unwrap();
    run(&shell, &commands(&page(), "Upgrade the guard"));
    wait_until("releases wait for a guard", PATIENCE, || {
        Ok((!takes_releases(cluster)).then_some(()))
    })
    .unwrap();
}
