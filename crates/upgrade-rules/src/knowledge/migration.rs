//! The migration of 12's data to 13 as several rules see it: who needs it, its Jobs, and the values that switch them.

use serde_json::Value;

use crate::{
    camunda::{Application, Feature, Line, release_label},
    change::{Change, Facts, ObjectChange, Side},
    finding::{Command, Kubectl},
    kubernetes::{Kind, Mounts, Object, ObjectRef, workload::is_stopped},
};

/// The progress of a Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It succeeded.
    Complete,
    /// It gave up.
    Failed,
    /// It runs, or waits.
    Unfinished,
}

/// Returns the progress of a live Job.
pub fn state(job: &Object) -> State {
    match condition(job, "Complete").or_else(|| condition(job, "Failed")) {
        Some(condition) if condition.get("type") == Some(&Value::from("Complete")) => {
            State::Complete
        }
        Some(_) => State::Failed,
        None => State::Unfinished,
    }
}

/// Returns Kubernetes' message for a failed Job.
pub(crate) fn failure(job: &Object) -> Option<&str> {
    let message = condition(job, "Failed")?.get("message")?.as_str()?;
    Some(message).filter(|message| !message.is_empty())
}

fn condition<'a>(job: &'a Object, kind: &str) -> Option<&'a Value> {
    job.array("/status/conditions").iter().find(|condition| {
        let text = |key: &str| condition.get(key).and_then(Value::as_str);
        text("type") == Some(kind) && text("status") == Some("True")
    })
}

/// The line left and the one entered, where an upgrade enters a line that migrates from below.
pub(crate) fn entering(change: &Change) -> Option<(&'static Line, &'static Line)> {
    change
        .lines_crossed()
        .filter(|(from, to)| migrates(to) && from.position() < to.position())
}

/// The line left and the one entered, where an upgrade leaves a line that migrates for a newer one.
pub(crate) fn leaving(change: &Change) -> Option<(&'static Line, &'static Line)> {
    change
        .lines_crossed()
        .filter(|(from, to)| migrates(from) && from.position() < to.position())
}

fn migrates(line: &Line) -> bool {
    line.brings.contains_key(&Feature::DataMigration)
}

/// Returns which of Operate and Tasklist have data to migrate: those that ran in 12.
pub(crate) fn with_data(change: &Change, facts: &Facts) -> Vec<Application> {
    let runs = |application| {
        let workload = change.application(application, Side::Running)?;
        let off = workload.on(Side::Running).is_some_and(is_stopped);
        let stopped = facts.get(&workload.object).is_none_or(is_stopped);
        (!off || !stopped).then_some(application)
    };
    [Application::OPERATE, Application::TASKLIST]
        .into_iter()
        .filter_map(runs)
        .collect()
}

/// Returns which of the two migrations a Job is.
pub(crate) fn of(job: &ObjectChange, side: Side) -> Option<Application> {
    job.application(side).filter(|application| {
        matches!(
            *application,
            Application::DATA_MIGRATION | Application::IDENTITY_MIGRATION
        )
    })
}

/// Whether an earlier, failed upgrade already migrated the release's data.
pub(crate) fn is_done(change: &Change, facts: &Facts) -> bool {
    facts.of_kind(Kind::Job).any(|job| {
        release_label(job) == Some(&change.release)
            && Application::of(job) == Some(Application::DATA_MIGRATION)
            && state(job) == State::Complete
    })
}

/// The Job of an earlier try, where the new manifest has none: its name follows the brokers'.
pub fn earlier_job(change: &Change) -> Option<ObjectRef> {
    entering(change)?;
    if change
        .application(Application::DATA_MIGRATION, Side::Planned)
        .is_some()
    {
        return None;
    }
    let brokers = &change
        .application(Application::ZEEBE, Side::Planned)?
        .object;
    let name = format!("{}-migration-data", brokers.name);
    Some(ObjectRef::new(Kind::Job, &brokers.namespace, &name))
}

