//! `per-app-retention`: data that was to be deleted after a while would be kept for ever.
//!
//! 12 let Operate and Tasklist delete what is archived after a time of their own. 13 reads one time for the
//! Orchestration Cluster, and neither of the old values: without it the disks fill up.
//!
//! Since chart 13. Documented: "8.8 architecture changes".

use super::{Judge, Rule};
use crate::{
    camunda::Feature,
    change::{Change, Facts},
    finding::{Action, Finding, Fix, RuleId, guide},
    fixes::{conversion, flag},
    knowledge::retention::{has_one, retention},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::PerAppRetention,
    summary: "13 has one retention for all where applications had their own",
    guide: guide::ARCHITECTURE,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/per-app-retention.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if !change.gets(Feature::OrchestrationCluster) {
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
        guide: RULE.guide,
    }]
}
