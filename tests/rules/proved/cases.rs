//! Upgrades to start from: real ones, and those of this project's own charts.

use std::{path::Path, process::Command, sync::OnceLock};

use camunda_upgrade_guard::{
    change::{Change, Rendered},
    helm::release::Release,
};
use harness::{Binaries, Corpus};
use serde_json::json;

use crate::{
    corpus_volumes::live,
    pairs::{Live, PAIRS, upgrade},
};

/// A change and what is live before it.
#[derive(Clone, Debug)]
pub struct Case {
    pub of: String,
    pub change: Change,
    pub live: Live,
}

/// What runs and what is to run, of this project's charts.
const OWN: [(&str, &str); 5] = [
    ("camunda-8.2", "camunda-8.3"),
    ("camunda-8.3", "camunda-9.3"),
    ("camunda-9.3", "camunda-12"),
    ("camunda-12", "camunda-12"),
    ("camunda-12", "camunda-13"),
];

/// A release of one of the charts, rendered by Helm without a cluster: every password is another one each time.
fn rendered(binaries: &Binaries, chart: &str, status: &str) -> Release {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts");
    let chart = folder.join(chart);
    let output = Command::new(&binaries.helm3)
        .args(["template", "camunda", "-n", "camunda"])
        .args(["--set", "global.secretsMode=generateAnew"])
        .arg(&chart)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", chart.display());
    let about = std::fs::read_to_string(chart.join("Chart.yaml")).unwrap();
    let version = about.lines().find_map(|it| it.strip_prefix("version: "));
    serde_json::from_value(json!({
        "name": "camunda", "namespace": "camunda", "version": 2, "info": {"status": status},
        "chart": {"metadata": {"name": "camunda-platform", "version": version.unwrap()}},
        "manifest": String::from_utf8(output.stdout).unwrap(), "config": {},
    }))
    .unwrap()
}

fn of_own_charts(binaries: &Binaries) -> impl Iterator<Item = Case> {
    OWN.iter().map(|(from, to)| {
        let running = Rendered::of(&rendered(binaries, from, "deployed"), None);
        let next = rendered(binaries, to, "pending-upgrade");
        let planned = Rendered::of(&next, Some(&running));
        Case {
            of: format!("{from} to {to}"),
            change: Change::of_release(&next, &planned, Some(&running)).unwrap(),
            live: Live::of(&live(&running)),
        }
    })
}

/// The real upgrades.
pub fn matrix() -> &'static [Case] {
    static ALL: OnceLock<Vec<Case>> = OnceLock::new();
    ALL.get_or_init(|| {
        let Some(corpus) = Corpus::find() else {
            return Vec::new();
        };
        let cases = PAIRS.iter().map(|(from, to)| {
            let (change, facts) = upgrade(&corpus, from, to);
            Case {
                of: format!("{from} to {to}"),
                change,
                live: Live::of(&facts),
            }
        });
        cases.collect()
    })
}

/// All upgrades to start from; none where there are no charts.
pub fn all() -> &'static [Case] {
    static ALL: OnceLock<Vec<Case>> = OnceLock::new();
    ALL.get_or_init(|| {
        let own = Binaries::find_or_skip().map(|binaries| of_own_charts(&binaries).collect());
        let own: Vec<_> = own.unwrap_or_default();
        matrix().iter().cloned().chain(own).collect()
    })
}
