//! What the lines tell of keys that are no longer read, against the values of the real charts.

use camunda_upgrade_guard::{
    camunda::Line,
    change::{Change, Facts, Rendered},
    finding::Finding,
    helm::{release::Release, values::below},
    rules,
};
use harness::corpus::Corpus;
use serde_json::Value;

/// Maps whose keys are the user's.
const FREE_FORM: [&str; 10] = [
    "annotations",
    "labels",
    "logging",
    "podAnnotations",
    "podLabels",
    "containerSecurityContext",
    "podSecurityContext",
    "securityContext",
    "resources",
    "defaultRoles",
];
/// Every chart has these from the library chart and from Helm, at every depth.
const COPIED: [&str; 2] = ["common", "global"];
/// The line, and keys that its chart merges into others or still reads.
const STILL_READ: [(&str, &str); 10] = [
    ("10", "global.elasticsearch.host"),
    ("10", "global.elasticsearch.port"),
    ("10", "global.elasticsearch.protocol"),
    ("10", "identity.keycloak"),
    ("10", "identity.postgresql"),
    ("10", "zeebe-gateway"),
    ("13", "global.identity.auth.connectors"),
    ("14", "global.image.tag"),
    ("14", "orchestration.profiles.identity"),
    // Its chart is off in the record.
    ("14", "webModelerPostgresql"),
];
/// The line, and keys that later patches of it have: the records are of early ones.
const IN_LATER_PATCHES: [(&str, &str); 16] = [
    ("8.3", "webModeler.websockets.livenessProbe"),
    ("8.3", "webModeler.websockets.readinessProbe"),
    ("8.3", "webModeler.websockets.startupProbe"),
    ("8.3", "zeebe.pvcSelector"),
    ("14", "global.elasticsearch.tls.jks"),
    ("14", "global.opensearch.tls.jks"),
    ("14", "global.tls"),
    ("14", "orchestration.hostNetwork"),
    ("14", "orchestration.topologySpreadConstraints"),
    ("14", "webModeler.persistence.deploymentStrategy"),
    ("14", "connectors.serviceAccount.labels"),
    ("14", "console.serviceAccount.labels"),
    ("14", "identity.serviceAccount.labels"),
    ("14", "optimize.serviceAccount.labels"),
    ("14", "orchestration.serviceAccount.labels"),
    ("14", "webModeler.serviceAccount.labels"),
];
/// The line, and keys that it drops and the line before had merged without having them in its own values.
const MERGED_BEFORE: [(&str, &str); 5] = [
    ("13", "identity.keycloak"),
    ("13", "identity.postgresql"),
    ("14", "global.identity.auth.connectors"),
    ("14", "global.identity.auth.orchestration"),
    ("15", "orchestration.profiles.identity"),
];

/// The fullest records of neighbouring lines; 11 has none.
const NEIGHBOURS: [(&str, &str, &[&str]); 8] = [
    ("8.0.12", "8.1.27", &["8.1"]),
    ("8.1.27", "8.2.34", &["8.2"]),
    ("8.2.34", "8.3.1", &["8.3"]),
    ("8.3.1", "9.3.7", &["9"]),
    ("9.3.7", "10.0.2", &["10"]),
    ("10.0.2", "12.13.3", &["11", "12"]),
    ("12.13.3", "13.12.7-migration-full", &["13"]),
    ("13.12.7-migration-full", "14.0.0-identity", &["14"]),
];

fn dropped(lines: &[&str]) -> Vec<(&'static str, &'static str)> {
    let known = Line::all().iter();
    known
        .filter(|line| lines.contains(&line.line.as_str()))
        .flat_map(|line| {
            let keys = line.dropped_values.keys();
            keys.map(|key| (line.line.as_str(), key.as_str()))
        })
        .collect()
}

fn excepted(exceptions: &[(&str, &str)], lines: &[&str], key: &str) -> bool {
    exceptions
        .iter()
        .any(|(line, root)| lines.contains(line) && below(key, root).is_some())
}

