//! Release records that somebody wrote to keep a guard busy: each fits into a Secret, and Helm would never make one.

use std::fmt::Write;

use serde_json::{Value, json};

/// The objects that a guard looks at of one record.
pub const MOST_OBJECTS: usize = 2000;

/// Those of one kind with data that it compares with each other.
pub const MOST_COMPARED: usize = 100;

/// A record and what is odd about it.
#[derive(Debug)]
pub struct Hostile {
    pub name: &'static str,
    pub release: Value,
}

/// All of them.
pub fn records() -> Vec<Hostile> {
    let manifests = [
        (
            "20,000 StatefulSets in a list",
            list("apps/v1", "StatefulSet", 20_000),
        ),
        ("38,000 Secrets in a list", list("v1", "Secret", 38_000)),
        (
            "190,000 empty objects in a list",
            format!(
                "kind: SecretList\napiVersion: v1\nitems: [{}]\n",
                "{},".repeat(190_000)
            ),
        ),
        (
            "100 StatefulSets in a list",
            list("apps/v1", "StatefulSet", MOST_COMPARED),
        ),
        (
            "50,000 documents",
            many(50_000, |n| {
                format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s{n}}}\n")
            }),
        ),
        ("1,500,000 documents", "a\n---\n".repeat(1_500_000)),
        ("2,600,000 documents", "a\n---\n".repeat(2_600_000)),
        (
            "50,000 broken documents",
            many(50_000, |n| {
                format!("# Source: a/templates/t{n}.yaml\nkind: Secret\na: [\n")
            }),
        ),
        (
            "1,990 broken documents with long sources",
            many(1990, |n| {
                format!("# Source: a/{}{n}\nkind: Secret\na: [\n", "b".repeat(2000))
            }),
        ),
        ("2,000 Secrets with credentials", many(MOST_OBJECTS, secret)),
        ("2,000 ConfigMaps", many(MOST_OBJECTS, config_map)),
        ("100 claims", many(MOST_COMPARED, claim)),
        (
            "100 brokers",
            many(MOST_COMPARED, |n| stateful_set(n, "zeebe", "zeebe-broker")),
        ),
        (
            "100 Elasticsearches",
            many(MOST_COMPARED, |n| {
                stateful_set(n, "elasticsearch", "master")
            }),
        ),
        (
            "100 databases",
            many(MOST_COMPARED, |n| stateful_set(n, "postgresql", "primary")),
        ),
        (
            "200 Deployments that read Secrets",
            many(2 * MOST_COMPARED, deployment),
        ),
        (
            "100 claims and 100 StatefulSets",
            many(2 * MOST_COMPARED, |n| {
                if n % 2 == 0 {
                    claim(n)
                } else {
                    stateful_set(n, "zeebe", "zeebe-broker")
                }
            }),
        ),
        (
            "1,800 Secrets and 200 readers",
            many(MOST_OBJECTS, |n| {
                if n % 10 > 0 {
                    secret(n)
                } else {
                    deployment(n + 1)
                }
            }),
        ),
        ("as much as is read of every kind", everything()),
        ("1,400 variables in a container", variables(1400)),
        ("30,000 variables in a container", variables(30_000)),
        ("49,000 keys in a mapping", keys(49_000)),
        ("100,000 keys in a mapping", keys(100_000)),
        (
            "2,600,000 times one key",
            format!(
                "kind: Secret\nstringData:\n{}",
                "  a: b\n".repeat(2_600_000)
            ),
        ),
        ("anchors", anchors()),
        ("a long configuration", configuration()),
        ("a long block scalar", scalar("|", 8_000_000)),
        ("a long plain scalar", scalar("", 8_000_000)),
        (
            "a quoted scalar of escapes",
            format!("kind: Secret\na: \"{}\"\n", "\\n".repeat(4_000_000)),
        ),
        ("four charts of Camunda's", charts(4)),
        ("100 charts of Camunda's", charts(100)),
    ];
    let mut records: Vec<_> = manifests
        .into_iter()
        .map(|(name, manifest)| Hostile {
            name,
            release: release(&manifest),
        })
        .collect();
    for hostile in &mut records {
        if hostile.name.contains("charts of Camunda's") {
            hostile.release["chart"]["metadata"]["name"] = "umbrella".into();
        }
    }
    records.push(Hostile {
        name: "100,000 values",
        release: with_values(100_000),
    });
    records.push(Hostile {
        name: "a name of 1 MB",
        release: long_names(),
    });
    records
}

