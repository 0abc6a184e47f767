//! The data files of the release lines: as the real charts are, and a new line is a new file.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

use std::{fs, path::Path};

use camunda_upgrade_guard::{
    camunda::{Component, Line},
    change::{Change, Facts, Rendered},
    helm::release::Release,
    kubernetes::{Kind, Object},
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

/// One test, because lines are loaded once in a process, before anything asks for one.
#[test]
fn lines_are_data() {
    let folder = tempfile::tempdir().unwrap();
    what_is_no_line_is_refused_with_its_name(folder.path());
    an_imaginary_line_16_is_a_file(folder.path());
    the_files_are_as_the_real_charts();
}

fn what_is_no_line_is_refused_with_its_name(folder: &Path) {
    let path = folder.join("16.yaml");
    let missing = Line::load(&folder.join("none")).unwrap_err();
    assert!(format!("{missing:#}").contains("none"), "{missing:#}");
    for (text, because) in [
        ("", "empty file"),
        ("line: [", "16.yaml is no release line"),
        ("line: \"16\"", "missing field"),
        (&imaginary().replace("\"16\"", "\"next\""), "is no number"),
        (
            &imaginary().replace("16.0.0", "17.0.0"),
            "newest patch 17.0.0",
        ),
    ] {
        fs::write(&path, text).unwrap();
        let error = format!("{:#}", Line::load(folder).unwrap_err());
        assert!(
            error.contains(because) && error.contains("16.yaml"),
            "{error}"
        );
    }
}

/// 16 takes Keycloak's password under a key that no line before it had.
fn imaginary() -> String {
    "line: \"16\"
application: \"8.11\"
newestPatch: {version: 16.0.0, date: 2027-04}
imageUser: 1001
brokers: {count: orchestration.clusterSize, size: orchestration.pvcSize}
credentials:
  - {name: keycloak-admin, secret: -keycloak, key: admin-password, held: keycloak, value: imaginary.admin.password}
"
    .to_owned()
}

fn an_imaginary_line_16_is_a_file(folder: &Path) {
    fs::write(folder.join("16.yaml"), imaginary()).unwrap();
    Line::load(folder).unwrap();
    assert_eq!(Line::all().last().unwrap().line, "16");
    assert_eq!(Line::all().len(), 12);

    let secret = |value: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a-keycloak, namespace: prod}}\nstringData: {{admin-password: {value}}}\n"
        )
    };
    let release = |version: &str, manifest: &str| -> Release {
        serde_json::from_value(json!({
            "name": "a", "namespace": "prod", "version": 2, "info": {"status": "pending-upgrade"},
            "chart": {"metadata": {"name": "camunda-platform", "version": version}}, "manifest": manifest,
        }))
        .unwrap()
    };
    let running = Rendered::of(&release("15.0.0", &secret("old")), None);
    let next = release("16.0.1", &secret("new"));
    let planned = Rendered::of(&next, Some(&running));
    let change = Change::of_release(&next, &planned, Some(&running)).unwrap();
    let mut facts = Facts::default();
    let live = json!({"metadata": {"name": "a-keycloak", "namespace": "prod"}, "data": {"admin-password": "b2xk"}});
    facts.insert(Kind::Secret, Object(live).into());
    let findings = rules::judge(&change, &facts);
    let finding = findings
        .iter()
        .find(|finding| finding.rule.name() == "identity-secret-regenerated")
        .unwrap();
    let commands: String = finding
        .fixes
        .iter()
        .flat_map(|fix| &fix.commands)
        .map(|command| command.text())
        .collect();
    assert!(commands.contains("imaginary.admin.password"), "{commands}");
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
