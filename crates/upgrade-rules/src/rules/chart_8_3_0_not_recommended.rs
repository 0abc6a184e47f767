//! `chart-8.3.0-not-recommended`: this one chart's data migration fails.
//!
//! Operate, Tasklist and Optimize migrate their data when they come to 8.3; bugs in 8.3.0 can keep that from
//! succeeding. The guide suggests not to update until 8.3.1.
//!
//! Chart 8.3.0. Documented: "v8.3.0".

use super::{Judge, Rule};

use crate::{
    camunda::Line,
    change::{Change, Facts},
    finding::{Action, Finding, RuleId},
    fixes::way,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::Chart830NotRecommended,
    summary: "chart 8.3.0 would be entered, whose data migration has bugs",
    release: &[Action::Deny],
    object: &[],
    page: include_str!("../../../../docs/rules/chart-8.3.0-not-recommended.md"),
    judge: Judge::Alone(judge),
};

const CHART: &str = "8.3.0";

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    let to = change.to.as_ref().map(|to| to.version.as_str());
    if to != Some(CHART) || !change.enters(CHART) {
        return Vec::new();
    }
    let newest = |line| change.newest_patches.of(line).version;
    let newest = Line::of(CHART).map_or("8.3.1", newest);
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Chart 8.3.0 has bugs that can keep your data from being migrated".to_owned(),
        objects: Vec::new(),
        why: vec![format!(
            "Operate, Tasklist and Optimize migrate their data on the way to 8.3. The bugs are fixed in 8.3.1; {newest} is the newest patch."
        )],
        fixes: vec![way::go_to(
            change,
            "Go to the newest patch instead:",
            newest,
        )],
        guide: "v8.3.0",
    }]
}