/// A release of Camunda's chart with this manifest.
pub fn release(manifest: &str) -> Value {
    json!({
        "name": "camunda", "namespace": "prod", "version": 2, "info": {"status": "pending-upgrade"},
        "chart": {"metadata": {"name": "camunda-platform", "version": "13.0.0"}},
        "manifest": manifest,
    })
}

/// What is deployed before it: the same objects, each a little different, of the chart before.
pub fn running(hostile: &Value) -> Value {
    let mut running = hostile.clone();
    running["version"] = 1.into();
    running["info"]["status"] = "deployed".into();
    running["chart"]["metadata"]["version"] = "12.0.0".into();
    let manifest = hostile["manifest"].as_str().unwrap_or_default();
    running["manifest"] = manifest
        .replace("name: s1", "name: r1")
        .replace("value: a", "value: b")
        .into();
    running
}

fn many(count: usize, document: impl Fn(usize) -> String) -> String {
    (0..count)
        .map(|n| format!("---\n{}", document(n)))
        .collect()
}

fn list(version: &str, kind: &str, count: usize) -> String {
    let mut text = format!("apiVersion: {version}\nkind: {kind}List\nitems:\n");
    for n in 0..count {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- metadata: {{name: s{n}}}");
    }
    text
}

fn labels(name: &str, component: &str) -> String {
    format!(
        "{{app.kubernetes.io/name: {name}, app.kubernetes.io/component: {component}, app.kubernetes.io/instance: camunda, app.kubernetes.io/part-of: camunda-platform}}"
    )
}

fn secret(n: usize) -> String {
    let labels = labels("postgresql", "primary");
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: s{n}, labels: {labels}}}\ndata: {{password: YQ==, postgres-password: YQ==, admin-password: YQ==, tasklist-secret: YQ==}}\n"
    )
}

fn config_map(n: usize) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: s{n}}}\ndata:\n  application.yaml: |\n    zeebe:\n      broker:\n        exporters:\n          elasticsearch: {{className: io.camunda.zeebe.exporter.ElasticsearchExporter, args: {{url: \"http://a{n}\", index: {{prefix: p{n}}}}}}}\n    camunda: {{data: {{secondary-storage: {{type: rdbms, url: \"jdbc:postgresql://b{n}/c\"}}}}}}\n"
    )
}

/// What brokers read, in as many files as they have.
fn configuration() -> String {
    let keys: String = (0..900).map(|n| format!("    key{n}: a\n")).collect();
    many(2 * MOST_COMPARED, |n| match n % 2 {
        0 => stateful_set(n, "zeebe", "zeebe-broker").replace(
            "      containers:",
            &format!(
                "      volumes: [{{name: config, configMap: {{name: s{n}}}}}]\n      containers:"
            ),
        ),
        _ => config_map(n - 1) + &keys,
    })
}

fn claim(n: usize) -> String {
    let labels = labels("elasticsearch", "master");
    format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data-s{n}-0, labels: {labels}}}\nspec: {{resources: {{requests: {{storage: 1Gi}}}}, volumeName: v{n}}}\n"
    )
}

