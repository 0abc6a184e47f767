//! The chart's values: each in the schema, in the documentation, and to be seen in what is rendered.

use std::{collections::BTreeSet, env, fs};

use harness::{Binaries, Helm};
use serde_json::Value;

use crate::rendered::{chart, template};

/// Each value, what is set (with what it needs), and what then stands in the rendered objects.
const VALUES: [(&str, &str, &str); 45] = [
    ("replicas", "replicas=3", "replicas: 3"),
    (
        "image.registry",
        "image.registry=quay.io/",
        "\"quay.io/camunda-upgrade-guard:",
    ),
    (
        "image.repository",
        "image.repository=quay.io/x",
        "quay.io/x:0.1.0",
    ),
    ("image.tag", "image.tag=v9", "camunda-upgrade-guard:v9"),
    (
        "image.digest",
        "image.digest=sha256:0123456789012345678901234567890123456789012345678901234567890123",
        "camunda-upgrade-guard@sha256:0123456789012345678901234567890123456789012345678901234567890123",
    ),
    (
        "image.pullPolicy",
        "image.pullPolicy=Always",
        "imagePullPolicy: Always",
    ),
    (
        "image.pullSecrets",
        "image.pullSecrets[0].name=quay",
        "- name: quay",
    ),
    ("config", "config.mode=audit", "mode: audit"),
    ("log", "log=debug", "--log=debug"),
    ("logFormat", "logFormat=text", "--log-format=text"),
    (
        "extraArgs",
        "extraArgs[0]=--retain-volumes=all",
        "- --retain-volumes=all",
    ),
    (
        "extraEnv",
        "extraEnv[0].name=A,extraEnv[0].value=b",
        "- name: A\n",
    ),
    ("hostNetwork", "hostNetwork=true", "hostNetwork: true"),
    (
        "ports.webhook",
        "ports.webhook=10250",
        "--listen=[::]:10250",
    ),
    ("ports.admin", "ports.admin=9090", "containerPort: 9090"),
    (
        "certificates.mode",
        "certificates.mode=certManager",
        "kind: Issuer",
    ),
    (
        "certificates.secret.name",
        "certificates.mode=secret,certificates.secret.caBundle=-----BEGIN CERTIFICATE-----,certificates.secret.name=mine",
        "secretName: mine",
    ),
    (
        "certificates.secret.caBundle",
        "certificates.mode=secret,certificates.secret.caBundle=-----BEGIN CERTIFICATE-----",
        "caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
    ),
    (
        "webhooks.timeoutSeconds",
        "webhooks.timeoutSeconds=9",
        "timeoutSeconds: 9",
    ),
    (
        "webhooks.neverMatchedNamespaces",
        "webhooks.neverMatchedNamespaces={istio-system}",
        "- istio-system",
    ),
    (
        "secretsAccess",
        "secretsAccess.namespaces={prod}",
        "namespace: prod",
    ),
    (
        "serviceAccount.annotations",
        "serviceAccount.annotations.who=me",
        "who: me",
    ),
    (
        "podDisruptionBudget.enabled",
        "podDisruptionBudget.enabled=false",
        "!kind: PodDisruptionBudget",
    ),
    (
        "networkPolicy.enabled",
        "networkPolicy.enabled=false",
        "!kind: NetworkPolicy",
    ),
    (
        "networkPolicy.apiServerPorts",
        "networkPolicy.apiServerPorts={8443}",
        "- port: 8443",
    ),
    (
        "networkPolicy.metricsFrom",
        "networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus",
        "app: prometheus",
    ),
    (
        "serviceMonitor.enabled",
        "serviceMonitor.enabled=true",
        "kind: ServiceMonitor",
    ),
    (
        "serviceMonitor.labels",
        "serviceMonitor.enabled=true,serviceMonitor.labels.team=a",
        "team: a",
    ),
    (
        "serviceMonitor.interval",
        "serviceMonitor.enabled=true,serviceMonitor.interval=7s",
        "interval: 7s",
    ),
    (
        "prometheusRule.enabled",
        "prometheusRule.enabled=true",
        "kind: PrometheusRule",
    ),
    (
        "prometheusRule.labels",
        "prometheusRule.enabled=true,prometheusRule.labels.team=a",
        "team: a",
    ),
    (
        "prometheusRule.documentation",
        "prometheusRule.enabled=true,prometheusRule.documentation=https://example.test/docs/",
        "runbook_url: https://example.test/docs/alerts.md#camundaupgradeguardabsent",
    ),
    (
        "dashboard.enabled",
        "dashboard.enabled=true",
        "camunda-upgrade-guard.json: |",
    ),
    (
        "dashboard.labels",
        "dashboard.enabled=true,dashboard.labels.team=a",
        "team: a",
    ),
    (
        "policyReports.enabled",
        "policyReports.enabled=true",
        "- --apply=openreports",
    ),
    (
        "policyReports.api",
        "policyReports.enabled=true,policyReports.api=policyreport",
        "- --apply=policyreport",
    ),
    (
        "policyReports.schedule",
        "policyReports.enabled=true,policyReports.schedule=@daily",
        "schedule: \"@daily\"",
    ),
    ("openshift", "openshift=always", "!runAsUser"),
    (
        "resources",
        "resources.limits.memory=999Mi",
        "memory: 999Mi",
    ),
    ("podLabels", "podLabels.team=a", "team: a"),
    ("podAnnotations", "podAnnotations.note=kept", "note: kept"),
    (
        "priorityClassName",
        "priorityClassName=high",
        "priorityClassName: high",
    ),
    ("nodeSelector", "nodeSelector.disk=ssd", "disk: ssd"),
    (
        "tolerations",
        "tolerations[0].key=spot,tolerations[0].operator=Exists",
        "key: spot",
    ),
    ("affinity", "affinity.nodeAffinity.x=y", "nodeAffinity:"),
];

