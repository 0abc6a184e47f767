//! `data-migration-disabled`: 13 would read other indices than those that hold 12's data.
//!
//! Up to 12 Operate and Tasklist keep processes and tasks in indices of their own; from 13 on the Orchestration Cluster has
//! one set for both. A Job moves the data, and the chart renders it only where the values say so.
//!
//! Since chart 13. Documented: "Process migration"; the keys that the guide names (`migration.data.enabled`,
//! `orchestration.migration.process.enabled`) are read by no released chart.

use super::{Judge, Rule};

use crate::{
    camunda::Application,
    change::{Change, Facts, Side},
    finding::{Action, Finding, RuleId, guide},
    fixes::migrations,
    knowledge::migration,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::DataMigrationDisabled,
    summary: "13 would start without the Job that migrates the data of Operate and Tasklist",
    guide: guide::PROCESS_MIGRATION,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/data-migration-disabled.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

/// Values that the upgrade guide names and that the chart ignores.
const UNREAD: [&str; 2] = [
    "migration.data.enabled",
    "orchestration.migration.process.enabled",
];

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    let (from, to) = migration::entering(change)?;
    let ran = migration::with_data(change, facts);
    let job = change.application(Application::DATA_MIGRATION, Side::Planned);
    if ran.is_empty() || job.is_some() || migration::is_done(change, facts) {
        return None;
    }
    let names: Vec<_> = ran.iter().map(|application| application.name()).collect();
    let mut why = vec![format!(
        "Processes, tasks and usage metrics of {} are in indices that {} does not read. The Job that moves them is off by default and not in the new manifest.",
        from.application, to.application
    )];
    why.extend(migration::unread(change, &UNREAD));
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("The data of {} would stay behind", names.join(" and ")),
        objects: Vec::new(),
        why,
        fixes: migrations::switch_on(change, facts),
        guide: RULE.guide,
    })
}
