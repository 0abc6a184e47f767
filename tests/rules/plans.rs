//! Plans of real releases (`CAMUNDA_CORPUS`): which upgrades, which steps, and that a script is one.

use std::{fs::Permissions, os::unix::fs::PermissionsExt};

use camunda_upgrade_guard::{
    change::Rendered,
    finding::{Command, Moment},
    forecast::InstalledRelease,
    helm::release::Release,
    kubernetes::Object,
    plan::{Means, Plan},
};
use harness::{Corpus, Run};
use serde_json::{Value, json};

use crate::{
    corpus_volumes::{live, newest, release},
    reports_schemas::{closed_and_described, complaint, read, schema_of, shown},
};

fn plan(running: &Rendered, to: &str) -> Plan {
    let standing = InstalledRelease::of("camunda", "camunda", running.clone()).unwrap();
    let (facts, to) = (live(running), to.parse().unwrap());
    Plan::of(&standing, &facts, &to, means(), &newest()).unwrap()
}

fn means() -> Means {
    Means {
        chart: "camunda/camunda-platform".to_owned(),
        values: vec!["values.yaml".to_owned()],
        ..Means::default()
    }
}

fn running(corpus: &Corpus, name: &str, edit: impl FnOnce(&mut Value)) -> Rendered {
    let release = release(corpus, name, "deployed");
    let mut raw = corpus.record(name).unwrap().raw;
    raw["info"]["status"] = "deployed".into();
    edit(&mut raw);
    let edited: Release = serde_json::from_value(raw).unwrap();
    assert_eq!(edited.name, release.name);
    Rendered::of(&edited, None)
}

#[track_caller]
fn assert_script(plan: &Plan) -> String {
    let script = plan.script();
    let run = Run::new("bash").args(["-n"]).input(script.clone());
    run.output().unwrap().ok().unwrap();
    script
}

/// How often a script does something; what its comments only tell does not count.
fn count(script: &str, part: &str) -> usize {
    let lines = script.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.matches(part).count()).sum()
}

#[test]
fn a_plan_goes_through_every_line_by_its_newest_patch() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let ways: [(&str, &str, &[&str]); 6] = [
        (
            "8.0.12",
            "8.3.26",
            &["8.0.20", "8.1.27", "8.2.34", "8.3.26"],
        ),
        ("8.2.34", "8.3.1", &["8.3.1"]),
        ("9.3.7", "9.7.0", &["9.7.0"]),
        (
            "10.0.2",
            "13.12.7",
            &["10.11.3", "11.12.3", "12.13.3", "13.12.7"],
        ),
        ("12.13.3", "14.8.4", &["13.12.7", "14.8.4"]),
        (
            "13.12.7-migration-full",
            "15.0.0-alpha4",
            &["14.8.4", "15.0.0-alpha4"],
        ),
    ];
    for (from, to, expected) in ways {
        let plan = plan(&running(&corpus, from, |_| {}), to);
        let hops: Vec<_> = plan.hops.iter().map(|hop| hop.to.as_str()).collect();
        assert_eq!(hops, expected, "{from} to {to}");
        let script = assert_script(&plan);
        for hop in &plan.hops {
            let upgrade = format!(
                "helm upgrade camunda camunda/camunda-platform --version {} -n camunda ",
                hop.to
            );
            // Camunda Hub has phases, each with an upgrade of its own.
            let upgrades = if hop.to.starts_with("15.") { 3 } else { 1 };
            assert_eq!(count(&script, &upgrade), upgrades, "{from} to {to}");
            // The first step makes ready, and looks where the release stands.
            let moments: Vec<_> = hop.steps.iter().map(|step| step.moment).collect();
            assert!(moments[1..].is_sorted(), "{moments:?}");
            let crosses = hop.application[0] != hop.application[1];
            assert_eq!(
                moments.contains(&Moment::BackUp),
                crosses,
                "{from} to {}",
                hop.to
            );
        }
        let numbers = plan
            .hops
            .iter()
            .flat_map(|hop| &hop.steps)
            .map(|step| step.number);
        assert!(numbers.eq(1..=plan.hops.iter().map(|hop| hop.steps.len()).sum()));
    }
}

