//! `per-app-retention`: data that was to be deleted after a while would be kept for ever.
//!
//! 12 let Operate and Tasklist delete what is archived after a time of their own. 13 reads one time for the
//! Orchestration Cluster, and neither of the old values: without it the disks fill up.
//!
//! Since chart 13. Documented: "8.8 architecture changes".

use super::{
    Rule,
    cures::{conversion, flag},
};
use crate::{
    camunda::Application,
    change::{Change, Gate, Side},
    configuration::Configuration,
    facts::Facts,
    finding::{Action, Finding, Fix},
};

pub(super) const RULE: Rule = Rule {
    id: "per-app-retention",
    summary: "13 has one retention for all where applications had their own",
    page: include_str!("../../docs/rules/per-app-retention.md"),
    judge,
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.gate == Gate::Object || !change.enters(conversion::SINCE) {
        return Vec::new();
    }
    let before = retention(change, facts);
    if before.is_empty() || has_one(change, facts) {
        return Vec::new();
    }
    let mut why = vec![
        "These deleted what was archived; the new manifest has no retention at all:".to_owned(),
    ];
    why.extend(
        before
            .iter()
            .map(|(application, age)| format!("  {} after {age}", application.name())),
    );
    let mut fixes = conversion::fixes(change, facts);
    if fixes.is_empty() {
        let flag = flag::set(change, "orchestration.history.retention.enabled", "true");
        fixes.push(Fix::new("Add to your helm upgrade:", vec![flag]));
    }
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Archived data would be kept for ever".to_owned(),
        objects: Vec::new(),
        why,
        fixes,
        guide: "8.8 architecture changes (8.7 to 8.8)",
    }]
}

/// The applications that delete what is archived, and after how long.
pub(super) fn retention(change: &Change, facts: &Facts) -> Vec<(Application, String)> {
    const OF: [(Application, &str); 2] = [
        (Application::Operate, "camunda.operate.archiver"),
        (Application::Tasklist, "camunda.tasklist.archiver"),
    ];
    OF.iter()
        .filter_map(|(application, archiver)| {
            let workload = change.application(*application, Side::Running)?;
            let found = Configuration::of(change, facts, workload, Side::Running);
            if found.flag(&format!("{archiver}.ilmEnabled")) != Some(true) {
                return None;
            }
            let age = found.get(&format!("{archiver}.ilmMinAgeForDeleteArchivedIndices"));
            Some((*application, age.unwrap_or("30d").to_owned()))
        })
        .collect()
}

/// Whether the Orchestration Cluster of the new manifest deletes what is archived.
pub(super) fn has_one(change: &Change, facts: &Facts) -> bool {
    let cluster = change.application(Application::Zeebe, Side::Planned);
    cluster.is_some_and(|cluster| {
        let found = Configuration::of(change, facts, cluster, Side::Planned);
        [
            "camunda.database.retention.enabled",
            "camunda.operate.archiver.ilmEnabled",
        ]
        .iter()
        .any(|property| found.flag(property) == Some(true))
    })
}
