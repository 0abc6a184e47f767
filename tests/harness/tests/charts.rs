//! Charts made from records: each renders to what its record says, and real ones install and upgrade.

use std::collections::BTreeMap;

use harness::chart::document::of_manifest;
use harness::{
    Binaries, Cluster, Corpus, Document, Helm, HelmCli, Output, Record, Revision, Secrets,
    cluster_or_skip, umbrella,
};

use serde_json::Value;

const RELEASE: &str = "camunda";

/// Per template and object the lines of the document, generated passwords aside.
fn comparable(manifest: &str) -> BTreeMap<(String, String, String), Vec<String>> {
    of_manifest(manifest)
        .into_iter()
        .map(
            |Document {
                 source,
                 kind,
                 name,
                 text,
                 ..
             }| {
                let generated = |line: &&str| {
                    let key = line.trim().split(':').next().unwrap_or_default();
                    kind == "Secret" && (key.ends_with("-secret") || key.ends_with("password"))
                };
                let lines = text.lines().map(|line| match generated(&line) {
                    true => line.split(':').take(1).collect(),
                    false => line.to_owned(),
                });
                let lines = lines.collect();
                ((source, kind, name), lines)
            },
        )
        .collect()
}

#[test]
fn every_record_becomes_a_chart_that_renders_to_the_records_manifest() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let Some(corpus) = Corpus::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    for name in corpus.names().unwrap() {
        let record = corpus.record(&name).unwrap();
        for (helm, secrets) in [
            (Helm::V3, Secrets::FailUnlessGiven),
            (Helm::V3, Secrets::ReuseLookup),
            (Helm::V4, Secrets::GenerateAnew),
        ] {
            let helm = HelmCli::new(&binaries, helm, None, dir.path());
            let chart = record.chart(secrets).write(dir.path()).unwrap();
            assert!(chart.left_out.is_empty(), "{name}: {:?}", chart.left_out);
            let [flag, file] = chart.with_config();
            let args = ["--no-hooks", flag.as_str(), file.as_str()];
            let namespace = record.namespace.as_str();
            let rendered = helm
                .template(RELEASE, &chart.path, namespace, &args)
                .ok()
                .unwrap();
            let (ours, theirs) = (comparable(&rendered.stdout), comparable(&record.manifest));
            assert!(!ours.is_empty());
            for (object, lines) in &theirs {
                assert_eq!(ours.get(object), Some(lines), "{name}: {object:?}");
            }
            assert_eq!(ours.len(), theirs.len(), "{name}");
        }
    }
}

#[test]
fn an_umbrella_renders_the_chart_below_its_alias() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let Some(corpus) = Corpus::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let helm = HelmCli::new(&binaries, Helm::V3, None, dir.path());
    let record = corpus.record("8.2.34").unwrap();
    let chart = record
        .chart(Secrets::FailUnlessGiven)
        .write(dir.path())
        .unwrap();
    let outer = umbrella(&chart, "platform", "engine", dir.path()).unwrap();
    let [flag, file] = outer.with_config();
    let own = "engine.global.identity.auth.tasklist.existingSecret=own";
    let args = [flag.as_str(), &file, "--set", own];
    let rendered = helm
        .template(RELEASE, &outer.path, "elsewhere", &args)
        .ok()
        .unwrap();
    let documents = of_manifest(&rendered.stdout);
    let theirs = of_manifest(&record.manifest).len();
    assert_eq!(documents.len(), theirs + record.hooks.len());
    let secret = documents
        .iter()
        .find(|document| document.name == "camunda-tasklist-identity-secret")
        .unwrap();
    assert_eq!(
        secret.source,
        "charts/engine/charts/identity/templates/tasklist-secret.yaml"
    );
    assert!(
        secret.text.contains("tasklist-secret: \"b3du\""),
        "{}",
        secret.text
    );
    assert!(rendered.stdout.contains("namespace: \"elsewhere\""));
}

fn install(
    cluster: &Cluster,
    record: &Record,
    secrets: Secrets,
    namespace: &str,
) -> anyhow::Result<Vec<Revision>> {
    let chart = record.chart(secrets).write(&cluster.scratch("chart")?)?;
    let [flag, file] = chart.with_config();
    let helm = cluster.helm(Helm::V3);
    helm.install(RELEASE, &chart.path, namespace, &[&flag, &file])
        .ok()?;
    helm.history(RELEASE, namespace)
}

/// Helm copies a parent's globals into each subchart, so more with each rendering.
fn without_globals(values: &Value) -> Value {
    let Value::Object(fields) = values else {
        return values.clone();
    };
    let kept = fields.iter().filter(|(key, _)| *key != "global");
    kept.map(|(key, value)| (key.clone(), without_globals(value)))
        .collect()
}

