//! `component-versions-differ`: the parts of one release would be of different minor versions.
//!
//! Since 9.3.7 each component has an image tag of its own, and before it users pinned one component's. Patches may
//! differ, and do in every chart; minors talk past each other. Optimize, Connectors, Console and Web Modeler have
//! numbers of their own; a tag that is no version is not judged.
//!
//! Any line. Documented: "v9.3.7".

use std::collections::HashMap;

use semver::Version;

use super::{Judge, Rule};

use crate::{
    camunda::{Application, Line},
    change::{Change, Facts, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    kubernetes::ObjectRef,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ComponentVersionsDiffer,
    summary: "the components would be of different minor versions",
    guide: guide::V9_3_7,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/component-versions-differ.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    finding(change).into_iter().collect()
}

/// A component with its version and line.
type Versioned<'a> = (Application, &'a ObjectRef, Version, &'static Line);

fn finding(change: &Change) -> Option<Finding> {
    let planned = versions(change, Side::Planned);
    // Of one version they are right; as they have been running they are what somebody wants.
    if lines(&planned).len() < 2 || lines_of(&planned) == lines_of(&versions(change, Side::Running))
    {
        return None;
    }
    let chart = change.to.as_ref();
    let meant = chart.and_then(|to| to.line);
    let list = planned.iter().map(|(application, object, version, _)| {
        format!("  {} {version} ({object})", application.name())
    });
    let mut why = vec![
        "Only their patches may differ: of different minors they do not understand each other's data and requests."
            .to_owned(),
    ];
    why.extend(list);
    let (chart, minor) = (chart?, meant.map(|line| line.application.as_str()));
    let advice = match minor {
        Some(minor) => format!(
            "Take out of your values what pins an image tag to another version than {minor}, that of chart {}.",
            chart.version
        ),
        None => "Take out of your values what pins an image tag.".to_owned(),
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!(
            "Components of Camunda {} in one release",
            lines(&planned).join(" and ")
        ),
        objects: planned
            .iter()
            .map(|(_, object, _, _)| (*object).clone())
            .collect(),
        why,
        fixes: vec![Fix::say(advice)],
        guide: RULE.guide,
    })
}

fn versions(change: &Change, side: Side) -> Vec<Versioned<'_>> {
    let images = change.images(side).into_iter();
    images
        .filter_map(|image| {
            let line = image.line()?;
            Some((image.application, image.object, image.version?, line))
        })
        .collect()
}

fn lines<'a>(versions: &[Versioned<'a>]) -> Vec<&'static str> {
    let mut lines: Vec<_> = versions.iter().map(|(_, _, _, line)| *line).collect();
    lines.sort_by_key(|line| line.position());
    lines.dedup_by_key(|line| line.position());
    lines
        .into_iter()
        .map(|line| line.application.as_str())
        .collect()
}

fn lines_of(versions: &[Versioned<'_>]) -> HashMap<Application, usize> {
    versions
        .iter()
        .map(|(application, _, _, line)| (*application, line.position()))
        .collect()
}