/// Web Modeler stops, its database is dumped and migrated, and Hub starts; nothing goes back by itself in between.
#[test]
fn camunda_hub_is_led_through_its_phases() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let plan = plan(
        &running(&corpus, "13.12.7-migration-full", |_| {}),
        "15.0.0-alpha4",
    );
    let hop = plan.hops.last().unwrap();
    let commands = hop.steps.iter().flat_map(|step| &step.commands);
    let told: Vec<_> = commands
        .filter_map(|command| {
            let text = command.text();
            let phase = text.split("camundaHub.upgrade.phase=").nth(1);
            let phase = phase.and_then(|it| it.split_whitespace().next());
            match command {
                Command::Upgrade(_) => Some(format!("upgrade {}", phase.unwrap_or("without"))),
                Command::Manual(told) if told.contains("Web Modeler") => Some("dump".to_owned()),
                _ if text.contains("wait --for=delete pod") => Some("wait".to_owned()),
                _ => None,
            }
        })
        .collect();
    assert_eq!(
        told,
        [
            "upgrade quiesce",
            "wait",
            "wait",
            "wait",
            "dump",
            "upgrade migrate",
            "upgrade normal"
        ],
        "{plan}"
    );
    let script = plan.script();
    for flag in ["--atomic", "--rollback-on-failure"] {
        assert_eq!(count(&script, flag), 0, "{flag}");
    }
    // Console alone, or a release without either, is one upgrade.
    let without = self::plan(
        &running(&corpus, "13.12.7-identity", |_| {}),
        "15.0.0-alpha4",
    );
    assert!(!without.script().contains("camundaHub.upgrade.phase"));
}

/// What a step of an earlier hop has done is not done again, and what lasts for one upgrade only is repeated.
#[test]
fn later_hops_stand_where_earlier_ones_leave_the_release() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let script = plan(&running(&corpus, "8.0.12", |_| {}), "9.7.0").script();
    for (part, times) in [
        ("delete statefulset elasticsearch-master", 1),
        ("label pvc", 2),
        ("scale statefulset elasticsearch-master --replicas=0", 1),
        // PostgreSQL 14 is kept from 8.2 on.
        ("--set-string identity.keycloak.postgresql.image.tag=14.", 6),
        // 8.2 has it no more.
        ("KEYCLOAK_MANAGEMENT_PASSWORD=$(", 2),
        // New in 8.2, and in 8.3.
        (
            "--set-string global.identity.auth.connectors.existingSecret=\"$CONNECTORS_SECRET\"",
            2,
        ),
        (
            "--set-string global.identity.auth.console.existingSecret=\"$CONSOLE_SECRET\"",
            2,
        ),
    ] {
        assert_eq!(count(&script, part), times, "{part}: {script}");
    }
    let script = plan(&running(&corpus, "10.0.2", |_| {}), "14.8.4").script();
    for (part, times) in [
        ("create secret generic camunda-credentials", 1),
        ("secret camunda-postgresql ", 2),
        ("  -f camunda-13.yaml", 4),
        ("  -f camunda-14.yaml", 2),
        ("secondaryStorage", 1),
        ("job/camunda-zeebe-migration-data", 1),
        ("job/camunda-zeebe-migration-identity", 1),
        ("identity-secret-removed", 0),
    ] {
        assert_eq!(count(&script, part), times, "{part}: {script}");
    }
}

/// What is read under another key from 8.3 on comes along, and so do all volumes.
#[test]
fn as_many_nodes_are_planned_for_as_hold_data() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let plan = plan(&running(&corpus, "8.2.34-three-nodes", |_| {}), "9.7.0");
    let script = assert_script(&plan);
    for (part, times) in [
        ("replicaCount: 3", 1),
        ("  -f elasticsearch-8.3.yaml", 4),
        ("data-camunda-elasticsearch-master-2", 1),
        ("elasticsearch-nodes-reduced", 0),
    ] {
        assert_eq!(count(&script, part), times, "{part}: {script}");
    }
}

