//! Camunda's own applications, and the workloads that run them.

use std::sync::OnceLock;

use semver::Version;
use serde::{Deserialize, Deserializer};

use super::{Line, image_version, is_own};
use crate::kubernetes::Object;

/// One of Camunda's own applications, by its name in the lines' files. Only applications that a rule mentions have a constant;
/// a line's file may add others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Application(&'static str);

/// What a line's file says about an application that the line brings; a later line may override it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplicationFact {
    /// The application.
    pub name: Application,
    /// Its name for people.
    title: String,
    /// The label `app.kubernetes.io/component` of its main workload; with a leading dash, the end of that label.
    label: String,
    /// The same label on its other workloads.
    #[serde(default)]
    parts: Vec<String>,
    /// The programs of its container, if other applications have the same label.
    #[serde(default)]
    programs: Vec<String>,
    /// Its main workload, as [`WorkloadFact::name`](super::WorkloadFact::name) has it.
    workload: String,
    /// The value that switches it on or off.
    #[serde(default)]
    switch: Option<String>,
    /// The key of its values; the image's tag is below it.
    #[serde(default)]
    pub values: Option<String>,
    /// Whether it shares its line's minor version; others have their own numbers.
    #[serde(default)]
    of_line: bool,
}

impl Application {
    /// Zeebe's brokers; from 13 on the Orchestration Cluster.
    pub const ZEEBE: Application = Application("zeebe");
    /// The Zeebe Gateway, up to 12.
    pub const GATEWAY: Application = Application("gateway");
    /// Operate, up to 12.
    pub const OPERATE: Application = Application("operate");
    /// Tasklist, up to 12.
    pub const TASKLIST: Application = Application("tasklist");
    /// Identity.
    pub const IDENTITY: Application = Application("identity");
    /// Optimize.
    pub const OPTIMIZE: Application = Application("optimize");
    /// Console.
    pub const CONSOLE: Application = Application("console");
    /// Web Modeler: its REST API.
    pub const WEB_MODELER: Application = Application("web-modeler");
    /// Operate's and Tasklist's importers on their own, in 13.
    pub const IMPORTER: Application = Application("importer");
    /// The Job that moves process data to 13's indices.
    pub const DATA_MIGRATION: Application = Application("data-migration");
    /// The Job that moves Identity's entities to the Orchestration Cluster, in 13.
    pub const IDENTITY_MIGRATION: Application = Application("identity-migration");

    /// Its name in the lines' files.
    pub(super) fn id(self) -> &'static str {
        self.0
    }

    /// Returns all applications of all lines, in the order in which the lines bring them.
    pub fn all() -> &'static [&'static ApplicationFact] {
        static ALL: OnceLock<Vec<&ApplicationFact>> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut all: Vec<&ApplicationFact> = Vec::new();
            for fact in declared() {
                match all.iter_mut().find(|known| known.name == fact.name) {
                    Some(known) => *known = fact,
                    None => all.push(fact),
                }
            }
            all
        })
    }

    /// Finds the application of a workload by its label.
    pub fn of(workload: &Object) -> Option<Application> {
        let label = component(workload)?;
        let labelled = || declared().filter(|fact| fact.has_label(label));
        // Both migrations have one label; the program that they run tells them apart, else their name.
        let found = labelled().find(|fact| fact.programs.is_empty() || fact.runs_in(workload));
        let found = found.or_else(|| labelled().find(|fact| fact.ends(workload.name())));
        found.map(|fact| fact.name)
    }

    /// Finds the application that a workload belongs to as a secondary workload.
    pub fn with_part(workload: &Object) -> Option<Application> {
        let label = component(workload)?;
        let is_part = |part: &String| part == label;
        let found = declared().find(|fact| fact.parts.iter().any(is_part));
        found.map(|fact| fact.name)
    }

    /// Finds the application whose main workload has this name in a line's file.
    pub(super) fn of_workload(name: &str) -> Option<Application> {
        let found = declared().find(|fact| fact.workload == name);
        found.map(|fact| fact.name)
    }

    /// Returns what the lines' files say about it.
    pub fn fact(self) -> Option<&'static ApplicationFact> {
        let mut all = Application::all().iter().copied();
        all.find(|fact| fact.name == self)
    }

    /// Returns its index among all applications.
    pub fn position(self) -> usize {
        let mut all = Application::all().iter();
        all.position(|fact| fact.name == self).unwrap_or_default()
    }

    /// Returns the value that switches it on or off, if that has always been the same one.
    pub fn switch(self) -> Option<&'static str> {
        self.fact()?.switch.as_deref()
    }

    /// Whether it shares its line's minor version.
    pub fn is_of_line(self) -> bool {
        self.fact().is_some_and(|fact| fact.of_line)
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        self.fact().map_or(self.0, |fact| fact.title.as_str())
    }
}

impl ApplicationFact {
    fn has_label(&self, label: &str) -> bool {
        match self.label.starts_with('-') {
            true => label.ends_with(&self.label),
            false => label == self.label,
        }
    }

    fn runs_in(&self, workload: &Object) -> bool {
        let program = workload.str("/spec/template/spec/containers/0/command/0");
        let program = program.and_then(|program| program.rsplit('/').next());
        program.is_some_and(|program| self.programs.iter().any(|known| known == program))
    }

    /// Whether a name ends like its workload's, from the last dash on.
    fn ends(&self, name: &str) -> bool {
        let end = self.workload.rfind('-').map(|at| &self.workload[at..]);
        end.is_some_and(|end| name.ends_with(end))
    }
}

/// Returns the applications that the lines declare, line after line.
fn declared() -> impl Iterator<Item = &'static ApplicationFact> {
    Line::all().iter().flat_map(|line| &line.applications)
}

/// Leaks the name: lines are read once and live as long as the program.
impl<'de> Deserialize<'de> for Application {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Application(name.leak()))
    }
}

fn component(workload: &Object) -> Option<&str> {
    let label = workload.label("app.kubernetes.io/component")?;
    is_own(workload).then_some(label)
}

/// Returns the version of a workload's image and the line that it belongs to, if the tag is one of Camunda's.
pub fn running_line(workload: &Object) -> Option<(Version, &'static Line)> {
    let version = image_version(workload.image()?)?;
    let line = Line::of_application(&version)?;
    Some((version, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rules_are_about_some_line_brings() {
        for application in [
            Application::ZEEBE,
            Application::GATEWAY,
            Application::OPERATE,
            Application::TASKLIST,
            Application::IDENTITY,
            Application::OPTIMIZE,
            Application::CONSOLE,
            Application::WEB_MODELER,
            Application::IMPORTER,
            Application::DATA_MIGRATION,
            Application::IDENTITY_MIGRATION,
        ] {
            assert!(application.fact().is_some(), "{application:?}");
        }
    }
}