fn knows(values: &Value, key: &str) -> bool {
    values
        .pointer(&format!("/{}", key.replace('.', "/")))
        .is_some()
}

/// The keys of a chart's values that another one's do not have, without what is below them.
fn gone(old: &Value, new: &Value, above: &str, found: &mut Vec<String>) {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        return;
    };
    for (part, old) in old {
        let key = format!("{above}{part}");
        if !above.is_empty() && COPIED.contains(&part.as_str()) {
            continue;
        }
        match new.get(part) {
            None => found.push(key),
            Some(_) if FREE_FORM.contains(&part.as_str()) => {}
            // An empty mapping is one whose keys are the user's, or a chart that is off.
            Some(new) if new.as_object().is_some_and(serde_json::Map::is_empty) => {}
            Some(new) => gone(old, new, &format!("{key}."), found),
        }
    }
}

#[test]
fn the_lines_tell_of_all_keys_that_real_charts_no_longer_read_and_of_no_other() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to, lines) in NEIGHBOURS {
        let old = corpus.record(from).unwrap().values;
        let new = corpus.record(to).unwrap().values;
        let dropped = dropped(lines);
        for (line, key) in &dropped {
            let known = knows(&old, key) || excepted(&MERGED_BEFORE, &[line], key);
            assert!(known, "{from} did not know {key}");
            assert!(!knows(&new, key), "{to} knows {key}");
        }
        let mut found = Vec::new();
        gone(&old, &new, "", &mut found);
        for key in found {
            let told = dropped.iter().any(|(_, root)| below(&key, root).is_some())
                || excepted(&STILL_READ, lines, &key)
                || excepted(&IN_LATER_PATCHES, lines, &key);
            assert!(told, "{from} knows {key}, {to} does not");
        }
    }
    let last = corpus.record("14.0.0-identity").unwrap().values;
    for (line, key) in dropped(&["15"]) {
        let known = knows(&last, key) || excepted(&MERGED_BEFORE, &[line], key);
        assert!(known, "14.0.0 did not know {key}");
    }
}

#[test]
fn what_took_a_keys_place_is_in_the_new_chart() {
    let Some(corpus) = Corpus::find() else { return };
    for (_, to, lines) in NEIGHBOURS {
        let new = corpus.record(to).unwrap().values;
        for line in Line::all()
            .iter()
            .filter(|line| lines.contains(&line.line.as_str()))
        {
            let successors = line
                .dropped_values
                .values()
                .chain(line.never_shipped.values());
            for key in successors.flatten() {
                assert!(knows(&new, key), "{to} does not know {key}");
            }
            for key in line.never_shipped.keys() {
                assert!(!knows(&new, key), "{to} knows {key}");
            }
        }
    }
}

fn findings(corpus: &Corpus, from: &str, to: &str) -> Vec<Finding> {
    let release = |name: &str, status: &str| -> Release {
        let mut raw = corpus.record(name).unwrap().raw;
        raw["info"]["status"] = status.into();
        serde_json::from_value(raw).unwrap()
    };
    let running = Rendered::of(&release(from, "deployed"), None);
    let next = release(to, "pending-upgrade");
    let planned = Rendered::of(&next, Some(&running));
    let change = Change::of_release(&next, &planned, Some(&running)).unwrap();
    let mut findings = rules::judge(&change, &Facts::default());
    findings.retain(|finding| finding.rule.name() == "values-ignored");
    findings
}

#[test]
fn good_upgrades_of_real_charts_pass_and_the_guides_line_does_not() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to, _) in NEIGHBOURS {
        assert_eq!(findings(&corpus, from, to), [], "{from} to {to}");
    }
    for from in ["12.13.3", "13.12.7-defaults"] {
        let [finding] = &findings(&corpus, from, "13.12.7-guides-line")[..] else {
            panic!("nothing is said from {from}")
        };
        for component in ["operate", "tasklist", "zeebe"] {
            let key = format!("global.identity.auth.{component}.existingSecret");
            assert!(finding.why[0].contains(&key), "{:?}", finding.why);
        }
    }
}
