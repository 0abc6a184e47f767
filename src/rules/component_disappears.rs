//! `component-disappears`: an application that runs would be deleted although nobody switched it off.
//!
//! 13 has everything but the Orchestration Cluster and Connectors switched off: upgraded with the values of 12, it
//! deletes Identity, Keycloak and Optimize, and exits with 0.
//!
//! Since chart 13; any change of line. Documented: "8.8 architecture changes".

use super::{
    Rule,
    cures::{
        conversion::{self, runs},
        flag,
    },
};
use crate::{
    camunda::Application,
    change::{Change, Gate, ObjectChange, Side},
    facts::Facts,
    finding::{Action, Finding, Fix},
};

pub(super) const RULE: Rule = Rule {
    id: "component-disappears",
    summary: "an application would be deleted that nobody switched off",
    page: include_str!("../../docs/rules/component-disappears.md"),
    judge,
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.gate == Gate::Object || change.lines_crossed().is_none() {
        return Vec::new();
    }
    // Keycloak goes with its claims, of which other rules know.
    let gone: Vec<_> = Application::SWITCHED
        .into_iter()
        .filter_map(|application| Some((application, application.switch()?)))
        .filter(|(application, key)| {
            runs(change, *application, Side::Running)
                && change.application(*application, Side::Planned).is_none()
                && change.values.flag(key) != Some(false)
        })
        .filter_map(|(application, key)| {
            let workload = change.application(application, Side::Running)?;
            Some((workload, application, key))
        })
        .filter(|(workload, ..)| !facts.keeps(&workload.object))
        .collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let chart = change.to.as_ref().map_or("new", |to| to.version.as_str());
    let mut why = vec![format!(
        "They run now, chart {chart} has them switched off, and your values say nothing of it, so Helm deletes them:"
    )];
    why.extend(gone.iter().map(|(workload, application, key)| {
        format!(
            "  {} ({}), switched on by {key}",
            application.name(),
            workload.object
        )
    }));
    why.push("Whoever wants one of them to go sets its value to false.".to_owned());
    let names: Vec<_> = gone
        .iter()
        .map(|(_, application, _)| application.name())
        .collect();
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("{} would be deleted", names.join(", ")),
        objects: gone
            .iter()
            .map(|(workload, ..)| workload.object.clone())
            .collect(),
        why,
        fixes: fixes(change, facts, &gone),
        guide: "8.8 architecture changes (8.7 to 8.8)",
    }]
}

fn fixes(change: &Change, facts: &Facts, gone: &[(&ObjectChange, Application, &str)]) -> Vec<Fix> {
    let mut fixes = conversion::fixes(change, facts);
    if fixes.is_empty() {
        let flags = gone
            .iter()
            .map(|(_, _, key)| flag::set(change, key, "true"));
        fixes.push(Fix::new(
            "Keep them; add to your helm upgrade:",
            flags.collect(),
        ));
    }
    fixes
}
