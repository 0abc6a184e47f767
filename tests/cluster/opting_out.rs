//! Namespaces that the guard leaves alone, and who may have it do so.

use camunda_upgrade_guard::webhooks::{ENFORCE, IGNORE};
use harness::{Cluster, Helm, Kubectl, Output};
use serde_json::{Value, json};

use crate::{
    charts::own,
    release::{Release, assert_silent},
    stage::guarded,
};

const DROPPED: &str = "--set=identityKeycloak.enabled=false";

/// Somebody who may do with namespaces what they like, as far as Kubernetes is concerned.
pub fn landlord(cluster: &Cluster) -> Kubectl {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "landlord"},
        "rules": [{"apiGroups": [""], "verbs": ["*"],
            "resources": ["namespaces", "namespaces/status", "namespaces/finalize"]}],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "landlord"},
        "subjects": [{"kind": "User", "name": "landlord", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "ClusterRole", "name": "landlord", "apiGroup": "rbac.authorization.k8s.io"},
    });
    for object in [role, binding] {
        cluster.apply(&object.to_string()).unwrap();
    }
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

/// The ways to change a namespace that is there.
const WAYS: [&str; 7] = [
    "patch",
    "json patch",
    "replace",
    "apply",
    "server-side apply",
    "status",
    "finalize",
];

/// Gives a namespace these labels; `null` removes one.
fn change(kubectl: &Kubectl, namespace: &str, way: &str, labels: &Value) -> Output {
    let patch = json!({"metadata": {"labels": labels}}).to_string();
    let read = kubectl.run(["get", "namespace", namespace, "-o", "json"]);
    let mut whole: Value = serde_json::from_str(&read.ok().unwrap().stdout).unwrap();
    let known = whole["metadata"]["labels"].as_object_mut().unwrap();
    known.extend(labels.as_object().unwrap().clone());
    known.retain(|_, value| !value.is_null());
    let labels = &whole["metadata"]["labels"];
    let only = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}});
    let replaced = json!([{"op": "replace", "path": "/metadata/labels", "value": labels}]);
    let (whole, only, replaced) = (whole.to_string(), only.to_string(), replaced.to_string());
    let on = ["patch", "namespace", namespace];
    let patched = |args: &[&str]| kubectl.run([&on[..], args].concat());
    let raw = format!("/api/v1/namespaces/{namespace}/finalize");
    match way {
        "patch" => patched(&["--type=merge", "-p", &patch]),
        "json patch" => patched(&["--type=json", "-p", &replaced]),
        "replace" => kubectl.run_with_input(["replace", "-f", "-"], &whole),
        "apply" => kubectl.run_with_input(["apply", "-f", "-"], &only),
        "server-side apply" => {
            let args = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
            kubectl.run_with_input(args, &only)
        }
        "status" => patched(&["--subresource=status", "--type=merge", "-p", &patch]),
        _ => kubectl.run_with_input(["replace", "--raw", &raw, "-f", "-"], &whole),
    }
}

#[test]
fn every_way_to_take_a_namespace_from_the_guard_is_seen() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let landlord = landlord(cluster);
    let namespace = cluster.namespace_with_labels("ways", &[(ENFORCE, "true")]);
    let namespace = &*namespace.unwrap();
    let label = |key: &str| {
        let namespace = cluster.get("namespace", "", namespace).unwrap().unwrap();
        namespace["metadata"]["labels"][key].clone()
    };
    for (number, way) in WAYS.into_iter().enumerate() {
        let value = format!("v{number}");
        change(&landlord, namespace, way, &json!({"a": value}))
            .ok()
            .unwrap();
        assert_eq!(label("a"), value, "{way}");
        let ignored = change(&landlord, namespace, way, &json!({IGNORE: "true"}));
        let text = ignored.refused().unwrap().text();
        let because = "landlord may not ignore namespaces.camunda-upgrade-guard";
        assert!(text.contains(because), "{way}: {text}");
        assert_eq!(label(IGNORE), Value::Null, "{way}");
    }
    for way in ["patch", "status", "finalize"] {
        let removed = change(&landlord, namespace, way, &json!({ENFORCE: null}));
        removed.refused().unwrap();
        assert_eq!(label(ENFORCE), "true", "{way}");
    }
    // Its controller finalizes it.
    landlord
        .run(["delete", "namespace", namespace, "--timeout=120s"])
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
