//! The webhooks are there and no guard is: after a power cut, before the first pod, while its node drains.

use std::time::Duration;

use camunda_upgrade_guard::webhooks::{ENFORCE, IGNORE};
use harness::{Cluster, Helm, Output, Run, binaries::workspace, pki::Authority, wait_until};

use crate::{
    charts::{ANEW, REUSE, own},
    release::Release,
    replicas::bare,
    stage::BINARY,
};

const NAME: &str = "camunda-upgrade-guard";
const MINUTE: Duration = Duration::from_secs(60);

fn kubectl(cluster: &Cluster, namespace: &str, args: &[&str]) -> Output {
    cluster.kubectl([&["--namespace", namespace], args].concat())
}

/// What the README registers; behind the Service that they name is nobody.
fn register(cluster: &Cluster) {
    let ca = cluster.scratch("ca").unwrap().join("ca.crt");
    std::fs::write(&ca, Authority::new("guard").unwrap().pem()).unwrap();
    let service = format!("{NAME}/{NAME}");
    let printed = Run::new(BINARY)
        .args(["webhooks", "--service", &service, "--ca"])
        .args([&ca])
        .output();
    let webhooks = printed.unwrap().ok().unwrap().stdout;
    cluster.apply(&webhooks).unwrap();
}

#[test]
fn nobody_else_waits_for_a_guard_that_is_not_there() {
    let Some(lease) = bare() else {
        return;
    };
    let cluster = &*lease;
    let chart = own("camunda-12");
    let observed = Release::new(cluster, "camunda");
    let namespace = cluster.namespace_with_labels("enforced", &[(ENFORCE, "true")]);
    let enforced = Release::in_namespace(cluster, namespace.unwrap(), "camunda");
    for release in [&observed, &enforced] {
        release.install(Helm::V3, &chart, &[]).ok().unwrap();
        release.bind_all();
    }
    register(cluster);
    // The configurations are in etcd, and the API server comes up with them.
    cluster.restart(|| Ok(())).unwrap();
    let image = [
        "set",
        "image",
        "sts/camunda-zeebe",
        "*=camunda/zeebe:8.7.38",
    ];
    wait_until("the webhooks to be in effect", MINUTE, || {
        let dry = [&image[..], &["--dry-run=server"]].concat();
        let output = kubectl(cluster, &enforced.namespace, &dry);
        Ok(output
            .text()
            .contains("failed calling webhook")
            .then_some(()))
    })
    .unwrap();

    a_foreign_database(cluster);
    an_unlabelled_namespace(&observed);
    for name in ["kube-system", NAME] {
        if name == NAME {
            cluster.kubectl(["create", "namespace", name]).ok().unwrap();
        }
        // Even where somebody has labelled it.
        let label = format!("{ENFORCE}=true");
        let args = ["label", "namespace", name, &label];
        cluster.kubectl(args).ok().unwrap();
        everything_works(cluster, name);
    }
    the_guard_comes_back(cluster);
    kubectl(cluster, &enforced.namespace, &image)
        .refused()
        .unwrap();
    for release in [&observed, &enforced] {
        let delete = ["delete", "namespace", &release.namespace, "--timeout=120s"];
        cluster.kubectl(delete).ok().unwrap();
    }
}

fn a_foreign_database(cluster: &Cluster) {
    let chart = own("foreign-postgresql");
    for helm in Helm::BOTH {
        let release = Release::new(cluster, "data");
        release.install(helm, &chart, &[ANEW]).ok().unwrap();
        release.bind_all();
        let before = release.secrets();
        let args = [ANEW, "--set=image.tag=18.1.0"];
        release.upgrade(helm, &chart, &args).ok().unwrap();
        assert_ne!(release.secrets(), before);
        let helm = cluster.helm(helm);
        helm.rollback("data", 1, &release.namespace, &[])
            .ok()
            .unwrap();
        helm.uninstall("data", &release.namespace, &[])
            .ok()
            .unwrap();
        let args = ["delete", "pvc", "--all", "--timeout=60s"];
        kubectl(cluster, &release.namespace, &args).ok().unwrap();
    }
}

