//! `upgrade-path-skipped`: a line of releases would be jumped over.
//!
//! Each line migrates what the one before it wrote, and each has steps of its own (claims, selectors, credentials)
//! that nobody takes on a jump. The highest of the record that runs and Zeebe's live image counts as where one is:
//! a failed upgrade may have begun the next line already.
//!
//! Any line. Documented: "upgrade sequentially" (8.7 to 8.8).

use super::{Rule, cures::way};

use crate::{
    change::{Change, Operation},
    facts::Facts,
    finding::{Action, Finding},
};

pub(super) const RULE: Rule = Rule {
    id: "upgrade-path-skipped",
    summary: "a release line would be jumped over",
    page: include_str!("../../docs/rules/upgrade-path-skipped.md"),
    judge,
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    if !matches!(change.operation, Operation::Upgrade | Operation::Rollback) {
        return None;
    }
    let to = change.to.as_ref()?;
    let target = to.line?;
    let start = way::start(change, facts)?;
    if target.position() <= start.line.position() + 1 {
        return None;
    }
    let hops = way::hops(
        &change.newest_patches,
        start.line,
        start.version.as_ref(),
        target,
        &to.version,
    );
    let mut why = vec![format!(
        "From {} to chart {} each line migrates what the one before it wrote, and has steps of its own. The whole way:",
        start.told_by, to.version
    )];
    for hop in &hops {
        why.push(format!(
            "  {} (Camunda {})",
            hop.version, hop.line.application
        ));
        if hop.line.position() > start.line.position() {
            why.extend(hop.line.entering.iter().map(|asks| format!("    {asks}")));
        }
    }
    let skipped: Vec<_> = hops
        .iter()
        .map(|hop| hop.line)
        .filter(|line| {
            line.position() > start.line.position() && line.position() < target.position()
        })
        .map(|line| line.application.as_str())
        .collect();
    let first = hops.first()?;
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("The upgrade jumps over Camunda {}", skipped.join(", ")),
        objects: Vec::new(),
        why,
        fixes: vec![way::go_to(
            change,
            "Take these upgrades one after the other, each until its pods are ready, beginning with:",
            &first.version,
        )],
        guide: "Helm chart version (8.7 to 8.8): upgrade sequentially",
    })
}
