//! `downgrade`: the release would go back to an older line over data that the newer one has written.
//!
//! Zeebe, Operate and Tasklist migrate what they find when they start and none of them reads what a newer one wrote.
//! Charts say nothing to it. As long as no pod of the newer line became ready nothing was written, so an `--atomic`
//! upgrade can roll itself back.
//!
//! Any line. Beyond the guides.

use serde_json::Value;

use super::{Rule, way};
use crate::{
    camunda::{Application, Line, running_line},
    change::{Change, Operation},
    claims::{self, Mounts},
    facts::Facts,
    finding::{Action, Finding},
    object::{Kind, Object, ObjectRef},
};

pub(super) const RULE: Rule = Rule {
    id: "downgrade",
    summary: "an older line would run over data of a newer one",
    page: include_str!("../../docs/rules/downgrade.md"),
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
    let proofs = proofs(change, facts, target);
    let newest = proofs
        .iter()
        .max_by_key(|proof| proof.line.position())?
        .line;
    let mut why = vec![format!(
        "Camunda {} can't read what {} has written. Ready with the newer one, now or before:",
        target.application, newest.application
    )];
    why.extend(proofs.iter().map(|proof| format!("  {}", proof.text)));
    why.push(format!(
        "The way is forward. To go back for good, restore a backup of {} that was made before the upgrade.",
        target.application
    ));
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!(
            "Camunda {} would start on data of {}",
            target.application, newest.application
        ),
        objects: proofs.into_iter().map(|proof| proof.object).collect(),
        why,
        fixes: vec![way::go_to(
            change,
            format!(
                "Stay on {} and mend it there, with its newest patch:",
                newest.application
            ),
            &newest.newest_patch.version,
        )],
        guide: "",
    })
}

/// What tells that a newer line has written.
struct Proof {
    line: &'static Line,
    object: ObjectRef,
    text: String,
}

fn proofs(change: &Change, facts: &Facts, target: &Line) -> Vec<Proof> {
    change
        .objects
        .iter()
        .filter(|object| object.camunda)
        .filter_map(|object| {
            let kind = object.object.kind;
            match facts.get(&object.object) {
                Some(live) if !is_stopped(live) => {
                    let (version, line) = writes(live)?;
                    became_ready(kind, live).then(|| Proof {
                        line,
                        object: object.object.clone(),
                        text: format!("{} with {version}", object.object),
                    })
                }
                // Stopped or deleted, it tells nothing; what was deployed before and its claims do.
                _ => {
                    let running = object.running.as_deref()?;
                    let (version, line) = writes(running)?;
                    let claim = holding_claim(facts, &object.object.namespace, running)?;
                    Some(Proof {
                        line,
                        object: object.object.clone(),
                        text: format!(
                            "{} with {version}, stopped now; its data is in claim {claim}",
                            object.object
                        ),
                    })
                }
            }
        })
        .filter(|proof| proof.line.position() > target.position())
        .collect()
}

/// The version and line of a workload that migrates data.
fn writes(workload: &Object) -> Option<(semver::Version, &'static Line)> {
    matches!(
        Application::of(workload)?,
        Application::Zeebe | Application::Operate | Application::Tasklist
    )
    .then(|| running_line(workload))?
}

fn is_stopped(workload: &Object) -> bool {
    workload.at("/spec/replicas").and_then(Value::as_u64) == Some(0)
}

fn holding_claim<'a>(facts: &'a Facts, namespace: &str, running: &Object) -> Option<&'a str> {
    let mounts = Mounts::of(running);
    facts
        .claims(namespace)
        .find(|claim| mounts.parse(claim.name()).is_some() && claims::holds_data(claim))
        .map(Object::name)
}

/// Whether a pod of the workload's newest revision is or was ready.
fn became_ready(kind: Kind, workload: &Object) -> bool {
    let number = |pointer: &str| {
        workload
            .at(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    let text = |pointer: &str| workload.str(pointer);
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return false;
    }
    let (all, updated) = (
        number("/status/replicas"),
        number("/status/updatedReplicas"),
    );
    let outdated = all.saturating_sub(updated);
    if updated > 0 && number("/status/readyReplicas") > outdated {
        return true;
    }
    match kind {
        // The second pod is replaced once the first one is ready.
        Kind::StatefulSet => {
            updated > 1 && text("/status/currentRevision") != text("/status/updateRevision")
        }
        Kind::Deployment => workload
            .array("/status/conditions")
            .iter()
            .any(|condition| {
                condition.get("reason").and_then(Value::as_str) == Some("NewReplicaSetAvailable")
            }),
        _ => false,
    }
}
