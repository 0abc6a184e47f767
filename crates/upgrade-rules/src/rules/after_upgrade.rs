//! `after-upgrade`: what an upgrade has left for a person to do.
//!
//! Migration Jobs that are Complete stay in the manifest until the values switch them off, and the next patch stumbles over
//! them; importers idle beside them; a Job that failed does not run again by itself; and claims whose volumes were handed over
//! stay behind in phase Lost.
//!
//! Since chart 13. Documented: "8.8 architecture changes" (Importers), "Identity migration", and in the general guide "Data
//! retention" (Lost claims).

use super::{Judge, Rule, heard::Heard, wanted};

use crate::{
    camunda::{Application, Feature, is_elastics, release_label},
    change::{Attempt, Change, Facts, ObjectChange, Operation, Side},
    finding::{Action, Command, Finding, Fix, Kubectl, Objects, RuleId, guide},
    fixes::{give_up, migrations},
    helm::release::Status,
    knowledge::{
        claims::{Fate, fate, is_mounted},
        migration::{self, State},
    },
    kubernetes::{Kind, Mounts, Object, ObjectRef, workload::is_stopped},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::AfterUpgrade,
    summary: "an earlier upgrade has left something to be done",
    guide: guide::MONITOR,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/after-upgrade.md"),
    needs: &[wanted::left_over_claims],
    judge: Judge::Beside {
        others: &[
            RuleId::ImmutableFieldChanged,
            RuleId::DataMigrationOnInstall,
        ],
        judge,
    },
};

/// Omits Jobs that a refusing rule already reports.
fn judge(change: &Change, facts: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    let looks = change.operation == Operation::Deployed;
    // The upgrade that does it all has enough to say.
    if !looks && (change.operation != Operation::Upgrade || !has_migrated(change)) {
        return Vec::new();
    }
    let mut left: Vec<Left> = change.attempt.iter().map(attempt).collect();
    for job in change.of_kind(Kind::Job).filter(|job| job.camunda) {
        left.extend(of_job(change, facts, heard, job));
    }
    left.extend(lost_claims(change, facts));
    if looks {
        left.extend(unmounted_claims(change, facts));
    }
    left.extend(idle_volumes(change, facts));
    let title = match left.len() {
        0 => return Vec::new(),
        1 => "An earlier upgrade has left something to be done".to_owned(),
        count => format!("An earlier upgrade has left {count} things to be done"),
    };
    let (why, fixes): (Vec<_>, Vec<_>) =
        left.into_iter().map(|left| (left.what, left.fixes)).unzip();
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: Vec::new(),
        why,
        fixes: fixes.into_iter().flatten().collect(),
        guide: RULE.guide,
    }]
}

/// One thing that is left to be done.
struct Left {
    what: String,
    fixes: Vec<Fix>,
}

impl Left {
    fn new(what: impl Into<String>, fixes: Vec<Fix>) -> Self {
        Self {
            what: what.into(),
            fixes,
        }
    }
}

/// Reports Helm's last attempt, which differs from the deployed revision.
fn attempt(attempt: &Attempt) -> Left {
    let what = match attempt.status {
        Status::Failed => "failed",
        _ => "was begun, and Helm is at work on it still or was cut off",
    };
    let [new, old] = attempt.charts.each_ref().map(|chart| {
        let version = chart.as_deref();
        version.map_or("of unknown version".to_owned(), |it| {
            format!("camunda-platform {it}")
        })
    });
    let [arrived, behind] = attempt.live.each_ref().map(Vec::len);
    let runs = match (arrived, behind) {
        _ if attempt.is_first => "no revision before it is deployed".to_owned(),
        (0, 0) => format!(
            "its workloads have the images of what was deployed before ({old}), so how much of it was applied can't be told"
        ),
        (0, _) => format!("what runs is what was deployed before ({old})"),
        (_, 0) => "what runs is of this revision".to_owned(),
        _ => {
            let names = attempt.live[1].iter().map(ToString::to_string);
            let names: Vec<_> = names.collect();
            format!(
                "what runs is of this revision in part: {} of {} workloads; {} as deployed before ({old})",
                arrived,
                arrived + behind,
                names.join(", ")
            )
        }
    };
    let what = format!(
        "Revision {} ({new}) {what}: {runs}. Run it again once its cause is gone.",
        attempt.revision
    );
    Left::new(what, Vec::new())
}

/// Whether the release stays on its line, and that line or an earlier one brings migration Jobs.
fn has_migrated(change: &Change) -> bool {
    let running = change.from.as_ref().and_then(|from| from.line);
    running.is_some_and(|line| line.has(Feature::DataMigration)) && change.lines_crossed().is_none()
}