/// Whether Zeebe's claims are known and none was ever bound, so that there is nothing to migrate.
pub(crate) fn is_without_data(change: &Change, facts: &Facts) -> bool {
    let brokers = change
        .objects
        .iter()
        .filter(|set| set.camunda)
        .filter(|set| {
            let is = |side| set.application(side) == Some(Application::ZEEBE);
            is(Side::Running) || is(Side::Planned)
        });
    let mut found = false;
    for set in brokers {
        for mounts in [&set.running, &set.planned]
            .into_iter()
            .flatten()
            .map(|set| Mounts::of(set))
        {
            let namespace = &set.object.namespace;
            // Without claims of its own, and where they could not be read, nothing tells.
            if mounts.templates.is_empty() || facts.unlisted(Kind::PersistentVolumeClaim, namespace)
            {
                return false;
            }
            let mut claims = facts.claims(namespace);
            if claims.any(|claim| mounts.parse(claim.name()).is_some() && was_bound(claim)) {
                return false;
            }
            found = true;
        }
    }
    found
}

fn was_bound(claim: &Object) -> bool {
    matches!(claim.str("/status/phase"), Some("Bound" | "Lost"))
}

/// Lists those of `keys` that the user sets without effect, a line each.
pub(crate) fn unread(change: &Change, keys: &[&str]) -> impl Iterator<Item = String> {
    let set = keys.iter().filter(|key| change.values.get(key).is_some());
    set.map(|key| {
        let key = change.values.key_in_file(key);
        format!("Your values set {key}: no released chart reads it.")
    })
}

/// Waits until a Job is Complete.
pub(crate) fn wait(job: &ObjectRef) -> Command {
    Kubectl::await_complete(job, "1h").into()
}

/// Shows what a Job's pods say. Asked for by name, kubectl would fail where none is left.
pub fn logs(job: &ObjectRef) -> Command {
    let selector = format!("batch.kubernetes.io/job-name={}", job.name);
    Kubectl::new(&job.namespace, ["logs", "-l", &selector, "--tail=50"]).into()
}

/// Shows why a Job has failed: its pods, and the logs with them, may be gone by then.
pub fn reasons(job: &ObjectRef) -> [Command; 2] {
    let describe = Kubectl::new(&job.namespace, ["describe", "job", &job.name]);
    [describe.into(), logs(job)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::{ChartVersion, Operation};

    #[test]
    fn the_job_of_an_earlier_try_has_the_brokers_name() {
        let labels = json!({"app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/component": "zeebe-broker"});
        let brokers = json!({"metadata": {"name": "own-zeebe", "labels": labels}});
        let reference = ObjectRef::new(Kind::StatefulSet, "prod", "own-zeebe");
        let mut change =
            Change::of_object(Operation::Update, reference, "camunda", Object(brokers));
        change.from = Some(ChartVersion::new("12.13.3"));
        change.to = Some(ChartVersion::new("13.12.7"));
        let name = |change: &Change| earlier_job(change).map(|job| job.to_string());
        assert_eq!(
            name(&change).as_deref(),
            Some("Job own-zeebe-migration-data")
        );
        change.from = Some(ChartVersion::new("13.12.0"));
        assert_eq!(name(&change), None);
    }

    #[test]
    fn only_what_is_true_counts() {
        let job = |conditions: Value| Object(json!({"status": {"conditions": conditions}}));
        for (conditions, expected) in [
            (json!([]), State::Unfinished),
            (
                json!([{"type": "Complete", "status": "False"}, {"type": "FailureTarget", "status": "True"}]),
                State::Unfinished,
            ),
            (
                json!([{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}]),
                State::Complete,
            ),
            (
                json!([{"type": "Failed", "status": "True", "message": "backoff"}]),
                State::Failed,
            ),
        ] {
            assert_eq!(state(&job(conditions.clone())), expected, "{conditions}");
        }
        let failed = job(json!([{"type": "Failed", "status": "True", "message": "backoff"}]));
        assert_eq!(failure(&failed), Some("backoff"));
    }
}