#[test]
fn the_chart_of_8_3_1_installs_and_its_brokers_get_volumes() {
    let cluster = cluster_or_skip!();
    let Some(corpus) = Corpus::find() else { return };
    let namespace = cluster.namespace("camunda").unwrap();
    let record = corpus.record("8.3.1").unwrap();
    let history = install(cluster, &record, Secrets::FailUnlessGiven, &namespace).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].status, "deployed");
    assert_eq!(history[0].chart, "camunda-platform-8.3.1");
    let kept = cluster.release_record(&namespace, RELEASE, 1).unwrap();
    assert_eq!(
        without_globals(&kept["chart"]["values"]),
        without_globals(&record.values)
    );
    assert_eq!(kept["config"], record.config);
    let metadata = &kept["chart"]["metadata"];
    for field in ["name", "version", "appVersion", "annotations", "keywords"] {
        assert_eq!(metadata[field], record.chart_metadata[field], "{field}");
    }
    let names = |metadata: &Value| -> Vec<String> {
        let subcharts = metadata["dependencies"].as_array().unwrap();
        subcharts
            .iter()
            .map(|subchart| subchart["name"].to_string())
            .collect()
    };
    assert_eq!(names(metadata), names(&record.chart_metadata));
    let hooks = kept["hooks"].as_array().unwrap();
    assert_eq!(hooks.len(), record.hooks.len());
    for (kept, hook) in hooks.iter().zip(&record.hooks) {
        assert_eq!(kept["path"], hook.path.as_str());
    }
    for claim in [
        "data-camunda-zeebe-2",
        "data-camunda-elasticsearch-master-1",
    ] {
        cluster.wait_bound(&namespace, claim).unwrap();
    }
}

#[test]
fn the_chart_of_12_13_3_installs_and_rolls_back() {
    let cluster = cluster_or_skip!();
    let Some(corpus) = Corpus::find() else { return };
    let namespace = cluster.namespace("camunda").unwrap();
    let record = corpus.record("12.13.3").unwrap();
    install(cluster, &record, Secrets::ReuseLookup, &namespace).unwrap();
    let chart = record
        .chart(Secrets::ReuseLookup)
        .replace("StatefulSet", "camunda-zeebe", "replicas: 3", "replicas: 5")
        .without("Deployment", "camunda-console")
        .write(&cluster.scratch("chart").unwrap())
        .unwrap();
    let [flag, file] = chart.with_config();
    let helm = cluster.helm(Helm::V4);
    let brokers = || {
        let set = cluster
            .get("statefulset", &namespace, "camunda-zeebe")
            .unwrap();
        set.unwrap()["spec"]["replicas"].as_u64()
    };
    helm.upgrade(RELEASE, &chart.path, &namespace, &[&flag, &file])
        .ok()
        .unwrap();
    assert_eq!(brokers(), Some(5));
    assert_eq!(
        cluster
            .get("deployment", &namespace, "camunda-console")
            .unwrap(),
        None
    );
    helm.rollback(RELEASE, 1, &namespace, &[]).ok().unwrap();
    assert_eq!(brokers(), Some(3));
    let history = helm.history(RELEASE, &namespace).unwrap();
    assert_eq!(history.len(), 3);
    assert!(history[2].description.contains("Rollback to 1"));
    helm.uninstall(RELEASE, &namespace, &[]).ok().unwrap();
    assert_eq!(helm.history(RELEASE, &namespace).unwrap(), []);
}

#[test]
fn each_mode_of_secrets_upgrades_as_its_charts_do() {
    let cluster = cluster_or_skip!();
    let Some(corpus) = Corpus::find() else { return };
    let namespace = cluster.namespace("camunda").unwrap();
    let record = corpus.record("8.2.34").unwrap();
    install(cluster, &record, Secrets::FailUnlessGiven, &namespace).unwrap();
    let upgrade = |secrets: Secrets, args: &[&str]| -> Output {
        let dir = cluster.scratch("chart").unwrap();
        let chart = record.chart(secrets).write(&dir).unwrap();
        let [flag, file] = chart.with_config();
        let mut all = vec![flag.as_str(), &file];
        all.extend(args);
        cluster
            .helm(Helm::V3)
            .upgrade(RELEASE, &chart.path, &namespace, &all)
    };
    let secrets = || -> BTreeMap<String, String> {
        let secrets = cluster.list("secret", &namespace, "").unwrap();
        secrets
            .iter()
            .filter(|secret| secret["type"] == "Opaque")
            .filter(|secret| secret["metadata"]["name"] != "camunda-web-modeler")
            .map(|secret| {
                (
                    secret["metadata"]["name"].to_string(),
                    secret["data"].to_string(),
                )
            })
            .collect()
    };
    let installed = secrets();
    assert_eq!(installed.len(), 8);

    let refused = upgrade(Secrets::FailUnlessGiven, &[]).refused().unwrap();
    assert!(
        refused.stderr.contains("PASSWORDS ERROR"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--set global.identity.auth."));
    upgrade(Secrets::ReuseLookup, &[]).ok().unwrap();
    assert_eq!(secrets(), installed);

    let components = ["connectors", "operate", "optimize", "tasklist", "zeebe"];
    let flags = components
        .map(|component| format!("--set=global.identity.auth.{component}.existingSecret=given"));
    let flags = flags.each_ref().map(String::as_str);
    upgrade(Secrets::FailUnlessGiven, &flags).ok().unwrap();
    let given = secrets();
    for (name, data) in &given {
        let ours = name.contains("-identity-secret");
        assert_eq!(data != &installed[name], ours, "{name}");
        assert_eq!(data.contains("Z2l2ZW4="), ours, "{name}");
    }
    upgrade(
        Secrets::GenerateAnew,
        &["--set=identity.keycloak.auth.adminPassword=given"],
    )
    .ok()
    .unwrap();
    for (name, data) in secrets() {
        assert_ne!(data, given[&name], "{name}");
        assert_eq!(
            data.contains("Z2l2ZW4="),
            name == "\"camunda-keycloak\"",
            "{name}"
        );
    }
}
