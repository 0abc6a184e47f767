//! From Web Modeler to Camunda Hub, which migrates its database: in order, out of order, and with a chart that knows no phases.

use std::collections::BTreeMap;

use harness::{Chart, Cluster, Corpus, Denial, Document, Helm, Record, Secrets};
use serde_json::json;

use crate::{
    charts::replace,
    release::{Release, assert_silent},
    stage::guarded_with_corpus,
};

const RULE: &str = "hub-migration";
const MODELERS: [&str; 2] = [
    "camunda-web-modeler-restapi",
    "camunda-web-modeler-websockets",
];
/// How many pods a phase wants; without one it is normal.
const PHASED: &str = "replicas: {{ eq (((.Values.camundaHub).upgrade).phase | default \"normal\") \"quiesce\" | ternary 0 1 }}";

/// A release with all applications, the migration from 12 behind it.
fn web_modeler(corpus: &Corpus) -> Record {
    corpus.record("13.12.7-console-web-modeler").unwrap()
}

fn is_past(document: &Document) -> bool {
    document.source.contains("migration")
        || document.source.contains("importer")
        || document.name.contains("web-modeler-webapp")
}

fn to_14(cluster: &Cluster, record: &Record) -> Chart {
    rendered(cluster, &record.released_as("14.8.4", "8.9"), is_past)
}

/// A release with Web Modeler that is to be upgraded.
fn on_14<'c>(cluster: &'c Cluster, helm: Helm, record: &Record) -> Release<'c> {
    let release = Release::new(cluster, "camunda");
    release.install_record(helm, &to_14(cluster, record));
    release.bind_all();
    release
}

/// A record's chart without some of its documents.
fn rendered(cluster: &Cluster, record: &Record, without: impl Fn(&Document) -> bool) -> Chart {
    let dir = cluster.scratch("chart").unwrap();
    let chart = record.chart(Secrets::ReuseLookup).edit(|document| {
        if without(document) {
            document.text.clear();
        }
    });
    chart.write(&dir).unwrap()
}

/// The same with Hub in place of Web Modeler and of Console.
fn to_15(cluster: &Cluster, record: &Record, phases: bool) -> Chart {
    let mut raw = record.raw.clone();
    if phases {
        raw["chart"]["values"]["camundaHub"] = json!({"upgrade": {"phase": "normal"}});
    }
    let record = Record::from_json("15", raw).unwrap();
    let record = record.released_as("15.0.0", "8.10");
    let dir = cluster.scratch("chart").unwrap();
    let chart = record.chart(Secrets::ReuseLookup).edit(|document| {
        if is_past(document) || document.source.contains("/console/") {
            document.text.clear();
        }
        if document.kind == "Deployment" && MODELERS.contains(&document.name.as_str()) {
            document.text = document
                .text
                .replace("camunda/web-modeler-restapi:8.10.", "camunda/hub:8.10.")
                .replace(
                    "camunda/web-modeler-websockets:8.10.",
                    "camunda/hub-websockets:8.10.",
                );
        }
    });
    let chart = chart.write(&dir).unwrap();
    for part in ["restapi", "websockets"] {
        let template = format!("templates/web-modeler/deployment-{part}.yaml");
        if phases {
            replace(&chart.path, &template, "replicas: 1", PHASED);
        }
    }
    chart
}

