//! Where a line's file says otherwise than a chart.

use anyhow::{Context, Result};
use upgrade_rules::camunda::{Line, WorkloadFact};

use crate::{draft::Draft, workloads::Workload};

/// A sentence for each difference between a chart and what is compiled in.
pub fn with_ours(draft: &Draft) -> Result<Vec<String>> {
    let version = &draft.newest_patch.version;
    let line =
        Line::of(version).with_context(|| format!("no file tells of line {}", draft.line))?;
    let mut found = Vec::new();
    let mut differs = |key: &str, ours: &str, theirs: &str| {
        if ours != theirs {
            found.push(format!("{key}: {ours} here, {theirs} in the chart"));
        }
    };
    differs("application", &line.application, &draft.application);
    differs("newestPatch", line.newest_patch.version.as_str(), version);
    differs("helmCLI", &line.helm_cli.join(", "), &draft.helm.join(", "));
    let of = |name: &str| draft.workloads.iter().find(|it| it.name == name);
    for ours in &line.workloads {
        match of(&ours.name) {
            Some(theirs) => workload(ours, theirs, &mut found),
            None => found.push(format!("workloads: {} is not in the chart", ours.name)),
        }
    }
    let known = |theirs: &&Workload| line.workloads.iter().any(|ours| ours.name == theirs.name);
    let new = draft.workloads.iter().filter(|it| !known(it));
    found.extend(new.map(|it| format!("workloads: {} is not here", it.name)));
    for key in draft.dropped_values.keys() {
        let covers = |known: &String| key == known || key.starts_with(&format!("{known}."));
        if !line.dropped_values.keys().any(covers) {
            found.push(format!("droppedValues: {key} is not here"));
        }
    }
    Ok(found)
}

fn workload(ours: &WorkloadFact, theirs: &Workload, found: &mut Vec<String>) {
    let name = &ours.name;
    let text = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let number = |value: Option<u64>| text(value.map(|it| it.to_string()));
    let user = |value: Option<i64>| text(value.map(|it| it.to_string()));
    for (key, ours, theirs) in [
        ("kind", ours.kind.clone(), theirs.kind.clone()),
        ("image", ours.image.clone(), theirs.image.clone()),
        ("user", user(ours.user), user(theirs.user)),
        (
            "claim",
            text(ours.claim.clone()),
            text(theirs.claim.clone()),
        ),
        ("replicas", number(ours.replicas), number(theirs.replicas)),
        (
            "storage",
            text(ours.storage.clone()),
            text(theirs.storage.clone()),
        ),
    ] {
        if ours != theirs {
            found.push(format!(
                "workloads: {name} has {key} {ours} here, {theirs} in the chart"
            ));
        }
    }
}