/// The charts cut what they make of a long name, and so do the claims' names.
#[test]
fn long_names_are_cut_as_the_charts_cut_them() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let name = "a-release-with-a-name-of-forty-six-characters-";
    let name = name.trim_end_matches('-');
    let release = running(&corpus, "8.2.34-defaults", |_| {});
    let standing = InstalledRelease::of(name, "camunda", release.clone()).unwrap();
    let plan = Plan::of(
        &standing,
        &live(&release),
        &"8.3.26".parse().unwrap(),
        means(),
        &newest(),
    );
    let script = assert_script(&plan.unwrap());
    let claim = format!("data-{name}-elasticsearch-mas-0");
    assert!(script.contains(&claim), "{script}");
    assert_eq!(claim.len() - "data--0".len(), 63);
}

/// Without Identity there are neither its credentials nor its databases.
#[test]
fn only_what_the_release_has_is_planned_for() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let without = running(&corpus, "8.2.34-defaults", |raw| {
        let manifest = raw["manifest"].as_str().unwrap();
        let documents = manifest.split("\n---\n");
        let of_identity = |text: &&str| !text.contains("/charts/identity/");
        let kept: Vec<_> = documents.filter(of_identity).collect();
        assert!(kept.len() > 10);
        raw["manifest"] = kept.join("\n---\n").into();
        raw["config"] = json!({"identity": {"enabled": false}});
    });
    let script = assert_script(&plan(&without, "13.12.7"));
    for part in ["pg_dump", "--set-string", "Keycloak", "migration-identity"] {
        assert_eq!(count(&script, part), 0, "{part}: {script}");
    }
    for part in [
        "elasticsearch-master --replicas=0",
        "delete statefulset camunda-zeebe --ignore-not-found",
        "migration-data",
    ] {
        assert_eq!(count(&script, part), 1, "{part}: {script}");
    }
}

/// A record may be anybody's; nothing of it gets out of the quotes, comments and files that it belongs into.
#[test]
fn nothing_of_a_hostile_record_becomes_a_command() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let hostile = running(&corpus, "12.13.3", |raw| {
        raw["config"]["zeebe"] = json!({
            "clusterSize": "3'\n$(touch pwned)",
            "x-password\nEOF\ntouch pwned\n": "hunter2",
            "image": {"tag": "8.7.1\nEOF\ntouch pwned"},
            "nodeSelector": {"EOF\ntouch pwned": "`touch pwned`"},
            "configuration": "a: 1\nEOF\ntouch pwned\n",
        });
        let manifest = raw["manifest"].as_str().unwrap();
        let evil = "templates/$(touch pwned)/charts/$(touch pwned)/templates";
        raw["manifest"] = manifest
            .replace("charts/identityKeycloak/charts/postgresql/templates", evil)
            .into();
    });
    let plan = plan(&hostile, "14.8.4");
    let script = assert_script(&plan);
    for text in [&script, &plan.markdown(), &plan.to_string()] {
        assert!(!text.contains("hunter2"), "{text}");
        let line = text.lines().find(|line| line.starts_with("touch pwned"));
        assert_eq!(line, None, "{text}");
    }
    // Run without a helm or a kubectl: the first step after the look writes the file, and nothing else comes about.
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("values.yaml"), "").unwrap();
    // The values may be secret, so that the program itself writes them.
    let program = dir.path().join("camunda-upgrade-guard");
    std::fs::write(&program, "#!/bin/sh\ntouch camunda-13.yaml\n").unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let run = Run::new("bash")
        .args(["-c", &script])
        .current_dir(dir.path());
    let run = run
        .env("YES", "1")
        .env("BACKUP", "0")
        .env("FROM", "2")
        .env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()));
    let ran = run.output().unwrap();
    assert!(
        dir.path().join("camunda-13.yaml").exists(),
        "{}",
        ran.report()
    );
    assert!(!dir.path().join("pwned").exists(), "{}", ran.report());
}

