//! Files that must agree: the printed webhooks, the chart, the kustomizations, metrics.

use std::{collections::BTreeSet, fs};

use harness::{Binaries, Helm, Run, binaries::workspace};
use serde_json::{Value, json};

use crate::{
    beside::GUARD,
    rendered::{NAME, by_name, documents, is_hook, kustomized, template},
};

/// By which the guard tells whether a configuration is for its own version.
const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// Labels that only Helm's objects have.
const HELMS: [&str; 4] = [
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    VERSION_LABEL,
    "helm.sh/chart",
];

#[test]
fn the_webhooks_are_those_that_the_guard_prints() {
    let service = "camunda-upgrade-guard/camunda-upgrade-guard";
    let command = ["webhooks", "--service", service, "--self-managed"];
    let printed = Run::new(GUARD).args(command).output().unwrap();
    let printed = printed.ok().unwrap();
    for file in [
        "deploy/base/webhooks.yaml",
        "deploy/chart/files/webhooks.yaml",
    ] {
        let written = fs::read_to_string(workspace().join(file)).unwrap();
        let command = format!("camunda-upgrade-guard {} >{file}", command.join(" "));
        assert!(written == printed.stdout, "{file} is old: {command}");
    }
}

#[test]
fn chart_and_kustomization_make_the_same_objects() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    for (folder, args) in [
        ("deploy", &[][..]),
        (
            "deploy/cert-manager",
            &["--set=certificates.mode=certManager"],
        ),
        ("deploy/openshift", &["--set=openshift=always"]),
    ] {
        let mut kustomized = by_name(documents(&kustomized(&binaries, folder)));
        // Helm makes it, or finds it.
        kustomized
            .remove("Namespace /camunda-upgrade-guard")
            .unwrap();
        let config = "ConfigMap camunda-upgrade-guard/camunda-upgrade-guard";
        let labels = &mut kustomized.get_mut(config).unwrap()["metadata"]["labels"];
        let version = labels.as_object_mut().unwrap().remove(VERSION_LABEL);
        assert_eq!(version.unwrap(), env!("CARGO_PKG_VERSION"));
        for helm in Helm::BOTH {
            let output = template(&binaries, helm, args).ok().unwrap();
            let mut rendered = documents(&output.stdout);
            rendered.retain(|object| !is_hook(object));
            for object in &mut rendered {
                let labels = object["metadata"]["labels"].as_object_mut().unwrap();
                labels.retain(|key, _| !HELMS.contains(&key.as_str()));
            }
            let rendered = by_name(rendered);
            assert_eq!(
                rendered.keys().collect::<Vec<_>>(),
                kustomized.keys().collect::<Vec<_>>()
            );
            for (name, object) in &rendered {
                assert_eq!(object, &kustomized[name], "{name} of {folder}");
            }
        }
    }
}

#[test]
fn a_cluster_before_1_30_is_refused() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    for helm in Helm::BOTH {
        let template = |version| template(&binaries, helm, &["--kube-version", version]);
        for version in ["1.30.0", "1.30.3-gke.1", "v1.36.0"] {
            template(version).ok().unwrap();
        }
        let refused = template("1.29.14").refused().unwrap();
        assert!(
            refused.text().contains("requires kubeVersion: >=1.30"),
            "{}",
            refused.report()
        );
    }
}

#[test]
fn a_single_guard_does_not_keep_its_node_from_being_drained() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    for (replicas, budget) in [("--set=replicas=1", false), ("--set=replicas=2", true)] {
        let rendered = template(&binaries, Helm::V3, &[replicas]).ok().unwrap();
        let there = rendered.stdout.contains("kind: PodDisruptionBudget");
        assert_eq!(there, budget, "{replicas}");
    }
}

/// The namespace, the certificate and the own namespaces follow the release.
#[test]
fn the_webhooks_follow_the_release() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let args = [
        "--namespace=guards",
        "--set=webhooks.neverMatchedNamespaces={flux-system,guards}",
        "--set=webhooks.timeoutSeconds=7",
        "--set=certificates.mode=certManager",
    ];
    let objects = documents(&template(&binaries, Helm::V3, &args).ok().unwrap().stdout);
    let configurations = objects.iter().filter(|object| {
        let kind = object["kind"].as_str().unwrap_or_default();
        kind.ends_with("WebhookConfiguration") && !is_hook(object)
    });
    for configuration in configurations {
        let annotations = &configuration["metadata"]["annotations"];
        let from = "guards/camunda-upgrade-guard";
        assert_eq!(annotations["cert-manager.io/inject-ca-from"], from);
        for webhook in configuration["webhooks"].as_array().unwrap() {
            assert_eq!(webhook["timeoutSeconds"], 7);
            assert_eq!(webhook["clientConfig"]["service"]["namespace"], "guards");
            let Some(selector) = webhook.pointer("/namespaceSelector/matchExpressions") else {
                continue;
            };
            if webhook["name"] == "configuration.observed.camunda-upgrade-guard" {
                let own = json!([{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["guards"]}]);
                assert_eq!(selector, &own);
                continue;
            }
            let never = json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "guards", "flux-system"]});
            assert!(selector.as_array().unwrap().contains(&never), "{selector}");
        }
    }
    let text = json!(objects).to_string();
    assert!(text.contains("camunda-upgrade-guard.guards.svc"));
    assert!(!text.contains(&format!("{NAME}.{NAME}.svc")));
}

