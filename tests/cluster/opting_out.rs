//! Namespaces that the guard leaves alone, and who may have it do so.

use camunda_upgrade_guard::webhooks::{ENFORCE, IGNORE};
use harness::{Cluster, Helm, Kubectl};

use crate::{
    charts::own,
    release::{Release, assert_silent},
    stage::guarded,
};

const DROPPED: &str = "--set=identityKeycloak.enabled=false";

/// Somebody who may do with namespaces what they like, as far as Kubernetes is concerned.
fn landlord(cluster: &Cluster) -> Kubectl {
    let role = [
        "create",
        "clusterrole",
        "landlord",
        "--verb=*",
        "--resource=namespaces",
    ];
    cluster.kubectl(role).ok().unwrap();
    let binding = [
        "create",
        "clusterrolebinding",
        "landlord",
        "--clusterrole=landlord",
        "--user=landlord",
    ];
    cluster.kubectl(binding).ok().unwrap();
    cluster.kubectl_as(&cluster.kubeconfig_of_user("landlord", &[]).unwrap())
}

#[test]
fn only_somebody_with_the_right_takes_a_namespace_from_the_guard() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let landlord = landlord(cluster);
    let namespace = cluster.namespace_with_labels("taken", &[(ENFORCE, "true")]);
    let namespace = &*namespace.unwrap();
    let (ignore, enforce) = (format!("{IGNORE}="), format!("{ENFORCE}-"));
    let label = |kubectl: &Kubectl, labels: &[&str]| {
        let command = ["label", "--overwrite", "namespace", namespace];
        kubectl.run(command.iter().chain(labels))
    };
    let create = |kubectl: &Kubectl, labels: &str| {
        let name = cluster.unique("made");
        let yaml = format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{{labels}}}}}}}"
        );
        kubectl.run_with_input(["create", "-f", "-"], &yaml)
    };
    let ignored = format!("{ignore}true");
    let made = format!("{IGNORE}: \"true\"");
    for output in [
        label(&landlord, &[&ignored]),
        label(&landlord, &[&enforce]),
        label(&landlord, &[&enforce, &ignored, "a=b"]),
        create(&landlord, &made),
    ] {
        let text = output.refused().unwrap().text();
        let because = "landlord may not ignore namespaces.camunda-upgrade-guard";
        assert!(text.contains(because), "{text}");
    }
    // Whatever else is done to a namespace is none of the guard's business.
    for labels in [&["a=b"][..], &[&format!("{ignore}no")], &["a-"]] {
        label(&landlord, labels).ok().unwrap();
    }
    create(&landlord, "a: b").ok().unwrap();
    create(&landlord, &format!("{ENFORCE}: \"true\""))
        .ok()
        .unwrap();

    let page = include_str!("../../docs/install.md");
    let role = page.split("```yaml\n").nth(1).unwrap();
    let role = role.split("```").next().unwrap();
    let apply = ["apply", "-n", namespace, "-f", "-"];
    cluster.admin().run_with_input(apply, role).ok().unwrap();
    let name = "camunda-upgrade-guard-ignorer";
    let binding = [
        "create",
        "rolebinding",
        "ignorer",
        "--role=camunda-upgrade-guard-ignorer",
        "--user=landlord",
        "-n",
        namespace,
    ];
    cluster.kubectl(binding).ok().unwrap();
    label(&landlord, &[&ignored, &enforce]).ok().unwrap();
    // There and nowhere else; and an administrator everywhere.
    create(&landlord, &made).refused().unwrap();
    create(cluster.admin(), &made).ok().unwrap();
    // What is ignored stays so without the right, and is guarded again without it.
    cluster
        .kubectl(["delete", "role", name, "-n", namespace])
        .ok()
        .unwrap();
    label(&landlord, &["c=d"]).ok().unwrap();
    label(&landlord, &[&format!("{IGNORE}-")]).ok().unwrap();
    label(&landlord, &[&ignored]).refused().unwrap();
    landlord
        .run(["delete", "namespace", namespace, "--wait=false"])
        .ok()
        .unwrap();
}

#[test]
fn an_ignored_namespace_is_left_alone() {
    let Some((cluster, guard)) = guarded() else {
        return;
    };
    for helm in Helm::BOTH {
        // Both labels: the one that ignores wins.
        let labels = [(IGNORE, "true"), (ENFORCE, "true")];
        let namespace = cluster.namespace_with_labels("ignored", &labels).unwrap();
        let ignored = Release::in_namespace(cluster, namespace, "camunda");
        let judged = Release::new(cluster, "camunda");
        let policies = [&ignored, &judged].map(|release| {
            let installed = release.install(helm, &own("camunda-12"), &[]);
            assert_silent(&installed.ok().unwrap());
            release.bind_all();
            let claim = "data-camunda-elasticsearch-master-0";
            let volume = cluster.get("pv", "", &release.bound(claim)).unwrap();
            volume.unwrap()["spec"]["persistentVolumeReclaimPolicy"].clone()
        });
        assert_eq!(policies, ["Delete", "Retain"]);
        let admitted = ignored.upgrade(helm, &own("camunda-12"), &[DROPPED]);
        assert_silent(&admitted.ok().unwrap());
        judged.refused(helm, &own("camunda-12"), &[DROPPED]);
        let log = guard.log();
        let named = log.lines().find(|line| {
            // How the namespace came about was the guard's business.
            let review = line.contains(" endpoint=") && !line.contains("kind=\"Namespace\"");
            review && line.contains(&format!("namespace=\"{}\"", &*ignored.namespace))
        });
        assert_eq!(named, None);

        // A volume has no namespace that the API server could choose by.
        let claim = "data-camunda-zeebe-0";
        let volume = judged.bound(claim);
        let delete = ["delete", "pv", &volume, "--dry-run=server"];
        cluster.kubectl(delete).refused().unwrap();
        let volume = ignored.bound(claim);
        let delete = ["delete", "pv", &volume, "--dry-run=server"];
        assert_silent(&cluster.kubectl(delete).ok().unwrap());
    }
}

#[test]
fn an_override_is_checked_even_there() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = cluster
        .namespace_with_labels("ignored", &[(IGNORE, "true")])
        .unwrap();
    let yaml = "apiVersion: v1
kind: ConfigMap
metadata: {name: camunda-upgrade-guard-override-camunda, labels: {camunda-upgrade-guard/override: camunda}}
data: {revision: \"2\", rules: downgrade, reason: none}
";
    let create = ["create", "-n", &*namespace, "-f", "-"];
    let refused = cluster
        .admin()
        .run_with_input(create, yaml)
        .refused()
        .unwrap();
    assert!(
        refused.text().contains("expires is missing"),
        "{}",
        refused.report()
    );
}
