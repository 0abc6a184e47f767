//! Checks of images, users and migrations of workloads.

use super::Look;
use crate::{
    camunda::{self, Application, Component, Line, running_line},
    finding::RuleId,
    knowledge::migration::{self, State},
    kubernetes::Kind,
    rules,
    scan::Problem,
};

impl Look<'_> {
    /// Finds failed data and identity migrations of 13; upgrades to the next line are for the rules to judge.
    pub(super) fn migrations(&self) -> Option<Problem> {
        let jobs = self.workloads().filter(|it| it.reference.kind == Kind::Job);
        let jobs: Vec<_> = jobs
            .filter(|it| {
                let application = Application::of(&it.object);
                matches!(
                    application,
                    Some(Application::DATA_MIGRATION | Application::IDENTITY_MIGRATION)
                )
            })
            .filter(|it| migration::state(self.live(it)) == State::Failed)
            .collect();
        let named = jobs.iter().map(|it| it.reference.to_string()).collect();
        let title = "A migration has failed";
        let problem = Problem::risk(RuleId::MigrationUnfinished, title, named)?;
        let logs = jobs.iter().map(|it| migration::logs(&it.reference));
        Some(Problem {
            cure: logs.collect(),
            ..problem
        })
    }

    /// Finds workloads with images of another line than the chart's.
    pub(super) fn other_lines(&self) -> Option<Problem> {
        let own = self.standing.chart.line?;
        let others = self.workloads().filter_map(|it| {
            let live = self.live(it);
            let counts = Application::of(live).is_some_and(Application::is_of_line);
            let (version, line) = running_line(live).filter(|_| counts)?;
            let other = line.position() != own.position();
            other.then(|| format!("{} runs {version}", it.reference))
        });
        let application = &own.application;
        let title = format!("Not all runs Camunda {application}, which the chart is for");
        Problem::risk(RuleId::ComponentVersionsDiffer, title, others.collect())
    }

    /// Finds brokers that run as root on volumes no group may write, if the next line runs them as another user.
    pub(super) fn brokers_without_group(&self) -> Option<Problem> {
        let user = self.next?.change.target_line()?.image_user?;
        let was_root = self.standing.chart.line?.image_user.is_none();
        let brokers = self.workloads().find(|it| {
            it.component == Component::Zeebe && it.reference.kind == Kind::StatefulSet
        })?;
        let group = self
            .live(brokers)
            .at("/spec/template/spec/securityContext/fsGroup");
        if !was_root || !group.is_none_or(serde_json::Value::is_null) {
            return None;
        }
        let title = format!(
            "The brokers run as root without fsGroup, and the next line runs them as user {user}"
        );
        let why = format!(
            "The next chart sets zeebe.podSecurityContext.fsGroup to {user}: leave it so, and the storage class has to apply it."
        );
        Problem::risk(RuleId::UserIdChanged, title, vec![why])
    }

    /// Finds databases pinned to another major version than the chart's; each upgrade must repeat the pin.
    pub(super) fn other_majors(&self) -> Vec<Problem> {
        let databases = self
            .workloads()
            .filter(|it| rules::is_postgresql(it.component));
        let line = self.standing.chart.line;
        let kept = databases.filter_map(|it| {
            let live = rules::postgresql_major(self.live(it))?;
            let brought = brought(line?, it.component)?;
            let name = it.component.name();
            let title = format!("{name} is of version {live}, and the chart brings {brought}");
            let why = "Every upgrade has to be given its image's tag again.".to_owned();
            let kept = Problem::risk(RuleId::PostgresqlMajorUpgrade, title, vec![why]);
            kept.filter(|_| live != brought)
        });
        kept.collect()
    }
}

/// Returns the major version of the database in a line's chart.
fn brought(line: &Line, component: Component) -> Option<u64> {
    let mut facts = line.workloads.iter();
    let fact = facts.find(|fact| fact.component == Some(component))?;
    camunda::image_version(&fact.image).map(|version| version.major)
}