/// The families of metrics that alerts and dashboard speak of.
pub fn metrics() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in ["alerts.yaml", "dashboard.json"] {
        let text = fs::read_to_string(workspace().join("deploy/chart/files").join(file)).unwrap();
        for rest in text.split("camunda_upgrade_guard_").skip(1) {
            let word = |c: char| !(c.is_ascii_lowercase() || c == '_');
            let name = rest.split(word).next().unwrap();
            let family = ["_bucket", "_sum", "_count", "_total"]
                .iter()
                .fold(name, |name, end| name.trim_end_matches(end));
            names.insert(family.to_owned());
        }
    }
    names
}

#[test]
fn alerts_and_dashboard_speak_of_documented_metrics() {
    let page = fs::read_to_string(workspace().join("docs/observability.md")).unwrap();
    let metrics = metrics();
    assert!(metrics.len() > 8, "{metrics:?}");
    for family in metrics {
        let row = |end: &str| page.contains(&format!("| `camunda_upgrade_guard_{family}{end}` |"));
        assert!(row("") || row("_total"), "{family}");
    }
}

/// Each alert links to a section of its own about what to do, and each section is of an alert.
#[test]
fn each_alert_has_a_page() {
    let rules = alerts();
    let mut linked = BTreeSet::new();
    for rule in rules[0]["rules"].as_array().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        let address = format!("docs/alerts.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook_url"], address);
        linked.insert(name.to_owned());
    }
    let page = fs::read_to_string(workspace().join("docs/alerts.md")).unwrap();
    let sections = page.split("\n## ").skip(1);
    let sections = sections.map(|section| section.lines().next().unwrap().to_owned());
    assert_eq!(sections.collect::<BTreeSet<_>>(), linked);
}

/// The groups of alerts.
pub fn alerts() -> Value {
    let file = workspace().join("deploy/chart/files/alerts.yaml");
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The expressions of the dashboard and of the alerts.
pub fn expressions() -> Vec<String> {
    let dashboard = workspace().join("deploy/chart/files/dashboard.json");
    let dashboard = fs::read_to_string(dashboard).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let panels = all(&dashboard["panels"]);
    let mut told: Vec<Value> = panels
        .iter()
        .flat_map(|panel| all(&panel["targets"]))
        .collect();
    told.extend(all(&dashboard["annotations"]["list"]));
    told.extend(all(&alerts()[0]["rules"]));
    let text = |told: &Value| told["expr"].as_str().unwrap().to_owned();
    told.iter().map(text).collect()
}

/// The labels that an expression picks by, or sums by.
fn labels(expression: &str) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for picked in expression.split('{').skip(1) {
        let picked = picked.split('}').next().unwrap();
        // A value has no comma in it.
        let names = picked
            .split(", ")
            .map(|part| part.split('=').next().unwrap());
        labels.extend(names.map(str::to_owned));
    }
    for summed in expression.split(" by (").skip(1) {
        let summed = summed.split(')').next().unwrap();
        labels.extend(summed.split(", ").map(str::to_owned));
    }
    labels
}

/// What an expression asks for is a label of its metric, or one that a scrape sets.
#[test]
fn alerts_and_dashboard_ask_for_documented_labels() {
    let page = fs::read_to_string(workspace().join("docs/observability.md")).unwrap();
    let expressions = expressions();
    assert!(expressions.len() > 25, "{}", expressions.len());
    for expression in expressions {
        let of_metric = |row: &&str| {
            let name = row.split('`').nth(1).unwrap_or_default();
            name.starts_with("camunda_upgrade_guard_") && expression.contains(name)
        };
        let rows: Vec<_> = page.lines().filter(of_metric).collect();
        assert!(!rows.is_empty(), "{expression}");
        for label in labels(&expression) {
            let known = rows.iter().any(|row| row.contains(&format!("`{label}`")));
            let scraped = ["namespace", "pod", "le"].contains(&&*label);
            assert!(known || scraped, "{label}: {expression}");
        }
    }
    let wrong = labels("sum by (kind, le) (rate(a{b=\"c\", d=~\"$e\"}[5m]))");
    assert_eq!(
        wrong.into_iter().collect::<Vec<_>>(),
        ["b", "d", "kind", "le"]
    );
}

/// Each panel says what it shows; a value that is good or bad has a colour for it; every variable is used.
#[test]
fn the_dashboard_explains_itself() {
    let file = workspace().join("deploy/chart/files/dashboard.json");
    let text = fs::read_to_string(file).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert!(!panel["targets"].as_array().unwrap().is_empty(), "{panel}");
        assert!(panel["description"].as_str().is_some(), "{panel}");
        let steps = panel.pointer("/fieldConfig/defaults/thresholds/steps");
        assert!(panel["type"] != "stat" || steps.is_some(), "{panel}");
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names = variables.iter().map(|it| it["name"].as_str().unwrap());
    let names: Vec<_> = names.collect();
    assert_eq!(
        names,
        ["datasource", "namespace", "release_namespace", "release"]
    );
    for name in names {
        let used = [format!("${{{name}}}"), format!("\\\"${name}\\\"")];
        assert!(used.iter().any(|used| text.contains(used)), "{name}");
    }
    // The texts name alerts that there are.
    let page = fs::read_to_string(workspace().join("docs/alerts.md")).unwrap();
    let named = text.split("CamundaUpgradeGuard").skip(1);
    for rest in named {
        let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap();
        let heading = format!("## CamundaUpgradeGuard{name}\n");
        assert!(page.contains(&heading), "{name}");
    }
}