#[test]
fn every_value_changes_what_it_says() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let render = |args: &[&str]| template(&binaries, Helm::V3, args).ok().unwrap().stdout;
    let default = render(&[]);
    for (name, set, text) in VALUES {
        let changed = render(&["--set", set]);
        let (text, there) = match text.strip_prefix('!') {
            Some(text) => (text, false),
            None => (text, true),
        };
        assert_eq!(default.contains(text), !there, "{name}: {text}");
        assert_eq!(changed.contains(text), there, "{name}: {text}");
    }
}

#[test]
fn values_documentation_and_schema_name_the_same() {
    let read = |file: &str| fs::read_to_string(chart().join(file)).unwrap();
    let mut given = BTreeSet::new();
    let values = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    leaves(&schema, &values, "", &mut given);
    let tested: BTreeSet<_> = VALUES.iter().map(|value| value.0.to_owned()).collect();
    assert_eq!(given, tested);
    let described = described(&read("values.yaml"));
    let names: BTreeSet<_> = described.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names.len(), described.len(), "twice");
    assert_eq!(names, given);
    let file = chart().join("README.md");
    let readme = with_table(&read("README.md"), &table(&described, &values));
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&file, &readme).unwrap();
    }
    let told = "INSTA_UPDATE=always writes deploy/chart/README.md anew";
    assert_eq!(read("README.md"), readme, "{told}");
}

/// Values and what is said of them, in their order: a comment that begins as helm-docs has it is about the next key.
fn described(text: &str) -> Vec<(String, String)> {
    let (mut path, mut said, mut found) = (Vec::new(), None, Vec::new());
    for line in text.lines() {
        let content = line.trim_start();
        if content.starts_with('#') {
            said = content.strip_prefix("# -- ").or(said);
            continue;
        }
        let Some((key, _)) = content.split_once(':') else {
            continue;
        };
        path.truncate((line.len() - content.len()) / 2);
        path.push(key);
        if let Some(said) = said.take() {
            found.push((path.join("."), said.to_owned()));
        }
    }
    found
}

