//! The data files of the release lines: as the real charts are, and a new line is a new file.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

use std::{fs, path::Path};

use camunda_upgrade_guard::{
    camunda::{Component, Line, NewestPatches},
    change::{Change, Facts, Rendered},
    finding::{Action, Finding},
    forecast::InstalledRelease,
    helm::release::Release,
    kubernetes::{Kind, Object},
    plan::{Means, Plan},
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

/// One test, because lines are loaded once in a process, before anything asks for one.
#[test]
fn lines_are_data() {
    let folder = tempfile::tempdir().unwrap();
    what_is_no_line_is_refused_with_its_name(folder.path());
    Line::load(&root().join("tests/release_lines")).unwrap();
    the_files_of_a_folder_are_added();
    credentials_are_given_by_the_lines_keys();
    moved_typed_and_dropped_values_are_told();
    a_new_application_is_known_by_its_name();
    a_plan_leads_through_both();
    the_files_are_as_the_real_charts();
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn what_is_no_line_is_refused_with_its_name(folder: &Path) {
    let path = folder.join("16.yaml");
    let missing = Line::load(&folder.join("none")).unwrap_err();
    assert!(format!("{missing:#}").contains("none"), "{missing:#}");
    let imaginary = fs::read_to_string(root().join("tests/release_lines/16.yaml")).unwrap();
    let with = |more: &str| format!("{imaginary}{more}\n");
    for (text, because) in [
        (String::new(), "empty file"),
        ("line: [".to_owned(), "16.yaml is no release line"),
        ("line: \"16\"".to_owned(), "missing field"),
        (imaginary.replace("\"16\"", "\"next\""), "is no number"),
        (imaginary.replace("16.0.2", "17.0.0"), "newest patch 17.0.0"),
        (with("droppedvalues: {}"), "unknown field `droppedvalues`"),
        (with("brings: {wings: 16.0.0}"), "unknown variant `wings`"),
        (
            with("brings: {partition-scaling: 17.0.0}"),
            "17.0.0, which is no chart of line 16",
        ),
        (
            with("convertedValues: {downgrade: [zeebe]}"),
            "downgrade speaks of no values of line 16",
        ),
        (
            with("goneApplications: [nobody]"),
            "an application that no line brings: \"nobody\"",
        ),
    ] {
        fs::write(&path, text).unwrap();
        let error = format!("{:#}", Line::load(folder).unwrap_err());
        let named = error.contains("16.yaml") || error.contains("release line 16");
        assert!(error.contains(because) && named, "{error}");
    }
}

fn the_files_of_a_folder_are_added() {
    let compiled_in = fs::read_dir(root().join("crates/upgrade-rules/lines")).unwrap();
    assert_eq!(Line::all().len(), compiled_in.count() + 2);
    let names: Vec<_> = Line::all().iter().map(|line| line.line.as_str()).collect();
    assert!(names.ends_with(&["15", "16", "17"]), "{names:?}");
}

fn release(version: &str, values: &Value, manifest: &[Value]) -> Release {
    let manifest: String = manifest
        .iter()
        .map(|document| format!("---\n{document}\n"))
        .collect();
    serde_json::from_value(json!({
        "name": "a", "namespace": "prod", "version": 2, "info": {"status": "pending-upgrade"},
        "chart": {"metadata": {"name": "camunda-platform", "version": version}},
        "config": values, "manifest": manifest,
    }))
    .unwrap()
}

fn upgrade(from: (&str, &Value, &[Value]), to: (&str, &Value, &[Value])) -> Change {
    let running = Rendered::of(&release(from.0, from.1, from.2), None);
    let next = release(to.0, to.1, to.2);
    let planned = Rendered::of(&next, Some(&running));
    Change::of_release(&next, &planned, Some(&running)).unwrap()
}

/// A workload of Camunda's own; its program has an image, and a variable from a Secret.
fn workload(kind: &str, name: &str, component: &str, image: &str, variable: Option<&str>) -> Value {
    let labels = json!({"app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/component": component});
    let read = |name| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "old", "key": "token"}}});
    let variables: Vec<_> = variable.map(read).into_iter().collect();
    let container = json!({"name": "main", "image": image, "env": variables});
    let pod = json!({"metadata": {"labels": labels}, "spec": {"containers": [container]}});
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": "prod", "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod},
    })
}

fn with_claim(mut workload: Value, claim: &str) -> Value {
    workload["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": claim}}]);
    workload
}

fn brokers(version: &str) -> Value {
    let image = format!("camunda/camunda:{version}");
    let brokers = workload("StatefulSet", "a-zeebe", "zeebe-broker", &image, None);
    with_claim(brokers, "data")
}

fn connectors(version: &str) -> Value {
    let image = format!("camunda/connectors-bundle:{version}");
    workload("Deployment", "a-connectors", "connectors", &image, None)
}

