//! `helm-cli-version`: another major version of Helm than the one before works on the release.
//!
//! Helm 4 orders and applies objects in other ways than Helm 3, and the charts say which versions they were tested
//! with. The record tells only the major.
//!
//! Any line. Documented: "Helm CLI version".

use super::Rule;

use crate::{
    change::{Change, ChartVersion, Operation},
    facts::Facts,
    finding::{Action, Finding},
};

pub(super) const RULE: Rule = Rule {
    id: "helm-cli-version",
    summary: "another Helm than before, and not one that the chart was tested with",
    page: include_str!("../../docs/rules/helm-cli-version.md"),
    judge,
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    let (now, tested) = (change.helm.major, &change.helm.tested);
    let before = change.running_helm.as_ref().map_or(0, |helm| helm.major);
    let version = |chart: &Option<ChartVersion>| chart.as_ref().map(|chart| chart.version.clone());
    // Who only changes a value works on what this Helm has long been at work on, and a rollback has been told already.
    let upgrade =
        change.operation == Operation::Upgrade && version(&change.from) != version(&change.to);
    let known = upgrade && now > 0 && before > 0 && !tested.is_empty();
    if !known || now == before || tested.iter().any(|version| major(version) == Some(now)) {
        return Vec::new();
    }
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!("Helm {now} is at work on a release of Helm {before}"),
        objects: Vec::new(),
        why: vec![format!(
            "The chart was tested with Helm {}.",
            tested.join(", ")
        )],
        fixes: Vec::new(),
        guide: "Helm CLI version",
    }]
}

fn major(version: &str) -> Option<u64> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}