fn table(described: &[(String, String)], values: &Value) -> String {
    let rows = described.iter().map(|(name, said)| {
        let pointer = format!("/{}", name.replace('.', "/"));
        let default = values.pointer(&pointer).unwrap();
        format!("| `{name}` | `{default}` | {said} |\n")
    });
    format!(
        "| value | default | |\n|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

/// The page with this table in place of its own.
fn with_table(page: &str, table: &str) -> String {
    let is_row = |line: &&str| line.starts_with('|');
    let before = page.split_inclusive('\n').take_while(|line| !is_row(line));
    let rest = page.split_inclusive('\n').skip_while(|line| !is_row(line));
    let after = rest.skip_while(is_row);
    let lines = before.chain([table]).chain(after);
    lines.collect()
}

/// What is packaged links to nothing outside of the package.
#[test]
fn the_charts_page_links_to_nothing_beside_it() {
    let page = fs::read_to_string(chart().join("README.md")).unwrap();
    for rest in page.split("](").skip(1) {
        let target = rest.split(')').next().unwrap();
        assert!(target.starts_with("https://"), "{target}");
    }
}

/// Down to what the schema leaves to the user: a map without keys of its own, a list, a scalar.
fn leaves(schema: &Value, value: &Value, path: &str, found: &mut BTreeSet<String>) {
    // The configuration is a file of its own, with documentation of its own.
    let own = matches!(path, "config" | "resources" | "affinity");
    match schema
        .get("properties")
        .and_then(Value::as_object)
        .filter(|_| !own)
    {
        Some(properties) => {
            let given: BTreeSet<_> = value.as_object().unwrap().keys().collect();
            let known: BTreeSet<_> = properties.keys().filter(|key| *key != "global").collect();
            assert_eq!(given, known, "{path}");
            for key in given {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                leaves(&properties[key], &value[key], &path, found);
            }
        }
        None => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn the_schema_lets_nothing_unknown_pass() {
    let schema = fs::read_to_string(chart().join("values.schema.json")).unwrap();
    closed(&serde_json::from_str(&schema).unwrap(), "");
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    for helm in Helm::BOTH {
        for (set, because) in [
            ("replica=3", "replica"),
            ("replicas=0", "replicas"),
            ("replicas=two", "replicas"),
            ("image.tagg=1", "tagg"),
            ("image.digest=sha256:1", "digest"),
            ("config.mode=on", "mode"),
            ("config.rules.downgrade=false", "downgrade"),
            ("config.scopes[0].namespace=a", "namespace"),
            ("certificates.mode=selfmanaged", "mode"),
            ("certificates.secret.caBundle=/a/file", "caBundle"),
            ("webhooks.timeoutSeconds=31", "timeoutSeconds"),
            (
                "webhooks.neverMatchedNamespaces={Prod}",
                "neverMatchedNamespaces",
            ),
            ("secretsAccess=namespace", "secretsAccess"),
            ("secretsAccess.namespace={a}", "secretsAccess"),
            ("networkPolicy.apiServerPorts={}", "apiServerPorts"),
            ("serviceMonitor.interval=often", "interval"),
            ("openshift=yes", "openshift"),
            ("extraArgs={log=debug}", "extraArgs"),
        ] {
            let refused = template(&binaries, helm, &["--set", set])
                .refused()
                .unwrap();
            let text = refused.text();
            assert!(
                text.contains(because) && text.contains("schema"),
                "{set}: {text}"
            );
        }
        let set = "--set=certificates.mode=secret";
        let refused = template(&binaries, helm, &[set]).refused().unwrap();
        let because = "certificates.secret.caBundle is missing";
        assert!(refused.text().contains(because), "{}", refused.report());
    }
}

/// Every object of known keys is closed; the others are maps of a known kind, or a Kubernetes type.
fn closed(schema: &Value, path: &str) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        assert_eq!(schema["additionalProperties"], false, "{path}");
        for (key, schema) in properties {
            closed(schema, &format!("{path}.{key}"));
        }
    }
    if let Some(items) = schema.get("items") {
        closed(items, &format!("{path}[]"));
    }
    for schema in schema["oneOf"].as_array().into_iter().flatten() {
        closed(schema, path);
    }
}