fn hub(version: &str) -> Value {
    let image = format!("camunda/decision-hub:{version}");
    let hub = workload(
        "StatefulSet",
        "a-decision-hub",
        "decisions",
        &image,
        Some("HUB_TOKEN"),
    );
    with_claim(hub, "decisions")
}

fn live(objects: &[(Kind, Value)]) -> Facts {
    let mut facts = Facts::default();
    for (kind, object) in objects {
        facts.insert(*kind, Object(object.clone()).into());
    }
    facts
}

fn found<'a>(findings: &'a [Finding], rule: &str) -> &'a Finding {
    let told: Vec<_> = findings.iter().map(|it| it.rule.name()).collect();
    let found = findings.iter().find(|finding| finding.rule.name() == rule);
    found.unwrap_or_else(|| panic!("{rule} is not in {told:?}"))
}

fn commands(finding: &Finding) -> String {
    let fixes = finding.fixes.iter().flat_map(|fix| &fix.commands);
    fixes
        .map(|command| format!("{}\n", command.text()))
        .collect()
}

/// 16 takes Keycloak's password under a key that no line before it had.
fn credentials_are_given_by_the_lines_keys() {
    let secret = |value: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a-keycloak", "namespace": "prod"}, "stringData": {"admin-password": value}});
    let none = json!({});
    let change = upgrade(
        ("15.0.0", &none, &[secret("old")]),
        ("16.0.1", &none, &[secret("new")]),
    );
    let there = json!({"metadata": {"name": "a-keycloak", "namespace": "prod"}, "data": {"admin-password": "b2xk"}});
    let findings = rules::judge(&change, &live(&[(Kind::Secret, there)]));
    let commands = commands(found(&findings, "identity-secret-regenerated"));
    assert!(commands.contains("imaginary.admin.password"), "{commands}");
}

fn values() -> Value {
    json!({
        "orchestration": {"clusterSize": 5, "nodeSelector": {"disk": "ssd"}, "env": [{"name": "A", "value": "1"}]},
        "connectors": {"legacy": {"polling": true}, "port": "8080"},
    })
}

fn moved_typed_and_dropped_values_are_told() {
    let (running, planned) = (
        [brokers("8.10.0"), connectors("8.10.0")],
        [brokers("8.12.3"), connectors("8.12.3")],
    );
    let change = upgrade(
        ("15.0.0", &values(), &running),
        ("17.0.3", &values(), &planned),
    );
    let findings = rules::judge(&change, &Facts::default());
    let skipped = found(&findings, "upgrade-path-skipped");
    assert_eq!(skipped.action, Action::Deny);
    assert!(commands(skipped).contains("16.0.2"), "{skipped:#?}");

    let moved = found(&findings, "values-moved");
    assert_eq!(moved.action, Action::Deny);
    let why = moved.why.join("\n");
    for key in [
        "orchestration.clusterSize: now engine.size",
        "orchestration.nodeSelector.disk: now engine.nodeSelector.disk",
        "orchestration.env: now engine.variables",
    ] {
        assert!(why.contains(key), "{why}");
    }
    let commands = commands(moved);
    for part in [
        "cat > camunda-17.yaml",
        "size: \"5\"",
        "disk: ssd",
        "port: 8080",
        "existingSecret: camunda-credentials-of-17",
        "existingSecretKey: connectors-token",
        "-f camunda-17.yaml",
        "create secret generic camunda-credentials-of-17",
    ] {
        assert!(commands.contains(part), "{part} is not in {commands}");
    }
    let ignored = found(&findings, "values-ignored").why.join("\n");
    assert!(ignored.contains("connectors.legacy.polling"), "{ignored}");
    assert!(!ignored.contains("orchestration"), "{ignored}");

    // Whoever has the new keys is asked for nothing.
    let new = json!({
        "engine": {"size": "5", "nodeSelector": {"disk": "ssd"}, "variables": [{"name": "A", "value": "1"}]},
        "connectors": {"port": 8080},
    });
    let change = upgrade(("16.0.2", &values(), &running), ("17.0.3", &new, &planned));
    let findings = rules::judge(&change, &Facts::default());
    for rule in ["values-moved", "values-ignored", "values-dropped"] {
        let told = findings.iter().find(|finding| finding.rule.name() == rule);
        assert!(told.is_none(), "{told:#?}");
    }
}