fn stateful_set(n: usize, name: &str, component: &str) -> String {
    let labels = labels(name, component);
    format!(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: s{n}, labels: {labels}}}\nspec:\n  replicas: 3\n  serviceName: s\n  selector: {{matchLabels: {labels}}}\n  template:\n    metadata: {{labels: {labels}}}\n    spec:\n      containers:\n      - {{name: c, image: \"camunda/{name}:8.7.{n}\", env: [{{name: A, value: a}}, {{name: POSTGRES_PASSWORD, valueFrom: {{secretKeyRef: {{name: s{n}, key: password}}}}}}], volumeMounts: [{{name: data, mountPath: /data}}]}}\n  volumeClaimTemplates:\n  - {{metadata: {{name: data}}, spec: {{resources: {{requests: {{storage: 1Gi}}}}}}}}\n"
    )
}

fn deployment(n: usize) -> String {
    let labels = labels("operate", "operate");
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: s{n}, labels: {labels}}}\nspec:\n  selector: {{matchLabels: {labels}}}\n  template:\n    metadata: {{labels: {labels}}}\n    spec:\n      volumes: [{{name: x, persistentVolumeClaim: {{claimName: data-s{n}-0}}}}, {{name: y, configMap: {{name: s{n}}}}}]\n      containers:\n      - {{name: c, image: \"camunda/operate:8.7.0\", env: [{{name: A, value: a}}, {{name: CAMUNDA_PASSWORD, valueFrom: {{secretKeyRef: {{name: s{n}, key: password}}}}}}, {{name: DB_URL, value: \"jdbc:postgresql://s{n}/operate\"}}]}}\n"
    )
}

fn everything() -> String {
    many(MOST_OBJECTS - 10, |n| match n % 20 {
        0 => claim(n),
        1 => stateful_set(n, ["zeebe", "elasticsearch", "postgresql"][n % 3], "master"),
        2 | 3 => deployment(n),
        4 => deployment(n)
            .replace("apps/v1", "batch/v1")
            .replace("Deployment", "Job"),
        5..=12 => config_map(n),
        _ => secret(n),
    })
}

fn variables(count: usize) -> String {
    let mut text = stateful_set(0, "zeebe", "zeebe-broker");
    let env: String = (0..count)
        .map(|n| format!("{{name: A{n}, value: a}}, "))
        .collect();
    text = text.replace("env: [", &format!("env: [{env}"));
    text
}

fn keys(count: usize) -> String {
    let mut text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n".to_owned();
    for n in 0..count {
        let _ = writeln!(text, "  k{n}: v");
    }
    text
}

fn anchors() -> String {
    let mut text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\na:\n".to_owned();
    for n in 0..60_000 {
        let _ = writeln!(text, "- &a{n} {{b: c}}");
    }
    text + "- *a1\n"
}

fn scalar(indicator: &str, length: usize) -> String {
    let line = format!("    {}\n", "word ".repeat(12));
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  a: {indicator}\n{}",
        line.repeat(length / line.len())
    )
}

/// Charts under an umbrella, with all objects that a record may have.
fn charts(count: usize) -> String {
    many(MOST_COMPARED, |n| {
        let labelled = labels("zeebe", "zeebe-broker")
            .replace('}', ", helm.sh/chart: camunda-platform-13.0.0}");
        let set = stateful_set(n, "zeebe", "zeebe-broker");
        let set = set.replacen(&labels("zeebe", "zeebe-broker"), &labelled, 1);
        format!(
            "# Source: umbrella/charts/c{}/templates/a.yaml\n{set}",
            n % count
        )
    })
}

fn with_values(count: usize) -> Value {
    let env: Vec<_> = (0..count / 6)
        .map(|n| json!({"name": format!("A{n}"), "value": "a"}))
        .collect();
    let keys = || {
        Value::Object(
            (0..count / 6)
                .map(|n| (format!("k{n}"), json!("v")))
                .collect(),
        )
    };
    let mut release = release("");
    release["config"] =
        json!({"zeebe": {"env": env, "extra": keys()}, "operate": {"env": env}, "global": keys()});
    release
}

fn long_names() -> Value {
    let long = "n".repeat(1_000_000);
    let mut release = release(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {long}}}\n"
    ));
    release["chart"]["metadata"]["version"] = format!("13.0.0-{long}").into();
    release["namespace"] = long.into();
    release
}
