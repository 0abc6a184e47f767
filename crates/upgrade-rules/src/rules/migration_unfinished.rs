//! `migration-unfinished`: the migration from 12 would be cut off before its end.
//!
//! 13's migrations are plain Jobs that run for as long as there is something to move. 14 has neither them nor the importers
//! that they wait for, and a 13 rendered without them has Helm delete them while they run: what has not been moved by then
//! stays in indices that nothing reads.
//!
//! Since chart 13. Documented: "Monitor the migration".

use super::{Judge, Rule};

use crate::{
    camunda::{Application, Line},
    change::{Change, Facts, ObjectChange, Side, Wanted},
    finding::{Action, Command, Finding, Fix, Objects, RuleId, capitalised, guide},
    fixes::{migrations, upgrade_path},
    knowledge::migration::{self, State},
    kubernetes::{Kind, Object, ObjectRef},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::MigrationUnfinished,
    summary: "a migration to 13 would be cut off before it is complete",
    guide: guide::MONITOR,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/migration-unfinished.md"),
    needs: &[needs],
    judge: Judge::Alone(judge),
};

/// A live Job that is not Complete and would go.
struct Unfinished<'a> {
    object: &'a ObjectRef,
    migration: Application,
    live: &'a Object,
    state: State,
}

/// The Job of an earlier upgrade that this one leaves.
fn needs(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let job = migration::earlier_job(change).filter(|_| facts.is_none());
    job.map(Wanted::One).into_iter().collect()
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    // The way back has a rule of its own, and nobody waits for a migration on it.
    let leaving = migration::leaving(change);
    if leaving.is_none() && change.lines_crossed().is_some() {
        return Vec::new();
    }
    let jobs: Vec<_> = change
        .of_kind(Kind::Job)
        .filter(|job| job.camunda && (leaving.is_some() || job.removed()))
        .filter_map(|job| unfinished(facts, job))
        .collect();
    finding(change, &jobs, leaving).into_iter().collect()
}

fn unfinished<'a>(facts: &'a Facts, job: &'a ObjectChange) -> Option<Unfinished<'a>> {
    let migration = migration::of(job, Side::Running)?;
    let live = facts.get(&job.object)?;
    let state = migration::state(live);
    (state != State::Complete).then_some(Unfinished {
        object: &job.object,
        migration,
        live,
        state,
    })
}

fn finding(
    change: &Change,
    jobs: &[Unfinished<'_>],
    leaving: Option<(&Line, &Line)>,
) -> Option<Finding> {
    let title = match jobs {
        [] => return None,
        [job] => format!("{} is not complete", capitalised(job.migration.name())),
        _ => "The migrations are not complete".to_owned(),
    };
    let mut why = vec![match leaving {
        Some((from, to)) => format!(
            "Camunda {} has neither {}'s migrations nor its importers: what has not been moved by then stays where nothing reads it:",
            to.application, from.application
        ),
        None => "Helm deletes what the new manifest leaves out, and what has not been moved by then stays where nothing reads it:".to_owned(),
    }];
    why.extend(
        jobs.iter()
            .map(|job| format!("  {}: {}", job.object, told(job.live))),
    );
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title,
        objects: jobs.iter().map(|job| job.object.clone()).collect(),
        why,
        fixes: fixes(change, jobs, leaving.is_some()),
        guide: RULE.guide,
    })
}

/// Describes a Job's progress by its status.
fn told(job: &Object) -> String {
    let count = |pointer: &str| {
        let count = job.at(pointer).and_then(serde_json::Value::as_u64);
        count.unwrap_or_default()
    };
    let (active, failed) = (count("/status/active"), count("/status/failed"));
    match migration::failure(job) {
        Some(message) => format!("failed: {message}"),
        None if migration::state(job) == State::Failed => "failed".to_owned(),
        None => format!("{active} of its pods active, {failed} failed"),
    }
}

fn fixes(change: &Change, jobs: &[Unfinished<'_>], leaves: bool) -> Vec<Fix> {
    let (failed, unfinished): (Vec<_>, Vec<_>) =
        jobs.iter().partition(|job| job.state == State::Failed);
    let mut fixes = Vec::new();
    if !unfinished.is_empty() {
        fixes.push(Fix::new(
            "See in the log how far the migration is:",
            commands(&unfinished, migration::logs),
        ));
        fixes.push(Fix::new(
            "Wait until it is complete:",
            commands(&unfinished, migration::wait),
        ));
        if !leaves {
            fixes.push(Fix::alternative(
                "Or leave it on for now, and go on:",
                unfinished
                    .iter()
                    .map(|job| migrations::flag(change, job.migration, true))
                    .map(|flag| Command::from(flag).decide()),
            ));
        }
    }
    if failed.is_empty() {
        return fixes;
    }
    fixes.push(Fix::new(
        "What has failed does not run again by itself. Its Events tell why it did, and the log of a pod that is still there:",
        failed
            .iter()
            .flat_map(|job| migration::reasons(job.object)),
    ));
    fixes.push(Fix::new(
        "Once the cause is gone, have it made anew:",
        commands(&failed, delete),
    ));
    let running = change.from.as_ref().filter(|_| leaves);
    fixes.push(match running {
        Some(from) => upgrade_path::go_to(
            change,
            "by this upgrade with the migration on, and go on from there when it is complete:",
            &from.version,
        ),
        None => Fix::new(
            "and add to your helm upgrade:",
            failed
                .iter()
                .map(|job| migrations::flag(change, job.migration, true)),
        ),
    });
    fixes
}

fn commands(jobs: &[&Unfinished<'_>], command: fn(&ObjectRef) -> Command) -> Vec<Command> {
    jobs.iter().map(|job| command(job.object)).collect()
}

fn delete(job: &ObjectRef) -> Command {
    Command::from(Objects::one(job).delete()).decide()
}
