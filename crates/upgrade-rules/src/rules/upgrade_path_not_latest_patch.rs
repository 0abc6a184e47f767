//! `upgrade-path-not-latest-patch`: the next line is entered from or at another patch than the newest.
//!
//! Patches mend the very migrations that a change of line runs. Which patch is the newest is dated data of this
//! build; one that it does not know yet is fine.
//!
//! Any line. Documented: the note at the top of the guide, "Helm chart version" (8.7 to 8.8).

use super::{Judge, Rule};

use crate::{
    change::{Change, ChartVersion, Facts},
    finding::{Action, Finding, RuleId, guide},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::UpgradePathNotLatestPatch,
    summary: "a line would be left or entered at a patch that is not its newest",
    guide: guide::UPGRADING,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/upgrade-path-not-latest-patch.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    finding(change).into_iter().collect()
}

fn finding(change: &Change) -> Option<Finding> {
    let (from, to) = change.lines_crossed()?;
    if to.position() < from.position() {
        return None;
    }
    let why: Vec<_> = [("leaves", &change.from), ("enters", &change.to)]
        .into_iter()
        .filter_map(|(does, chart)| behind(change, does, chart.as_ref()?))
        .collect();
    (!why.is_empty()).then(|| Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: "This upgrade is safest between the newest patches of both lines".to_owned(),
        objects: Vec::new(),
        why,
        fixes: Vec::new(),
        guide: RULE.guide,
    })
}

fn behind(change: &Change, does: &str, chart: &ChartVersion) -> Option<String> {
    let line = chart.line?;
    let patches = &change.newest_patches;
    patches.is_after(chart.parsed.as_ref()?, line).then(|| {
        let newest = patches.of(line);
        let date = newest
            .date
            .map_or(String::new(), |date| format!(" of {date}"));
        format!(
            "It {does} {} at {}; the newest patch known is {}{date}.",
            line.line, chart.version, newest.version
        )
    })
}
