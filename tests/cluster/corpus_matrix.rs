//! From every line of the corpus to every other: what may not be jumped over, and from where there is no way back.

use camunda_upgrade_guard::camunda::Line;
use harness::{Chart, Cluster, Corpus, Denial, Helm, Secrets, wait_until};
use serde_json::json;

use crate::{
    release::{Release, record},
    stage::guarded_with_corpus,
};

const RECORDS: [&str; 9] = [
    "8.0.12",
    "8.1.27",
    "8.2.34",
    "8.3.1",
    "9.3.7",
    "10.0.2",
    "12.13.3",
    "13.12.7-identity",
    "14.0.0-identity",
];

const SKIPPED: &str = "upgrade-path-skipped";
const DOWNGRADE: &str = "downgrade";

#[test]
fn every_skip_and_every_way_back_from_8() {
    to_every_other(&RECORDS[..5]);
}

#[test]
fn every_skip_and_every_way_back_from_9_on() {
    to_every_other(&RECORDS[5..]);
}

fn to_every_other(from: &[&str]) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let charts: Vec<_> = RECORDS
        .iter()
        .map(|name| record(cluster, &corpus, name, Secrets::ReuseLookup))
        .collect();
    for name in from {
        let (start, running) = line(&corpus, name);
        let release = Release::new(cluster, "camunda");
        let installed = RECORDS.iter().position(|other| other == name).unwrap();
        release.install_record(Helm::V3, &charts[installed]);
        release.bind_all();
        a_broker_became_ready(cluster, &release);
        let before = release.versions();
        for (number, (other, chart)) in RECORDS.iter().zip(&charts).enumerate() {
            let (end, target) = line(&corpus, other);
            // Each pair with one Helm, each chart with both.
            let helm = Helm::BOTH[(number + installed) % 2];
            if end == start || end == start + 1 {
                continue;
            }
            let pair = format!("{running} to {target}");
            let denial = Denial::of(&release.upgrade_record_as_checked(helm, chart));
            let jump = denial.rules.contains(&SKIPPED.to_owned());
            let back = denial.rules.contains(&DOWNGRADE.to_owned());
            assert_eq!(
                (jump, back),
                (end > start, end < start),
                "{pair}: {}",
                denial.text
            );
            if jump {
                let next = &Line::all()[start + 1].newest_patch.version;
                assert!(denial.text.contains(next), "{pair}: {}", denial.text);
            }
            assert_eq!(release.versions(), before, "{pair}");
        }
        // The next line is no jump, whatever else it asks for.
        if let Some(next) = charts.get(installed + 1) {
            let (end, target) = line(&corpus, RECORDS[installed + 1]);
            let rules = denied(&release, Helm::V4, next);
            let jump = rules.contains(&SKIPPED.to_owned());
            assert_eq!(jump, end > start + 1, "{running} to {target}");
            assert!(
                !rules.contains(&DOWNGRADE.to_owned()),
                "{running} to {target}"
            );
        }
    }
}

/// The place of a record's line in upgrade order, and its chart's version.
fn line(corpus: &Corpus, name: &str) -> (usize, String) {
    let version = corpus.record(name).unwrap().version;
    (Line::of(&version).unwrap().position(), version)
}

/// The rules that refuse, none where it is admitted.
fn denied(release: &Release, helm: Helm, chart: &Chart) -> Vec<String> {
    let output = release.upgrade_record_as_checked(helm, chart);
    match output.success() {
        true => Vec::new(),
        false => Denial::of(&output).rules,
    }
}

/// There is no kubelet: a test says for it that a pod is ready.
fn a_broker_became_ready(cluster: &Cluster, release: &Release) {
    wait_until("a broker to be counted as ready", std::time::Duration::from_secs(60), || {
        let Some(pod) = cluster.get("pod", &release.namespace, "camunda-zeebe-0")? else {
            return Ok(None);
        };
        let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        cluster
            .kubectl([
                "patch", "pod", name, "-n", &release.namespace, "--subresource=status",
                "--type=merge", "-p", &ready.to_string(),
            ])
            .ok()?;
        let set = cluster.get("statefulset", &release.namespace, "camunda-zeebe")?;
        let counted = set.and_then(|set| set["status"]["readyReplicas"].as_u64());
        Ok(counted.filter(|count| *count > 0))
    })
    .unwrap();
}
