//! `chart-8.3.0-not-recommended`: this one chart's data migration fails.
//!
//! Operate, Tasklist and Optimize migrate their data when they come to 8.3; bugs in 8.3.0 can keep that from
//! succeeding. The guide suggests not to update until 8.3.1.
//!
//! Chart 8.3.0. Documented: "v8.3.0".

use super::{Judge, Rule};

use crate::{
    change::{Change, Facts},
    finding::{Action, Finding, RuleId, guide},
    fixes::upgrade_path,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::Chart830NotRecommended,
    summary: "chart 8.3.0 would be entered, whose data migration has bugs",
    guide: guide::V8_3_0,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/chart-8.3.0-not-recommended.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    finding(change).into_iter().collect()
}

fn finding(change: &Change) -> Option<Finding> {
    let to = change.to.as_ref()?;
    let line = to.line?;
    let bad = line.discouraged.as_ref()?;
    if to.version != bad.version || !change.enters(&bad.version) {
        return None;
    }
    let newest = change.newest_patches.of(line).version;
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!(
            "Chart {} has bugs that can keep your data from being migrated",
            bad.version
        ),
        objects: Vec::new(),
        why: vec![format!(
            "Operate, Tasklist and Optimize migrate their data on the way to {}. The bugs are fixed in {}; {newest} is the newest patch.",
            line.application, bad.fixed
        )],
        fixes: vec![upgrade_path::go_to(
            change,
            "Go to the newest patch instead:",
            newest,
        )],
        guide: RULE.guide,
    })
}
