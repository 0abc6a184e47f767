//! Every object, with whatever values, is one that the API server takes without a word.

use harness::{Cluster, Helm, cluster_or_skip};
use serde_json::{Value, json};

use crate::rendered::{NAME, kustomized, template};

const COMBINATIONS: [&[&str]; 8] = [
    &[],
    &["--set=certificates.mode=certManager,replicas=1"],
    &["--set=certificates.mode=secret,certificates.secret.caBundle=-----BEGIN CERTIFICATE-----"],
    &["--set=openshift=always,secretsAccess.namespaces={prod}"],
    &["--set=ports.webhook=10250,ports.admin=9090"],
    &["--set=serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboard.enabled=true"],
    &["--set=policyReports.enabled=true"],
    &[
        "--set=image.pullSecrets[0].name=quay,nodeSelector.disk=ssd,priorityClassName=high,podAnnotations.a=b",
        "--set=tolerations[0].key=spot,tolerations[0].operator=Exists,serviceAccount.annotations.a=b",
        "--set-json=affinity={\"podAntiAffinity\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":1,\"podAffinityTerm\":{\"topologyKey\":\"zone\",\"labelSelector\":{}}}]}}",
        "--set-json=config={\"rules\":{\"downgrade\":\"off\"},\"scopes\":[{\"namespaces\":[\"dev-*\"],\"mode\":\"audit\"}]}",
        "--set-json=networkPolicy.metricsFrom=[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}]",
    ],
];

#[test]
fn every_object_passes_strict_validation() {
    let cluster = cluster_or_skip!();
    for namespace in [NAME, "prod"] {
        cluster
            .kubectl(["create", "namespace", namespace])
            .ok()
            .unwrap();
    }
    // Pods and whatever makes them pass the strictest of Kubernetes' own standards.
    for mode in ["enforce", "warn"] {
        let label = format!("pod-security.kubernetes.io/{mode}=restricted");
        cluster
            .kubectl(["label", "namespace", NAME, &label])
            .ok()
            .unwrap();
    }
    for definition in definitions() {
        cluster.apply(&definition).unwrap();
    }
    let established = ["wait", "crd", "--all", "--for=condition=Established"];
    cluster.kubectl(established).ok().unwrap();
    for args in COMBINATIONS {
        let [three, four] = Helm::BOTH.map(|helm| {
            let output = template(cluster.binaries(), helm, args).ok().unwrap();
            accepted(cluster, &output.stdout);
            output.stdout.replace("Source: ", "")
        });
        let sorted = |text: &str| {
            let mut documents: Vec<_> =
                text.split("---\n").map(|it| it.trim().to_owned()).collect();
            documents.sort();
            documents
        };
        assert_eq!(sorted(&three), sorted(&four), "{args:?}");
    }
    for folder in ["deploy", "deploy/cert-manager", "deploy/openshift"] {
        accepted(cluster, &kustomized(cluster.binaries(), folder));
    }
    // The one value that the standard does not allow, as is documented.
    let on_the_node = template(cluster.binaries(), Helm::V3, &["--set=hostNetwork=true"]);
    let output = apply(cluster, &on_the_node.ok().unwrap().stdout);
    let said = output.ok().unwrap().stderr;
    assert!(
        said.contains("host namespaces (hostNetwork=true)"),
        "{said}"
    );
    // The nearest that must not pass.
    let wrong = kustomized(cluster.binaries(), "deploy").replace("failurePolicy", "failurePolice");
    assert!(!apply(cluster, &wrong).success());
}

fn apply(cluster: &Cluster, yaml: &str) -> harness::Output {
    let strict = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
    cluster.admin().run_with_input(strict, yaml)
}

#[track_caller]
fn accepted(cluster: &Cluster, yaml: &str) {
    let output = apply(cluster, yaml).ok().unwrap();
    // Of the namespace, which kubectl did not make.
    let said = output.stderr.replace("Warning: resource namespaces/", "");
    assert!(!said.contains("Warning"), "{}", output.report());
}

/// What is taken of other projects' kinds, with their fields' names; everything else is refused.
fn definitions() -> Vec<Value> {
    let text = json!({"type": "string"});
    let flag = json!({"type": "boolean"});
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    let list = |items: &Value| json!({"type": "array", "items": items});
    let map = json!({"type": "object", "additionalProperties": text});
    let issuer = object(json!({"spec": object(json!({
        "selfSigned": object(json!({})),
        "ca": object(json!({"secretName": text})),
    }))}));
    let certificate = object(json!({"spec": object(json!({
        "isCA": flag, "commonName": text, "secretName": text, "duration": text, "renewBefore": text,
        "issuerRef": object(json!({"name": text})),
        "dnsNames": list(&text),
        "privateKey": object(json!({"algorithm": text, "rotationPolicy": text})),
    }))}));
    let monitor = object(json!({"spec": object(json!({
        "selector": object(json!({"matchLabels": map})),
        "endpoints": list(&object(json!({"port": text, "interval": text}))),
    }))}));
    let rule = object(json!({
        "alert": text, "expr": text, "for": text, "labels": map, "annotations": map,
    }));
    let group = object(json!({"name": text, "rules": list(&rule)}));
    let rules = object(json!({"spec": object(json!({"groups": list(&group)}))}));
    [
        ("cert-manager.io", "Issuer", issuer),
        ("cert-manager.io", "Certificate", certificate),
        ("monitoring.coreos.com", "ServiceMonitor", monitor),
        ("monitoring.coreos.com", "PrometheusRule", rules),
    ]
    .into_iter()
    .map(|(group, kind, schema)| {
        let plural = format!("{}s", kind.to_lowercase());
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
            },
        })
    })
    .collect()
}