fn a_new_application_is_known_by_its_name() {
    let none = json!({});
    let running = [brokers("8.11.2"), hub("8.11.2")];
    let change = upgrade(
        ("16.0.2", &none, &running),
        ("17.0.3", &none, &[brokers("8.12.3")]),
    );
    // Without a claim that holds data it is an application that goes.
    let findings = rules::judge(&change, &Facts::default());
    let gone = found(&findings, "component-disappears");
    assert_eq!(gone.title, "Decision Hub would be deleted");
    let told = gone.why.join("\n");
    assert!(
        told.contains("decision-hub): decisionHub.enabled"),
        "{told}"
    );
    let commands_of = commands(gone);
    for part in [
        "cat > camunda-17.yaml",
        "decisionHub:",
        "enabled: true",
        "hub-token",
    ] {
        assert!(commands_of.contains(part), "{part} is not in {commands_of}");
    }
    // With one its volume would be left behind.
    let claim = json!({
        "metadata": {"name": "decisions-a-decision-hub-0", "namespace": "prod"},
        "spec": {"volumeName": "pv-1"}, "status": {"phase": "Bound"},
    });
    let findings = rules::judge(&change, &live(&[(Kind::PersistentVolumeClaim, claim)]));
    let orphaned = found(&findings, "claims-orphaned");
    assert_eq!(orphaned.action, Action::Deny);
    assert!(commands(orphaned).contains("decisionHub:"), "{orphaned:#?}");
}

fn a_plan_leads_through_both() {
    let running = release(
        "15.0.0",
        &values(),
        &[brokers("8.10.0"), connectors("8.10.0")],
    );
    let standing = InstalledRelease::of("a", "prod", Rendered::of(&running, None)).unwrap();
    let means = Means {
        chart: "camunda/camunda-platform".to_owned(),
        values: vec!["values.yaml".to_owned()],
        ..Means::default()
    };
    let (to, newest) = ("17.0.3".parse().unwrap(), NewestPatches::default());
    let plan = Plan::of(&standing, &Facts::default(), &to, means, &newest).unwrap();
    let hops: Vec<_> = plan.hops.iter().map(|hop| hop.to.as_str()).collect();
    assert_eq!(hops, ["16.0.2", "17.0.3"]);
    let script = plan.script();
    for part in [
        "--version 16.0.2 ",
        "--version 17.0.3 ",
        "cat > camunda-17.yaml",
        "nodeSelector:",
        "create secret generic camunda-credentials-of-17",
        "-f camunda-17.yaml",
    ] {
        assert!(script.contains(part), "{part} is not in {script}");
    }
}

fn the_files_are_as_the_real_charts() {
    let Some(corpus) = Corpus::find() else {
        println!("SKIPPED: release lines against the real charts, as CAMUNDA_CORPUS is not set");
        return;
    };
    for version in [
        "8.0.12",
        "8.1.27",
        "8.2.34",
        "8.3.1",
        "9.3.7",
        "10.0.2",
        "12.13.3",
        "13.12.7-migration-full",
        "14.0.0-identity",
    ] {
        let record = corpus.record(version).unwrap();
        let release: Release = serde_json::from_value(record.raw.clone()).unwrap();
        let rendered = Rendered::of(&release, None);
        let chart = rendered.camunda_version.clone().unwrap();
        let line = Line::of(&chart).unwrap();
        let newest = line.newest_patch.version == chart;
        for switch in line.switches.values().flatten() {
            let pointer = format!("/{}", switch.replace('.', "/"));
            let default = record.values.pointer(&pointer).and_then(Value::as_bool);
            assert_eq!(default, Some(false), "{version}: {switch}");
        }
        for object in &rendered.objects {
            let kind = object.reference.kind;
            if object.hook.is_some() || ![Kind::StatefulSet, Kind::Deployment].contains(&kind) {
                continue;
            }
            let name = object.reference.name.as_str();
            let fact = line.workloads.iter().find(|fact| {
                fact.kind == kind.name()
                    && (fact.name == name
                        || Some(fact.name.as_str()) == name.strip_prefix("camunda"))
            });
            let Some(fact) = fact else {
                let known = ["-webapp", "-websockets"];
                assert!(
                    known.iter().any(|end| name.ends_with(end)),
                    "{version}: {name} is in no file"
                );
                continue;
            };
            if kind == Kind::StatefulSet {
                assert_eq!(Some(object.component), fact.component, "{version}: {name}");
            }
            let template = object
                .object
                .str("/spec/volumeClaimTemplates/0/metadata/name");
            assert_eq!(template, fact.claim.as_deref(), "{version}: {name}");
            if fact.claim.is_some() {
                let replicas = object
                    .object
                    .0
                    .pointer("/spec/replicas")
                    .and_then(Value::as_u64);
                assert_eq!(replicas, fact.replicas, "{version}: {name}");
                let storage = "/spec/volumeClaimTemplates/0/spec/resources/requests/storage";
                assert_eq!(
                    object.object.str(storage),
                    fact.storage.as_deref().map(|s| s.trim_matches('"')),
                    "{version}: {name}"
                );
            }
            if newest && object.component != Component::Keycloak {
                let image = object.object.image().unwrap();
                assert!(
                    image.ends_with(&fact.image),
                    "{version}: {name} runs {image}, not {}",
                    fact.image
                );
                let user = object
                    .object
                    .0
                    .pointer("/spec/template/spec/containers/0/securityContext/runAsUser");
                assert_eq!(user.and_then(Value::as_i64), fact.user, "{version}: {name}");
            }
        }
    }
}
