//! `downgrade`: the release would go back to an older line over data that the newer one has written.
//!
//! Zeebe, Operate and Tasklist migrate what they find when they start and none of them reads what a newer one wrote.
//! Charts say nothing to it. As long as no pod of the newer line became ready nothing was written, so an `--atomic`
//! upgrade can roll itself back.
//!
//! Any line. Beyond the guides.

use super::{Judge, Rule};
use crate::{
    camunda::{Application, Line, image_version, release_label, running_line},
    change::{Change, Facts, Operation, Side, Versioned, Wanted},
    finding::{Action, Finding, RuleId, guide},
    fixes::upgrade_path,
    kubernetes::{
        Kind, Mounts, Object, ObjectRef,
        workload::{became_ready, is_ready, is_stopped},
    },
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::Downgrade,
    summary: "an older line would run over data of a newer one",
    guide: guide::UPGRADE_PROCEDURE,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/downgrade.md"),
    needs: &[needs],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

/// The pods where a change goes back: one that was ready has written something.
fn needs(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let facts = facts.filter(|facts| goes_back(change, facts));
    let pods = facts.map(|_| Wanted::All(Kind::Pod, change.namespace.clone()));
    pods.into_iter().collect()
}

/// Whether a change goes back at least one line, which matters if the newer line has written data.
fn goes_back(change: &Change, facts: &Facts) -> bool {
    let chart = change.to.as_ref().and_then(|to| to.line);
    let images = change.images(Side::Planned);
    let mut targets = images.iter().filter_map(Versioned::line).chain(chart);
    upgrade_path::start(change, facts)
        .is_some_and(|start| targets.any(|target| target.position() < start.line.position()))
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    if !matches!(change.operation, Operation::Upgrade | Operation::Rollback) {
        return None;
    }
    let mut proofs = proofs(change, facts);
    if proofs.is_empty() {
        proofs = ready_pods(change, facts);
    }
    let target = proofs.first()?.target;
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
        fixes: vec![upgrade_path::go_to(
            change,
            format!(
                "Stay on {} and mend it there, with its newest patch:",
                newest.application
            ),
            change.newest_patches.of(newest).version,
        )],
        guide: RULE.guide,
    })
}

/// The evidence that a newer line has written data.
struct Proof {
    line: &'static Line,
    target: &'static Line,
    object: ObjectRef,
    text: String,
}

impl Proof {
    /// Returns `None` if the application stays on its line or goes to a newer one: its image counts, not the chart.
    fn of(
        change: &Change,
        object: ObjectRef,
        found: &Object,
        line: &'static Line,
        text: String,
    ) -> Option<Proof> {
        let application = Application::of(found)?;
        let planned = change
            .objects
            .iter()
            .filter_map(|object| object.planned.as_deref())
            .find(|planned| Application::of(planned) == Some(application))
            .and_then(running_line);
        let target = match planned {
            Some((_, line)) => line,
            None => change.to.as_ref()?.line?,
        };
        (line.position() > target.position()).then_some(Proof {
            line,
            target,
            object,
            text,
        })
    }
}

fn proofs(change: &Change, facts: &Facts) -> Vec<Proof> {
    change
        .objects
        .iter()
        .filter(|object| object.camunda)
        .filter_map(|object| {
            let (reference, kind) = (object.object.clone(), object.object.kind);
            match facts.get(&reference) {
                Some(live) if !is_stopped(live) => {
                    let (version, line) = writes(live)?;
                    let text = format!("{reference} with {version}");
                    became_ready(kind, live)
                        .then(|| Proof::of(change, reference, live, line, text))?
                }
                // Stopped or deleted, it tells nothing; what was deployed before and its claims do.
                _ => {
                    let running = object.running.as_deref()?;
                    let (version, line) = writes(running)?;
                    let claim = holding_claim(facts, &reference.namespace, running)?;
                    let text = format!(
                        "{reference} with {version}, stopped now; its data is in claim {claim}"
                    );
                    Proof::of(change, reference, running, line, text)
                }
            }
        })
        .collect()
}

/// Pods of the newer line that are ready while others of their workload are not yet, or never were.
fn ready_pods(change: &Change, facts: &Facts) -> Vec<Proof> {
    facts
        .of_kind(Kind::Pod)
        .filter(|pod| pod.namespace() == Some(&change.namespace))
        .filter(|pod| release_label(pod) == Some(&change.release) && migrates(pod) && is_ready(pod))
        .filter_map(|pod| {
            let version = image_version(pod.str("/spec/containers/0/image")?)?;
            let object = ObjectRef::new(Kind::Pod, &change.namespace, pod.name());
            let text = format!("{object} with {version}");
            Proof::of(change, object, pod, Line::of_application(&version)?, text)
        })
        .collect()
}

/// The version and line of a workload that migrates data.
fn writes(workload: &Object) -> Option<(semver::Version, &'static Line)> {
    migrates(workload).then(|| running_line(workload))?
}

fn migrates(object: &Object) -> bool {
    matches!(
        Application::of(object),
        Some(Application::ZEEBE | Application::OPERATE | Application::TASKLIST)
    )
}

fn holding_claim<'a>(facts: &'a Facts, namespace: &str, running: &Object) -> Option<&'a str> {
    let mounts = Mounts::of(running);
    mounts.holding(facts, namespace).next().map(Object::name)
}