/// Whatever stands where something else is expected, a plan comes of it.
#[test]
fn odd_objects_are_planned_with_too() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let fields = [
        "/metadata/labels",
        "/stringData",
        "/data",
        "/spec",
        "/spec/replicas",
        "/spec/selector/matchLabels",
        "/spec/template",
        "/spec/template/metadata/labels",
        "/spec/template/spec/containers",
        "/spec/template/spec/containers/0",
        "/spec/template/spec/containers/0/env",
        "/spec/template/spec/containers/0/image",
        "/spec/template/spec/containers/0/securityContext",
        "/spec/template/spec/volumes",
        "/spec/volumeClaimTemplates",
        "/spec/volumeClaimTemplates/0/metadata",
    ];
    for (name, to) in [("8.2.34-defaults", "8.3.1"), ("12.13.3-defaults", "14.8.4")] {
        let plain = running(&corpus, name, |_| {});
        let facts = live(&plain);
        for field in fields {
            for odd in [json!(null), json!("x"), json!([1]), json!({"a": [1]})] {
                let mut running = plain.clone();
                for object in &mut running.objects {
                    let mut changed = object.object.0.clone();
                    if let Some(value) = changed.pointer_mut(field) {
                        *value = odd.clone();
                    }
                    object.object = Object(changed).into();
                }
                let standing = InstalledRelease::of("camunda", "camunda", running).unwrap();
                let plan = Plan::of(&standing, &facts, &to.parse().unwrap(), means(), &newest());
                assert!(!plan.unwrap().hops.is_empty(), "{field}: {odd}");
            }
        }
    }
}

/// What only a provider's own people can do comes first, and no upgrade runs with what nobody has told.
#[test]
fn clients_of_a_provider_are_registered_before_the_upgrade() {
    let Some(corpus) = Corpus::find() else { return };
    let plan = plan(&running(&corpus, "12.13.3-oidc", |_| {}), "13.12.7");
    let script = assert_script(&plan);
    for (client, variable, value) in [
        (
            "the Orchestration Cluster",
            "ORCHESTRATION_CLIENT_ID",
            "orchestration.security.authentication.oidc.clientId",
        ),
        (
            "the migration of identities",
            "MIGRATION_CLIENT_ID",
            "orchestration.migration.identity.clientId",
        ),
    ] {
        let register = format!("decide 'Register a client for {client} and set {variable}");
        assert_eq!(count(&script, &register), 1, "{script}");
        let flag = format!("--set-string {value}=\"${{{variable}:?");
        // What is checked is what is upgraded.
        assert_eq!(count(&script, &flag), 2, "{script}");
        assert!(script.find(&register) < script.find(&flag), "{script}");
    }
    assert_eq!(count(&script, "IFS= read -rs value"), 2, "{script}");
    for generated in ["client-token=\"$(openssl", "client-secret=\"$(openssl"] {
        assert_eq!(count(&script, generated), 0, "{script}");
    }
    assert!(!script.contains("its value"), "{script}");
}

/// What a command of a plan is, is what a command of a report is.
#[test]
fn json_and_yaml_are_as_their_schema_says() {
    const SCHEMA: &str = "docs/plan.schema.json";
    let schema: Value = serde_json::from_str(&read(SCHEMA)).unwrap();
    closed_and_described(&schema, "");
    let report: Value = serde_json::from_str(&read("docs/report.schema.json")).unwrap();
    for name in [
        "command",
        "does",
        "effect",
        "newSecret",
        "newKey",
        "secretKey",
        "object",
    ] {
        let [one, other] = [&schema, &report].map(|it| &it["definitions"][name]);
        assert_eq!(one, other, "{name}");
    }
    let (Some(corpus), Some(checker)) = (Corpus::find(), schema_of(SCHEMA)) else {
        return;
    };
    for (from, to) in [
        ("8.0.12", "9.7.0"),
        ("12.13.3", "14.8.4"),
        ("12.13.3-oidc", "13.12.7"),
    ] {
        let plan = plan(&running(&corpus, from, |_| {}), to);
        let (json, yaml) = (plan.json().unwrap(), plan.yaml().unwrap());
        assert_eq!(complaint(&checker, &json), None, "{json}");
        assert_eq!(complaint(&checker, &yaml), None, "{yaml}");
        let json: Value = serde_json::from_str(&json).unwrap();
        let same: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(shown(&same), shown(&json));
        assert_eq!(json["script"], plan.script());
        let upgrades = json["upgrades"].as_array().unwrap();
        let steps = upgrades
            .iter()
            .flat_map(|it| it["steps"].as_array().unwrap());
        let numbers = steps.map(|step| step["number"].as_u64().unwrap());
        let count = plan.hops.iter().map(|hop| hop.steps.len() as u64).sum();
        assert!(numbers.eq(1..=count));
    }
}