/// Of Camunda itself: it is not guarded meanwhile, and nothing waits.
fn an_unlabelled_namespace(release: &Release) {
    let (cluster, namespace) = (release.cluster, &*release.namespace);
    for helm in Helm::BOTH {
        release
            .upgrade(helm, &own("camunda-12"), &[REUSE])
            .ok()
            .unwrap();
    }
    for args in [
        &["scale", "sts", "camunda-zeebe", "--replicas=1"][..],
        &["scale", "sts", "camunda-zeebe", "--replicas=4"],
        &["scale", "deployment", "camunda-operate", "--replicas=2"],
        &["delete", "secret", "camunda-postgresql"],
        &["delete", "pvc", "data-camunda-postgresql-0", "--wait=false"],
    ] {
        kubectl(cluster, namespace, args).ok().unwrap();
    }
    let settings = ["create", "configmap", "settings"];
    kubectl(cluster, namespace, &settings).ok().unwrap();
    let label = [
        "label",
        "configmap",
        "settings",
        "camunda-upgrade-guard/override=camunda",
    ];
    kubectl(cluster, namespace, &label).refused().unwrap();
    the_namespace(cluster, namespace);
    // The new broker's claim is made, and its volume made and bound, by controllers.
    release.bound("data-camunda-zeebe-3");
}

/// Nobody takes it from the guard while the guard can't be asked; everything else goes on.
fn the_namespace(cluster: &Cluster, namespace: &str) {
    let label =
        |label: &str| cluster.kubectl(["label", "--overwrite", "namespace", namespace, label]);
    let ignored = format!("{IGNORE}=true");
    let refused = label(&ignored).refused().unwrap();
    let webhook = "ignored-namespaces.enforced.camunda-upgrade-guard";
    assert!(refused.text().contains(webhook), "{}", refused.report());
    let (enforced, released) = (format!("{ENFORCE}=true"), format!("{ENFORCE}-"));
    for admitted in ["a=b", "a-", &format!("{IGNORE}=no"), &enforced, &released] {
        label(admitted).ok().unwrap();
    }
    let made = format!("{namespace}-made");
    cluster
        .kubectl(["create", "namespace", &made])
        .ok()
        .unwrap();
    let delete = ["delete", "namespace", &made, "--timeout=120s"];
    cluster.kubectl(delete).ok().unwrap();
}

/// All that the webhooks match elsewhere.
fn everything_works(cluster: &Cluster, namespace: &str) {
    for helm in Helm::BOTH {
        let helm = cluster.helm(helm);
        for (name, chart) in [
            ("other-tools", "unrelated"),
            ("data", "foreign-postgresql"),
            ("camunda", "camunda-12"),
        ] {
            let chart = own(chart);
            helm.install(name, &chart, namespace, &[]).ok().unwrap();
            helm.upgrade(name, &chart, namespace, &[]).ok().unwrap();
            helm.uninstall(name, namespace, &[]).ok().unwrap();
        }
    }
    let data = "--from-literal=tasklist-secret=a";
    for args in [
        &["create", "secret", "generic", "token", data][..],
        &["delete", "secret", "token"],
        &["create", "configmap", "settings", "--from-literal=a=b"],
        &[
            "label",
            "configmap",
            "settings",
            "camunda-upgrade-guard/override=camunda",
        ],
        &["delete", "configmap", "settings"],
        &["delete", "pvc", "--all", "--wait=false"],
    ] {
        kubectl(cluster, namespace, args).ok().unwrap();
    }
    let lease = format!(
        "{{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {{name: leader, namespace: {namespace}}}}}"
    );
    cluster.apply(&lease).unwrap();
}

/// Installed, upgraded and rescheduled while nothing answers its webhooks.
fn the_guard_comes_back(cluster: &Cluster) {
    let deploy = workspace().join("deploy");
    let deploy = deploy.to_str().unwrap();
    cluster.kubectl(["apply", "-k", deploy]).ok().unwrap();
    let pod = || {
        let pods = cluster.list("pods", NAME, "")?;
        let name = |pod: &serde_json::Value| pod["metadata"]["name"].as_str().map(str::to_owned);
        Ok(pods.iter().find_map(name))
    };
    let first = wait_until("a pod of the guard's", MINUTE, pod).unwrap();
    for args in [
        &["delete", "pod", &first, "--wait=false"][..],
        &["set", "env", "deployment", NAME, "A=B"],
        &["rollout", "restart", "deployment", NAME],
        &["scale", "deployment", NAME, "--replicas=3"],
    ] {
        kubectl(cluster, NAME, args).ok().unwrap();
    }
    // No kubelet runs here to have them ready, so the roll-out stays at its first.
    let new = || {
        let deployment = cluster.get("deployment", NAME, NAME)?;
        let updated = deployment.and_then(|it| it["status"]["updatedReplicas"].as_u64());
        Ok(updated.filter(|count| *count > 0))
    };
    wait_until("a new pod", MINUTE, new).unwrap();
    cluster.kubectl(["apply", "-k", deploy]).ok().unwrap();
}
