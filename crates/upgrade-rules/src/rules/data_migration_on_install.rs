//! `data-migration-on-install`: the data migration would run where it can't: over nothing, or a second time.
//!
//! The Job waits until the importers have read all that 12 has left behind. A first installation has nothing of the kind, and
//! what has been migrated once is not migrated again. Once it is Complete the Job only gets in the way: every patch changes
//! its template, which Kubernetes refuses, and whoever deletes it has it run again.
//!
//! Since chart 13. Documented: "Process migration".

use super::{Judge, Rule, at, immutable_field_changed};

use crate::{
    camunda::Application,
    change::{Change, Facts, ObjectChange, Operation, Side},
    finding::{Action, Finding, RuleId, guide},
    fixes::migrations,
    knowledge::migration::{self, State},
    kubernetes::Kind,
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::DataMigrationOnInstall,
    summary: "the data migration would run over nothing, or again",
    guide: guide::PROCESS_MIGRATION,
    release: &[Action::Deny],
    object: at(&[Action::Deny], &[&matching::WORKLOADS]),
    page: include_str!("../../../../docs/rules/data-migration-on-install.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::Job)
        .filter(|job| job.camunda)
        .filter(|job| job.application(Side::Planned) == Some(Application::DATA_MIGRATION))
        .filter_map(|job| on_install(change, facts, job).or_else(|| again(change, facts, job)))
        .collect()
}

fn on_install(change: &Change, facts: &Facts, job: &ObjectChange) -> Option<Finding> {
    if change.operation != Operation::Install || !migration::is_without_data(change, facts) {
        return None;
    }
    Some(finding(
        change,
        job,
        "A first installation has nothing to migrate",
        format!(
            "{} waits for what Operate and Tasklist of chart 12 have left behind. No claim of Zeebe's holds data, so it waits until its timeout and fails.",
            job.object
        ),
    ))
}

/// Reports a complete migration whose Job would be recreated.
fn again(change: &Change, facts: &Facts, job: &ObjectChange) -> Option<Finding> {
    let live = facts.get(&job.object)?;
    if migration::state(live) != State::Complete {
        return None;
    }
    immutable_field_changed::changed(change, facts, job)?;
    Some(finding(
        change,
        job,
        "The data migration is complete and can't run again",
        format!(
            "{} is Complete, and its template changes: the API server would refuse it after half of the upgrade was applied. Deleted, it would run over data that is migrated already.",
            job.object
        ),
    ))
}

fn finding(change: &Change, job: &ObjectChange, title: &str, why: String) -> Finding {
    Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: title.to_owned(),
        objects: vec![job.object.clone()],
        why: vec![why],
        fixes: vec![migrations::switch_off(
            change,
            &[Application::DATA_MIGRATION],
        )],
        guide: RULE.guide,
    }
}
