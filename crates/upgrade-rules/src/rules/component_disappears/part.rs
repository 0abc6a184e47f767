//! The parts of Camunda: an object may go as long as another one of the same part remains.

use crate::{
    camunda::{Application, Component, Line},
    change::{Change, ObjectChange, Side},
    kubernetes::Kind,
};

/// The value by which newer charts run only some of the parts.
const TOPOLOGY: &str = "global.topology.mode";

/// An application of Camunda's own, or a bundled component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Application(Application),
    Component(Component),
}

impl Part {
    /// Returns the part of a workload on one side; `None` for a Job, which ends by itself, and for foreign workloads.
    pub(super) fn of(workload: &ObjectChange, side: Side) -> Option<Part> {
        let object = workload.on(side).filter(|_| workload.camunda)?;
        if !matches!(workload.object.kind, Kind::StatefulSet | Kind::Deployment) {
            return None;
        }
        if let Some(application) =
            Application::of(object).or_else(|| Application::with_part(object))
        {
            return Some(Part::Application(application));
        }
        let is_bundled = workload.object.kind == Kind::StatefulSet
            && !matches!(workload.component, Component::Other | Component::Zeebe);
        is_bundled.then_some(Part::Component(workload.component))
    }

    /// Applications come before bundled components.
    pub(super) fn order(self) -> (usize, Option<Component>) {
        match self {
            Part::Application(application) => (application.position(), None),
            Part::Component(component) => (usize::MAX, Some(component)),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Part::Application(application) => application.name(),
            Part::Component(component) => component.name(),
        }
    }

    /// Returns the part that replaces it in the new line; `None` if that line no longer needs it.
    pub(super) fn successor(self, change: &Change) -> Option<Part> {
        let Part::Application(mut application) = self else {
            return Some(self);
        };
        for line in change.lines_entered() {
            if line.gone_applications.contains(&application) {
                return None;
            }
            if let Some(becomes) = line.becomes.get(&application) {
                application = becomes.application;
            }
        }
        // 13's own migrations have rules of their own.
        (application != Application::IMPORTER).then_some(Part::Application(application))
    }

    /// Whether the new values switch it off.
    pub(super) fn is_switched_off(self, change: &Change) -> bool {
        let is_off = |key: &String| change.values.flag(key) == Some(false);
        let chosen = change
            .values
            .text(TOPOLOGY)
            .is_some_and(|mode| mode != "combined");
        chosen
            || lines(change)
                .flat_map(|line| self.switches(line))
                .any(|key| is_off(&key))
    }

    /// Whether the new values name a replacement for a component that the new chart no longer bundles, other than the very
    /// object that goes.
    pub(super) fn is_replaced(self, change: &Change, name: &str) -> bool {
        let Part::Component(component) = self else {
            return false;
        };
        let target = change.target_line();
        let Some(keys) = target.and_then(|line| line.gone.get(&component)) else {
            return false;
        };
        let set: Vec<_> = change
            .values
            .leaves()
            .into_iter()
            .filter(|(key, _)| {
                keys.iter()
                    .any(|named| crate::helm::values::below(key, named).is_some())
            })
            .collect();
        let is_it = |text: &str| text.contains(name);
        !set.is_empty()
            && !set
                .iter()
                .any(|(_, value)| value.as_str().is_some_and(is_it))
    }

    /// The values that switch it on in the new chart; none where it has none.
    pub(super) fn keys(self, change: &Change) -> Vec<String> {
        let Some(line) = change.target_line() else {
            return Vec::new();
        };
        match self {
            Part::Application(_) => self.switches(line).into_iter().take(1).collect(),
            Part::Component(component) => line
                .switches
                .get(&component)
                .cloned()
                .unwrap_or_else(|| self.switches(line)),
        }
    }

    /// The values that a line switches it by, its own first.
    fn switches(self, line: &Line) -> Vec<String> {
        match self {
            Part::Component(component) => line.runs_by.get(&component).cloned().unwrap_or_default(),
            Part::Application(Application::ZEEBE | Application::GATEWAY) => {
                let root = line.brokers.count.split('.').next().unwrap_or_default();
                vec![format!("{root}.enabled")]
            }
            Part::Application(application) => {
                let becomes = line.becomes.get(&application).map(|it| it.value.clone());
                let own = application.switch().map(str::to_owned);
                becomes.into_iter().chain(own).collect()
            }
        }
    }
}

/// The lines that the change leaves and enters.
fn lines(change: &Change) -> impl Iterator<Item = &'static Line> {
    [&change.from, &change.to]
        .into_iter()
        .filter_map(|chart| chart.as_ref()?.line)
}
