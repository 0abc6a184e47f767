//! `migration-without-data`: the data migration would wait for importers that have nothing to read.
//!
//! Since chart 13. Documented: "Process migration".

use super::{Judge, Rule};

use crate::{
    camunda::Application,
    change::{Change, Facts, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    fixes::migrations,
    knowledge::migration,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::MigrationWithoutData,
    summary: "the data migration would wait for data that there never was",
    guide: guide::PROCESS_MIGRATION,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/migration-without-data.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    let (from, _) = migration::entering(change)?;
    let job = change.application(Application::DATA_MIGRATION, Side::Planned)?;
    if !migration::is_without_data(change, facts) {
        return None;
    }
    let flag = migrations::flag(change, Application::DATA_MIGRATION, false);
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: "The data migration may find nothing to migrate".to_owned(),
        objects: vec![job.object.clone()],
        why: vec![format!(
            "No claim of Zeebe's was ever bound, so Camunda {} seems to have processed nothing: {} would wait until its timeout and fail.",
            from.application, job.object
        )],
        fixes: vec![Fix::new(
            format!(
                "Have {} process something first, or switch it off; add to your helm upgrade:",
                from.application
            ),
            vec![flag],
        )],
        guide: RULE.guide,
    })
}