/// Reports what a migration Job of the new manifest waits for.
fn of_job(change: &Change, facts: &Facts, heard: &Heard<'_>, job: &ObjectChange) -> Option<Left> {
    let migration = migration::of(job, Side::Planned)?;
    let live = facts.get(&job.object)?;
    if heard.names(&job.object) {
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

fn unfinished(migration: Application, job: &ObjectRef) -> Left {
    let wait = [
        "wait",
        "--for=condition=complete",
        &format!("job/{}", job.name),
        "--timeout=24h",
    ];
    let wait = Kubectl::new(&job.namespace, wait);
    Left::new(
        format!("{job} still runs, so {} is not done.", migration.name()),
        vec![Fix::new(format!("Wait for {job}:"), [wait])],
    )
}

fn complete(change: &Change, migration: Application, job: &ObjectRef) -> Left {
    let importers = match migration {
        Application::DATA_MIGRATION => running_importer(change),
        _ => None,
    };
    let importers = importers
        .map(|importer| format!(", and {} has nothing left to import", importer.object))
        .unwrap_or_default();
    let intro = format!(
        "{job} is done; add to the next helm upgrade, before one that changes the Job, which Kubernetes refuses:"
    );
    Left::new(
        format!("{job} is Complete{importers}."),
        vec![Fix::new(
            intro,
            [migrations::flag(change, migration, false)],
        )],
    )
}

fn running_importer(change: &Change) -> Option<&ObjectChange> {
    let importer = change.application(Application::IMPORTER, Side::Planned)?;
    (!importer.on(Side::Planned).is_some_and(is_stopped)).then_some(importer)
}

fn failed(migration: Application, job: &ObjectRef, live: &Object) -> Left {
    let because = migration::failure(live)
        .map(|message| format!(" ({})", message.trim_end_matches('.')))
        .unwrap_or_default();
    let delete = Command::from(Objects::one(job).delete()).decide();
    Left::new(
        format!(
            "{job} has failed{because}, so {} is not done.",
            migration.name()
        ),
        vec![
            Fix::new(
                format!("See why {job} has failed:"),
                migration::reasons(job),
            ),
            Fix::new(
                "Once the cause is gone, delete it, and have it made anew by this upgrade once more:",
                [delete],
            ),
        ],
    )
}

/// Claims that lost their volumes, that nothing of the new manifest mounts, and whose data is with pods, or gone.
fn lost_claims(change: &Change, facts: &Facts) -> Option<Left> {
    let (namespace, lost) = unmounted(change, facts, "Lost")?;
    let settled: Vec<_> = lost
        .into_iter()
        .filter(|claim| matches!(fate(facts, claim, sets(change, facts)), Fate::Settled))
        .map(Object::name)
        .collect();
    if settled.is_empty() {
        return None;
    }
    let claims = Objects::new(
        Kind::PersistentVolumeClaim,
        namespace,
        settled.iter().copied(),
    );
    Some(Left::new(
        format!("Claims have lost their volumes: {}.", settled.join(", ")),
        vec![Fix::new(
            "The claims that have lost their volumes can go:",
            [claims.delete()],
        )],
    ))
}

/// Volumes that were taken from claims and that no pod has: the way to them is the claim, so it stays.
fn idle_volumes(change: &Change, facts: &Facts) -> Option<Left> {
    let (_, lost) = unmounted(change, facts, "Lost")?;
    let idle: Vec<_> = lost
        .into_iter()
        .filter_map(|claim| match fate(facts, claim, sets(change, facts)) {
            Fate::Idle(volume) => Some(format!("{} of claim {}", volume.name(), claim.name())),
            Fate::Settled | Fate::Unknown => None,
        })
        .collect();
    (!idle.is_empty()).then(|| {
        Left::new(
            format!(
                "No pod mounts volume {}, which may hold data: run as many pods as had data, or keep claim and volume.",
                idle.join(", ")
            ),
            Vec::new(),
        )
    })
}

/// Returns the StatefulSets of the new manifest and the live ones.
fn sets<'a>(change: &'a Change, facts: &'a Facts) -> impl Iterator<Item = &'a Object> {
    let planned = change.of_kind(Kind::StatefulSet);
    let planned = planned.filter_map(|set| set.planned.as_deref());
    planned.chain(facts.of_kind(Kind::StatefulSet))
}

/// Elasticsearch's claims of before 8.3 that still have their volumes: a copy's origin, or data that was left behind.
fn unmounted_claims(change: &Change, facts: &Facts) -> Option<Left> {
    let (namespace, bound) = unmounted(change, facts, "Bound")?;
    let old: Vec<_> = bound
        .into_iter()
        .filter(|claim| is_elastics(claim, &change.release))
        .collect();
    if old.is_empty() {
        return None;
    }
    let copied = |old: &&Object| {
        facts.claims(namespace).any(|claim| {
            let source = claim.str("/spec/dataSource/name");
            claim.str("/status/phase") == Some("Bound")
                && source == Some(old.name())
                && is_mounted(sets(change, facts), namespace, claim.name())
        })
    };
    let names: Vec<_> = old.iter().map(|claim| claim.name()).collect();
    let names = names.join(", ");
    if old.iter().all(copied) {
        return Some(Left::new(
            format!("Nothing mounts {names} any more, and a pod has a copy of each."),
            vec![Fix::new(
                "Once the copies are trusted, their origins can go; nothing brings them back then:",
                give_up::deletions(&old),
            )],
        ));
    }
    let explain = "camunda-upgrade-guard explain elasticsearch-claims-orphaned";
    Some(Left::new(
        format!(
            "Nothing mounts {names} any more, which still hold data: a backup, unless Elasticsearch has started on empty volumes."
        ),
        vec![Fix::new(
            "What to do where Elasticsearch has started on empty volumes:",
            [Command::Shell(explain.to_owned())],
        )],
    ))
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
