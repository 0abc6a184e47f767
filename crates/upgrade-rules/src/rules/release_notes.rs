//! `release-notes`: what to expect of a new line that no rule can judge, a line for each section of the guides.
//!
//! The sections are data, in the files of the lines. Documented: "Version update instructions".

use semver::{BuildMetadata, Prerelease, Version};
use serde_json::Value;

use super::{Judge, Rule};

use crate::{
    camunda::{Line, Note},
    change::{Change, Facts},
    finding::{Action, Finding, RuleId, guide},
    helm::values::is_empty,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ReleaseNotes,
    summary: "a section of the guides that the upgrade crosses says what to expect",
    guide: guide::VERSION_UPDATES,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/release-notes.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    notes(change)
        .map(|note| Finding {
            rule: RULE.id,
            action: Action::Warn,
            title: title(note),
            objects: Vec::new(),
            why: Vec::new(),
            fixes: Vec::new(),
            guide: RULE.guide,
        })
        .collect()
}

/// The notes that a change of line crosses: most come with the chart, some with Camunda's own images.
pub(crate) fn notes(change: &Change) -> impl Iterator<Item = &'static Note> {
    let charts = change.lines_crossed().is_some();
    let run = change.lines_run();
    let enters = move |line: &Line| {
        run.is_some_and(|(from, to)| {
            (from.position() + 1..=to.position()).contains(&line.position())
        })
    };
    Line::all().iter().flat_map(move |line| {
        line.notes
            .iter()
            .filter(move |note| match note.with_images {
                true => enters(line),
                false => charts && crosses(change, note),
            })
            .filter(|note| concerns(change, note))
    })
}

/// Whether the user's values are such as the note is about.
fn concerns(change: &Change, note: &Note) -> bool {
    let is_set = |key: &String| {
        let value = change.values.get(key);
        value.is_some_and(|value| !is_empty(value) && *value != Value::Bool(false))
    };
    note.set.iter().all(is_set) && !note.unset.iter().any(is_set)
}

/// Returns the text of a note with the chart that brings it.
pub(crate) fn title(note: &Note) -> String {
    format!("From chart {} on {}", note.since, note.text)
}

/// A version before the release counts as the release: `14.0.0-alpha5` brings what 14.0.0 does.
fn crosses(change: &Change, note: &Note) -> bool {
    let core = |version: &Version| Version {
        pre: Prerelease::EMPTY,
        build: BuildMetadata::EMPTY,
        ..version.clone()
    };
    let version =
        |chart: &Option<crate::change::ChartVersion>| chart.as_ref()?.parsed.as_ref().map(core);
    let Ok(since) = Version::parse(&note.since) else {
        return false;
    };
    match (version(&change.from), version(&change.to)) {
        (Some(from), Some(to)) => from < since && since <= to,
        _ => false,
    }
}
