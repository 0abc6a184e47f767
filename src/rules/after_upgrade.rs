//! `after-upgrade`: what an upgrade has left for a person to do.
//!
//! Migration Jobs that are Complete stay in the manifest until the values switch them off, and the next patch stumbles over
//! them; importers idle beside them; a Job that failed does not run again by itself; and claims whose volumes were handed over
//! stay behind in phase Lost.
//!
//! Since chart 13. Documented: "8.8 architecture changes" (Importers), "Identity migration", and in the general guide "Data
//! retention" (Lost claims).

use super::{Rule, immutable_field_changed};

use crate::{
    camunda::{Application, Line, is_elastics, release_label},
    change::{Change, ObjectChange, Operation, Side},
    claims::Mounts,
    facts::Facts,
    finding::{Action, Finding},
    migration::{self, State},
    object::{Kind, Object, ObjectRef},
    shell,
    workload::is_stopped,
};

pub(super) const RULE: Rule = Rule {
    id: "after-upgrade",
    summary: "an earlier upgrade has left something to be done",
    page: include_str!("../../docs/rules/after-upgrade.md"),
    judge,
};

/// The first chart whose upgrades leave Jobs behind.
const SINCE: &str = "13.0.0";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let looks = change.operation == Operation::Deployed;
    // The upgrade that does it all has enough to say.
    if !looks && (change.operation != Operation::Upgrade || !runs_13(change)) {
        return Vec::new();
    }
    let mut left = Vec::new();
    for job in change.of_kind(Kind::Job).filter(|job| job.camunda) {
        left.extend(of_job(change, facts, job));
    }
    left.extend(lost_claims(change, facts));
    if looks {
        left.extend(unmounted_claims(change, facts));
    }
    let title = match left.len() {
        0 => return Vec::new(),
        1 => "An earlier upgrade has left something to be done".to_owned(),
        count => format!("An earlier upgrade has left {count} things to be done"),
    };
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: Vec::new(),
        why: left,
        fixes: Vec::new(),
        guide: "Monitor the migration (8.7 to 8.8)",
    }]
}

/// Whether the release is on 13 or later and stays on its line.
fn runs_13(change: &Change) -> bool {
    let line = |version| Line::of(version).map(Line::position);
    let running = change.from.as_ref().and_then(|from| from.line);
    let running = running.map(Line::position);
    running.is_some() && running >= line(SINCE) && change.lines_crossed().is_none()
}

/// What a migration Job of the new manifest waits for, unless it changes: then a rule that refuses says it.
fn of_job(change: &Change, facts: &Facts, job: &ObjectChange) -> Option<String> {
    let migration = migration::of(job, Side::Planned)?;
    let live = facts.get(&job.object)?;
    if immutable_field_changed::changed(change, facts, job).is_some() {
        return None;
    }
    match migration::state(live) {
        // An upgrade has nothing to do but wait, and needs no advice for that.
        State::Unfinished if change.operation != Operation::Deployed => None,
        State::Unfinished => Some(unfinished(migration, &job.object)),
        State::Complete => Some(complete(change, migration, &job.object)),
        State::Failed => Some(failed(migration, &job.object, live)),
    }
}

fn unfinished(migration: Application, job: &ObjectRef) -> String {
    let wait = [
        "wait",
        "--for=condition=complete",
        &format!("job/{}", job.name),
        "--timeout=24h",
    ];
    format!(
        "{job} still runs, so {} is not done: {}.",
        migration.name(),
        shell::kubectl(&job.namespace, wait)
    )
}

fn complete(change: &Change, migration: Application, job: &ObjectRef) -> String {
    let importers = match migration {
        Application::DataMigration => running_importer(change),
        _ => None,
    };
    let flag = migration::flag(change, migration, false);
    format!(
        "{job} is Complete{}: add {} to the next helm upgrade, before one that changes the Job, which Kubernetes refuses.",
        importers
            .map(|importer| format!(", and {} has nothing left to import", importer.object))
            .unwrap_or_default(),
        flag.text()
    )
}

fn running_importer(change: &Change) -> Option<&ObjectChange> {
    let importer = change.application(Application::Importer, Side::Planned)?;
    (!importer.on(Side::Planned).is_some_and(is_stopped)).then_some(importer)
}

fn failed(migration: Application, job: &ObjectRef, live: &Object) -> String {
    let because = migration::failure(live)
        .map(|message| format!(" ({})", message.trim_end_matches('.')))
        .unwrap_or_default();
    let delete = shell::kubectl(&job.namespace, ["delete", "job", &job.name]);
    format!(
        "{job} has failed{because}, so {} is not done: see {}, and once the cause is gone have it made anew with {delete} and this upgrade once more.",
        migration.name(),
        migration::logs(job).text()
    )
}

/// Claims that lost their volumes and that nothing of the new manifest mounts.
fn lost_claims(change: &Change, facts: &Facts) -> Option<String> {
    let (namespace, lost) = unmounted(change, facts, "Lost")?;
    let names = lost.iter().map(|claim| claim.name());
    let delete = shell::kubectl(namespace, ["delete", "pvc"].into_iter().chain(names));
    Some(format!(
        "Claims that have lost their volumes can go: {delete}."
    ))
}

/// Elasticsearch's claims of before 8.3 that still have their volumes: a copy's origin, or data that was left behind.
fn unmounted_claims(change: &Change, facts: &Facts) -> Option<String> {
    let (namespace, bound) = unmounted(change, facts, "Bound")?;
    let old: Vec<_> = bound
        .into_iter()
        .filter(|claim| is_elastics(claim, &change.release))
        .map(Object::name)
        .collect();
    if old.is_empty() {
        return None;
    }
    let copied = |name: &&str| {
        facts.claims(namespace).any(|claim| {
            let source = claim.str("/spec/dataSource/name");
            claim.str("/status/phase") == Some("Bound") && source == Some(name)
        })
    };
    Some(match old.iter().all(copied) {
        true => format!(
            "Nothing mounts {} any more, and a copy of each is Bound: once the copies are trusted they can go: {}.",
            old.join(", "),
            shell::kubectl(
                namespace,
                ["delete", "pvc"].into_iter().chain(old.iter().copied())
            )
        ),
        false => format!(
            "Nothing mounts {} any more, which still hold data: if Elasticsearch has started on empty volumes, see \
             camunda-upgrade-guard explain elasticsearch-claims-orphaned; else they are a backup.",
            old.join(", ")
        ),
    })
}

/// The release's claims in a phase that nothing of the new manifest mounts, in the first namespace that has such.
fn unmounted<'a>(
    change: &Change,
    facts: &'a Facts,
    phase: &str,
) -> Option<(&'a str, Vec<&'a Object>)> {
    let mounted: Vec<_> = change
        .of_kind(Kind::StatefulSet)
        .filter_map(|set| {
            let planned = set.planned.as_deref()?;
            Some((&set.object.namespace, Mounts::of(planned)))
        })
        .collect();
    let is_mounted = |claim: &Object| {
        mounted.iter().any(|(namespace, mounts)| {
            claim.namespace() == Some(namespace) && mounts.parse(claim.name()).is_some()
        })
    };
    let mut found: Vec<_> = facts
        .of_kind(Kind::PersistentVolumeClaim)
        .filter(|claim| claim.str("/status/phase") == Some(phase))
        .filter(|claim| release_label(claim) == Some(&change.release) && !is_mounted(claim))
        .collect();
    let namespace = found.first()?.namespace()?;
    found.retain(|claim| claim.namespace() == Some(namespace));
    Some((namespace, found))
}
