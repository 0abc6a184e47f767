//! `helm-cli-version`: another major version of Helm than the one before works on the release.
//!
//! Helm 4 orders and applies objects in other ways than Helm 3, and the charts say which versions they were tested
//! with. The record tells only the major.
//!
//! Any line. Documented: "Helm CLI version".

use super::{Judge, Rule};

use crate::{
    change::{Change, ChartVersion, Facts, Operation},
    finding::{Action, Finding, RuleId, guide},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::HelmCliVersion,
    summary: "another Helm than before, and not one that the chart was tested with",
    guide: guide::HELM_CLI,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/helm-cli-version.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    let tested = &change.helm.tested;
    let version = |chart: &Option<ChartVersion>| chart.as_ref().map(|chart| chart.version.clone());
    // Who only changes a value works on what this Helm has long been at work on, and a rollback has been told already.
    let upgrade =
        change.operation == Operation::Upgrade && version(&change.from) != version(&change.to);
    let title = match upgrade && !tested.is_empty() {
        true => untested(change),
        false => None,
    };
    let Some(title) = title else {
        return Vec::new();
    };
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: Vec::new(),
        why: vec![format!(
            "The chart was tested with Helm {}.",
            tested.join(", ")
        )],
        fixes: Vec::new(),
        guide: RULE.guide,
    }]
}

/// A record tells only the major of the Helm that wrote it; who can ask Helm itself knows all of its version.
fn untested(change: &Change) -> Option<String> {
    let (helm, tested) = (&change.helm, &change.helm.tested);
    let bare = |version: &str| version.trim_start_matches('v').to_owned();
    if let Some(version) = &helm.version {
        let known = tested.iter().any(|it| bare(it) == bare(version));
        return (!known).then(|| format!("Helm {} is not the one of the new chart", bare(version)));
    }
    let (now, before) = (helm.major, change.running_helm.as_ref()?.major);
    let known = tested.iter().any(|version| major(version) == Some(now));
    (now > 0 && before > 0 && now != before && !known)
        .then(|| format!("Helm {now} is at work on a release of Helm {before}"))
}

fn major(version: &str) -> Option<u64> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}
