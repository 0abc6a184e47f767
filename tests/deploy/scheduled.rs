//! Where the pods may run: what OpenShift gives them, and which others they go before.

use harness::{Binaries, Helm, cluster_or_skip};
use serde_json::{Value, json};

use crate::{
    documented::{commands, page},
    rendered::{documents, kustomized, template},
    stage::run,
};

fn pod(yaml: &str) -> Value {
    let mut objects = documents(yaml).into_iter();
    let deployment = objects.find(|object| object["kind"] == "Deployment");
    deployment.unwrap()["spec"]["template"]["spec"].clone()
}

/// The security context constraint restricted-v2, field by field, as OpenShift documents it.
fn within_restricted_v2(pod: &Value) -> bool {
    let context = &pod["securityContext"];
    let user = ["runAsUser", "runAsGroup", "fsGroup", "seLinuxOptions"];
    let host = ["hostNetwork", "hostPID", "hostIPC"];
    let volumes = pod["volumes"].as_array().unwrap().iter().all(|volume| {
        let mut keys = volume.as_object().unwrap().keys();
        keys.all(|key| ["name", "configMap", "secret"].contains(&key.as_str()))
    });
    let containers = pod["containers"]
        .as_array()
        .unwrap()
        .iter()
        .all(|container| {
            let own = &container["securityContext"];
            let mut ports = container["ports"].as_array().unwrap().iter();
            own["allowPrivilegeEscalation"] == false
                && own["capabilities"] == json!({"drop": ["ALL"]})
                && user.iter().all(|key| own.get(key).is_none())
                && own.get("privileged").is_none()
                && ports.all(|port| port.get("hostPort").is_none())
        });
    context["seccompProfile"] == json!({"type": "RuntimeDefault"})
        && user.iter().all(|key| context.get(key).is_none())
        && host.iter().all(|key| pod.get(key).is_none())
        && volumes
        && containers
}

#[test]
fn openshift_takes_the_pods_as_it_takes_any() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let rendered = |set: &str| {
        let output = template(&binaries, Helm::V3, &["--set", set]);
        pod(&output.ok().unwrap().stdout)
    };
    for (set, taken) in [
        ("openshift=always", true),
        ("openshift=always,certificates.mode=certManager", true),
        ("openshift=never", false),
        ("openshift=always,hostNetwork=true", false),
    ] {
        assert_eq!(within_restricted_v2(&rendered(set)), taken, "{set}");
    }
    let openshift = pod(&kustomized(&binaries, "deploy/openshift"));
    assert!(within_restricted_v2(&openshift), "{openshift}");
    assert!(!within_restricted_v2(&pod(&kustomized(
        &binaries, "deploy"
    ))));
}

#[test]
fn the_documented_class_goes_before_ordinary_pods() {
    let cluster = cluster_or_skip!();
    let shell = cluster.shell(Helm::V3).unwrap();
    run(&shell, &commands(&page(), "When nodes are full"));
    let namespace = cluster.namespace("class").unwrap();
    let account = |namespace: &str| cluster.get("serviceaccount", namespace, "default");
    harness::wait_until("the account", crate::beside::PATIENCE, || {
        account(&namespace)
    })
    .unwrap();
    let mut priorities = Vec::new();
    for class in ["", "camunda-upgrade-guard"] {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "guard"},
            "spec": {"priorityClassName": class, "containers": [{"name": "a", "image": "a"}]},
        });
        let create = [
            "create",
            "-n",
            &namespace,
            "--dry-run=server",
            "-o",
            "json",
            "-f",
            "-",
        ];
        let created = cluster.admin().run_with_input(create, &pod.to_string());
        let created = created.ok().unwrap().json().unwrap();
        priorities.push(created["spec"]["priority"].as_i64().unwrap());
    }
    assert_eq!(priorities, [0, 1_000_000]);
}
