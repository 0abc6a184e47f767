//! `upgrade-path-skipped`: a line of releases would be jumped over.
//!
//! Each line migrates what the one before it wrote, and each has steps of its own (claims, selectors, credentials)
//! that nobody takes on a jump. The highest of the record that runs and Zeebe's live image counts as where one is:
//! a failed upgrade may have begun the next line already. Where all images are pinned to an older line than the chart's,
//! they count: 8.4 under chart 10 that goes to chart 11 jumps over 8.5.
//!
//! Any line. Documented: "upgrade sequentially" (8.7 to 8.8).

use super::{Judge, Rule};

use crate::{
    camunda::Line,
    change::{Change, Facts, Operation, Side},
    finding::{Action, Finding, RuleId, guide},
    fixes::upgrade_path::{self, Start},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::UpgradePathSkipped,
    summary: "a release line would be jumped over",
    guide: guide::SEQUENTIALLY,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/upgrade-path-skipped.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

/// An upgrade path taken in one step.
struct Jump {
    start: Start,
    target: &'static Line,
    /// The chart version that it ends at.
    version: String,
}

/// Returns the jump over a line that the change would make, if any.
fn jump(change: &Change, facts: &Facts) -> Option<Jump> {
    let to = change.to.as_ref()?;
    let chart = to.line?;
    let start = upgrade_path::start(change, facts)?;
    let images = change.line_of_images(Side::Planned);
    let newest = |line| change.newest_patches.of(line).version.to_owned();
    let (target, version) = match images {
        Some(images) if images.position() > chart.position() => (images, newest(images)),
        // What has stayed behind the chart and goes on like that makes no jump.
        Some(images) if start.behind_chart && images.position() < chart.position() => {
            (images, newest(images))
        }
        _ => (chart, to.version.clone()),
    };
    let is_jump = |start: &Start, target: &Line| target.position() > start.line.position() + 1;
    if is_jump(&start, target) {
        return Some(Jump {
            start,
            target,
            version,
        });
    }
    // Charts have steps of their own, whatever images they run.
    let recorded = upgrade_path::recorded(change).filter(|_| start.behind_chart)?;
    is_jump(&recorded, chart).then(|| Jump {
        start: recorded,
        target: chart,
        version: to.version.clone(),
    })
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    if !matches!(change.operation, Operation::Upgrade | Operation::Rollback) {
        return None;
    }
    let Jump {
        start,
        target,
        version,
    } = jump(change, facts)?;
    let hops = upgrade_path::hops(
        &change.newest_patches,
        start.line,
        start.version.as_ref(),
        target,
        &version,
    );
    let mut why = vec![format!(
        "From {} to chart {version} each line migrates what the one before it wrote, and has steps of its own. The whole way:",
        start.told_by
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
    if start.behind_chart {
        why.push(format!(
            "Take what pins the images to {} out of your values on this way.",
            start.line.application
        ));
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
        fixes: vec![upgrade_path::go_to(
            change,
            "Take these upgrades one after the other, each until its pods are ready, beginning with:",
            &first.version,
        )],
        guide: RULE.guide,
    })
}
