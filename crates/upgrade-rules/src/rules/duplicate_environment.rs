//! `duplicate-environment`: a variable of the environment would stand twice in a container.
//!
//! Charts take over more variables from line to line, and a user's own entry of that name stays beside the chart's. Where Helm has
//! the API server merge objects, it refuses the workload after others were upgraded; elsewhere the last of the two counts.
//!
//! Any line. Documented: "Helm v4 required" and the notes to chart 15.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Judge, Rule};

use crate::{
    camunda::Application,
    change::{Change, Facts, ObjectChange, Operation, Side},
    finding::{Action, Finding, Fix, Reference, RuleId},
    kubernetes::{Kind, Object},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::DuplicateEnvironment,
    summary: "a variable would stand twice in a container, which server-side apply refuses",
    guide: Reference::Nowhere("Camunda's guides name single variables only"),
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/duplicate-environment.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    // A rollback brings back what has been running.
    if !matches!(change.operation, Operation::Install | Operation::Upgrade) {
        return Vec::new();
    }
    let workloads = change.objects.iter().filter(|object| {
        let kinds = [Kind::StatefulSet, Kind::Deployment, Kind::Job];
        object.camunda && kinds.contains(&object.object.kind)
    });
    let found: Vec<_> = workloads
        .filter_map(|workload| Some((workload, repeated(change, workload)?)))
        .collect();
    if found.is_empty() {
        return Vec::new();
    }
    vec![finding(change, &found)]
}

/// The variables that stand twice in a container of a workload; where the last one counts, only those that did not before.
fn repeated(change: &Change, workload: &ObjectChange) -> Option<BTreeSet<String>> {
    let mut planned = twice(workload.planned.as_deref()?);
    if let Some(running) = workload
        .running
        .as_deref()
        .filter(|_| !change.helm.server_side)
    {
        let before = twice(running);
        planned.retain(|name| !before.contains(name));
    }
    (!planned.is_empty()).then_some(planned)
}

fn twice(workload: &Object) -> BTreeSet<String> {
    let mut repeated = BTreeSet::new();
    for container in workload.containers() {
        let mut seen = BTreeSet::new();
        let variables = container.get("env").and_then(Value::as_array);
        let names = variables.into_iter().flatten();
        for name in names.filter_map(|it| it.get("name")?.as_str()) {
            if !seen.insert(name) {
                repeated.insert(name.to_owned());
            }
        }
    }
    repeated
}

fn finding(change: &Change, found: &[(&ObjectChange, BTreeSet<String>)]) -> Finding {
    let (action, why) = match change.helm.server_side {
        true => (
            Action::Deny,
            "The API server refuses such a workload after others were upgraded:",
        ),
        false => (Action::Warn, "The last of each counts:"),
    };
    let told = found.iter().map(|(workload, names)| {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        format!("  {}: {}", workload.object, names.join(", "))
    });
    let why: Vec<_> = [why.to_owned()].into_iter().chain(told).collect();
    let keys: BTreeSet<_> = found.iter().filter_map(|(it, _)| key(change, it)).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    let advice = match keys.is_empty() {
        true => "Take the entries of your own out of your values, for the chart sets them now."
            .to_owned(),
        false => format!(
            "Take the entries of your own out of your values ({}), for the chart sets them now.",
            keys.join(", ")
        ),
    };
    Finding {
        rule: RULE.id,
        action,
        title: match found {
            [(workload, _)] => format!("{} would have variables twice", workload.object),
            all => format!("{} workloads would have variables twice", all.len()),
        },
        objects: found.iter().map(|(it, _)| it.object.clone()).collect(),
        why,
        fixes: vec![Fix::say(advice)],
        guide: RULE.guide,
    }
}

/// The value that an application's own variables are given by.
fn key(change: &Change, workload: &ObjectChange) -> Option<String> {
    let planned = workload.planned.as_deref()?;
    let application = workload.application(Side::Planned);
    let application = application.or_else(|| Application::with_part(planned))?;
    let values = application.fact()?.values.as_deref()?;
    let leaves = change.values.leaves();
    let mut keys = leaves.iter().map(|(key, _)| key.as_str());
    let is_env = |key: &&str| {
        let own = key.starts_with(values) || key.starts_with("camundaHub.");
        own && (key.ends_with(".env") || key.ends_with(".extraEnv"))
    };
    keys.find(is_env).map(|key| change.values.key_in_file(key))
}