fn replicas(release: &Release<'_>) -> BTreeMap<&'static str, u64> {
    let of = |name| {
        let found = release.get("deployment", name)?;
        Some((name, found["spec"]["replicas"].as_u64()?))
    };
    MODELERS.into_iter().filter_map(of).collect()
}

#[test]
fn helm_3_leads_hub_through_its_phases() {
    through_the_phases(Helm::V3);
}

#[test]
fn helm_4_leads_hub_through_its_phases() {
    through_the_phases(Helm::V4);
}

fn through_the_phases(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let record = web_modeler(&corpus);
    let release = on_14(cluster, helm, &record);
    let target = to_15(cluster, &record, true);
    let [f, file] = target.with_config();
    let phase = |phase: &str| format!("--set=camundaHub.upgrade.phase={phase}");

    // Straight away, and with the second phase first.
    for args in [&[f.as_str(), &file][..], &[&f, &file, &phase("migrate")]] {
        let denial = release.refused_by_guard(helm, &target.path, args);
        denial.assert_rules(&[RULE]);
        assert!(
            denial
                .block
                .contains("--set camundaHub.upgrade.phase=quiesce"),
            "{}",
            denial.text
        );
    }
    let denial = release.refused_by_guard(helm, &target.path, &[&f, &file]);
    release.cured(helm, &denial, &target.path, &[&f, &file]);
    assert!(replicas(&release).values().all(|count| *count == 0));
    let migrating = release.upgrade(helm, &target.path, &[&f, &file, &phase("migrate")]);
    assert!(migrating.ok().unwrap().text().contains(RULE));
    let running = release.upgrade(helm, &target.path, &[&f, &file, &phase("normal")]);
    assert_silent(&running.ok().unwrap());
    assert!(replicas(&release).values().all(|count| *count == 1));
}

/// An image of 8.9 that the values still pin would start on the migrated schema, or on nothing.
#[test]
fn a_pinned_image_is_refused_before_it_migrates() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let record = web_modeler(&corpus);
    let release = on_14(cluster, Helm::V4, &record);
    let target = to_15(cluster, &record, true);
    let pinned = to_15(cluster, &record, true);
    let template = "templates/web-modeler/deployment-restapi.yaml";
    replace(
        &pinned.path,
        template,
        "camunda/hub:8.10.",
        "camunda/hub:8.9.",
    );
    let [f, file] = target.with_config();
    let phase = |phase: &str| format!("--set=camundaHub.upgrade.phase={phase}");
    let quiesced = release.upgrade(Helm::V4, &target.path, &[&f, &file, &phase("quiesce")]);
    quiesced.ok().unwrap();

    let args = [f.as_str(), &file, &phase("migrate")];
    let denial = release.refused_by_guard(Helm::V4, &pinned.path, &args);
    denial.assert_rules(&[RULE]);
    assert!(denial.text.contains("camunda/hub:8.9."), "{}", denial.text);
    release.upgrade(Helm::V4, &target.path, &args).ok().unwrap();
}

/// Chart 15 has no Console but the one in Hub, and renders nothing for `console.enabled`.
#[test]
fn console_alone_would_vanish() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let record = web_modeler(&corpus);
    let release = Release::new(cluster, "camunda");
    let is_modeler = |document: &Document| document.source.contains("/web-modeler");
    let old = rendered(cluster, &record.released_as("14.8.4", "8.9"), |document| {
        is_past(document) || is_modeler(document)
    });
    release.install_record(Helm::V4, &old);
    release.bind_all();
    let next = record.released_as("15.0.0", "8.10");
    let none = rendered(cluster, &next, |document| {
        is_past(document) || is_modeler(document) || document.source.contains("/console/")
    });
    for helm in [Helm::V3, Helm::V4] {
        let denial = Denial::of(&release.upgrade_record(helm, &none));
        denial.assert_rules(&["component-disappears"]);
        assert!(
            denial.text.contains("camundaHub.enabled"),
            "{}",
            denial.text
        );
    }
    // Hub is new to this release: there is nothing to migrate, and its database's password is given to it.
    let (secret, key) = (
        "camunda-credentials",
        "web-modeler-postgresql-user-password",
    );
    let n = &*release.namespace;
    let given = format!(
        "kubectl -n {n} get secret {secret} || kubectl -n {n} create secret generic {secret}\n\
         kubectl -n {n} patch secret {secret} -p '{{\"stringData\":{{\"{key}\":\"demo\"}}}}'"
    );
    let shell = cluster.shell(Helm::V4).unwrap();
    shell.run(&given).unwrap().ok().unwrap();
    let hub = to_15(cluster, &record, false);
    release.upgrade_record(Helm::V4, &hub).ok().unwrap();
}

#[test]
fn a_chart_without_phases_takes_what_is_stopped_by_hand() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let record = web_modeler(&corpus);
    let release = on_14(cluster, Helm::V4, &record);
    let target = to_15(cluster, &record, false);
    let [f, file] = target.with_config();
    let args = [f.as_str(), &file, "--set=camundaHub.upgrade.phase=quiesce"];
    let denial = release.refused_by_guard(Helm::V4, &target.path, &args);
    denial.assert_rules(&[RULE]);
    assert!(
        denial.text.contains("starts Camunda Hub all the same"),
        "{}",
        denial.text
    );
    release.cured(Helm::V4, &denial, &target.path, &args);
}
