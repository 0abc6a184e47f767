//! What runs, and as whom.

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
    /// Migrations of 13 that did not come to their end; where the next line is entered the rules say so.
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
        if jobs.is_empty() {
            return None;
        }
        let named = jobs.iter().map(|it| it.reference.to_string());
        Some(Problem {
            rule: Some(RuleId::MigrationUnfinished),
            stops: false,
            title: "A migration has failed".to_owned(),
            why: named.collect(),
            cure: jobs
                .iter()
                .map(|it| migration::logs(&it.reference))
                .collect(),
        })
    }

    /// Workloads with images of another line than the chart's.
    pub(super) fn other_lines(&self) -> Option<Problem> {
        let own = self.standing.chart.line?;
        let others = self.workloads().filter_map(|it| {
            let live = self.live(it);
            let counts = Application::of(live).is_some_and(Application::is_of_line);
            let (version, line) = running_line(live).filter(|_| counts)?;
            let other = line.position() != own.position();
            other.then(|| format!("{} runs {version}", it.reference))
        });
        let why: Vec<_> = others.collect();
        (!why.is_empty()).then(|| Problem {
            rule: Some(RuleId::ComponentVersionsDiffer),
            stops: false,
            title: format!(
                "Not all runs Camunda {}, which the chart is for",
                own.application
            ),
            why,
            cure: Vec::new(),
        })
    }

    /// Brokers that run as root on volumes that no group may write, where the next line has them run as another user.
    pub(super) fn brokers_without_group(&self) -> Option<Problem> {
        let user = self.next?.change.target_line()?.image_user?;
        let was_root = self.standing.chart.line?.image_user.is_none();
        let brokers = self.workloads().find(|it| {
            it.component == Component::Zeebe && it.reference.kind == Kind::StatefulSet
        })?;
        let group = self
            .live(brokers)
            .at("/spec/template/spec/securityContext/fsGroup");
        (was_root && group.is_none_or(serde_json::Value::is_null)).then(|| Problem {
            rule: Some(RuleId::UserIdChanged),
            stops: false,
            title: format!("The brokers run as root without fsGroup, and the next line runs them as user {user}"),
            why: vec![format!(
                "The next chart sets zeebe.podSecurityContext.fsGroup to {user}: leave it so, and the storage class has to apply it."
            )],
            cure: Vec::new(),
        })
    }

    /// Databases that are kept back, whose pin the next upgrade has to repeat.
    pub(super) fn other_majors(&self) -> Vec<Problem> {
        let databases = self
            .workloads()
            .filter(|it| rules::is_postgresql(it.component));
        let line = self.standing.chart.line;
        let kept = databases.filter_map(|it| {
            let live = rules::postgresql_major(self.live(it))?;
            let brought = brought(line?, it.component)?;
            (live != brought).then(|| Problem {
                rule: Some(RuleId::PostgresqlMajorUpgrade),
                stops: false,
                title: format!(
                    "{} is of version {live}, and the chart brings {brought}",
                    it.component.name()
                ),
                why: vec!["Every upgrade has to be given its image's tag again.".to_owned()],
                cure: Vec::new(),
            })
        });
        kept.collect()
    }
}

/// The major version of the database that a line's chart brings along.
fn brought(line: &Line, component: Component) -> Option<u64> {
    let mut facts = line.workloads.iter();
    let fact = facts.find(|fact| fact.component == Some(component))?;
    camunda::image_version(&fact.image).map(|version| version.major)
}
