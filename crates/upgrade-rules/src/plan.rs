//! The whole path of a release from the running chart to another one, hop by hop.
//!
//! Each hop is a [forecast](crate::forecast) that the rules judge: the fixes for their refusals are the steps before the
//! upgrade. Later hops assume that the release is where the previous hop leaves it.

mod back;
mod backup;
mod document;
mod duration;
mod error;
mod finding;
mod hop;
mod markdown;
mod phases;
mod ready;
mod restore;
mod shell;
mod step;
mod stop;
mod target;
mod text;
mod upgrade;
mod wait;

pub use self::{
    error::{PlanError, RestoreError},
    hop::Hop,
    restore::Earlier,
    step::{Know, Step},
    target::{TargetError, target},
};

use semver::Version;

use crate::{
    camunda::{Line, NewestPatches},
    change::{Change, ChartVersion, Facts},
    finding::shell::{PROGRAM, command},
    fixes::{conversion, upgrade_path},
    forecast::{ConvertedUpgrade, InstalledRelease, settle},
    helm::release::{Status, Storage},
};

/// The chart and the values files of the user's own upgrades.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// The chart; `{version}` in it stands for the version of a hop.
    pub chart: String,
    /// The values files.
    pub values: Vec<String>,
    /// The kubeconfig's context, where there is one.
    pub context: Option<String>,
    /// The newest revision, where it is another one than what is deployed.
    pub unfinished: Option<Unfinished>,
}

/// A revision that did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Its number.
    pub number: u64,
    /// How far it came.
    pub status: Status,
    /// Where its record is.
    pub storage: Storage,
}

/// The path to another chart.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The chart that runs.
    pub from: String,
    /// The chart to go to.
    pub to: String,
    /// The chart and the values files of its upgrades.
    pub means: Means,
    /// Notes to read first.
    pub notes: Vec<String>,
    /// The upgrades, in order.
    pub hops: Vec<Hop>,
}

/// Returns the first upgrade of a path, with unchanged values: it tells what to read from the cluster.
///
/// # Errors
/// When there is no way there.
pub fn first(
    standing: &InstalledRelease,
    to: &Version,
    newest: &NewestPatches,
) -> Result<Option<Change>, PlanError> {
    let versions = versions(standing, to, newest)?;
    let chart = versions.first().map(|version| ChartVersion::new(version));
    let forecast = chart.and_then(|chart| standing.upgraded(&chart, &standing.rendered.values));
    Ok(forecast.map(|forecast| forecast.change))
}

impl Plan {
    /// The command that plans the rest of the way from where the release stands.
    pub fn again(&self) -> String {
        let (release, namespace) = (self.release.as_str(), self.namespace.as_str());
        let mut words = vec![PROGRAM, "plan", release, "-n", namespace];
        let restores = self.restores().map(|id| id.to_string());
        if let Some(id) = &restores {
            words.extend(["--restore", id, "--to", &self.to, "--resume"]);
            return command(words);
        }
        words.extend(["--to", &self.to, "--chart", &self.means.chart]);
        words.extend(self.means.values.iter().flat_map(|file| ["-f", file]));
        words.push("--resume");
        command(words)
    }

    /// Plans the path of a release to a chart version.
    ///
    /// # Errors
    /// When there is no way there.
    pub fn of(
        standing: &InstalledRelease,
        facts: &Facts,
        to: &Version,
        means: Means,
        newest: &NewestPatches,
    ) -> Result<Plan, PlanError> {
        let versions = versions(standing, to, newest)?;
        let mut plan = Plan {
            release: standing.release.clone(),
            namespace: standing.namespace.clone(),
            from: standing.chart.version.clone(),
            to: to.to_string(),
            notes: notes(facts, to, newest, means.unfinished),
            means,
            hops: Vec::new(),
        };
        let mut way = Way {
            standing: standing.clone(),
            facts: facts.clone(),
            files: plan.means.values.clone(),
            number: 1,
        };
        for version in versions {
            let hop = way.hop(&version, &plan.means, newest)?;
            plan.hops.push(hop);
        }
        let lacks = plan.hops.first().and_then(|hop| hop.lacks.clone());
        plan.notes
            .splice(0..0, lacks.map(|lacks| format!("{lacks}.")));
        Ok(plan)
    }
}

/// The state of a release on its path, with the files and steps so far.
struct Way {
    standing: InstalledRelease,
    facts: Facts,
    /// All values files so far.
    files: Vec<String>,
    /// The number of the next step.
    number: usize,
}

impl Way {
    /// Makes the upgrade to the next version, and moves on to where the release stands after it.
    fn hop(
        &mut self,
        version: &str,
        means: &Means,
        newest: &NewestPatches,
    ) -> Result<Hop, PlanError> {
        let chart = ChartVersion::new(version);
        let unknown = || PlanError::UnknownLine(version.to_owned());
        let converted = self.standing.converted(&chart, &self.facts);
        let converted = converted.ok_or_else(unknown)?;
        let opening = match self.number {
            1 => ready::step(&self.standing, &mut self.facts, means, version),
            _ => ready::next(&self.standing, means, version),
        };
        let prepared = converted.prepared(&self.facts);
        let ConvertedUpgrade {
            refused,
            files: new_files,
            values,
            forecast,
        } = converted;
        self.files
            .extend(new_files.iter().map(|file| file.name.clone()));
        let hop = hop::HopInput {
            standing: &self.standing,
            means,
            files: &self.files,
            new_files: &new_files,
            refused: &refused,
            before: &self.facts,
            forecast: &forecast,
            prepared: &prepared,
            newest,
        };
        let hop = hop.hop(self.number, opening);
        self.number += hop.steps.len();
        // What is given by flags lasts for this upgrade only.
        let given = values.with(hop.given.clone());
        let done = self.standing.upgraded(&chart, &given);
        let mut done = done.ok_or_else(unknown)?;
        // Old keys are asked to be taken out once they are under new ones.
        done.planned.values = match conversion::entered(&refused) {
            Some(line) => values.without(line.converted_values.values().flatten()),
            None => values,
        };
        self.facts = prepared;
        settle(&mut self.facts, &done);
        self.standing.chart = chart;
        self.standing.rendered = done.planned;
        Ok(hop)
    }
}

/// Every version to go through, the target included.
fn versions(
    standing: &InstalledRelease,
    to: &Version,
    newest: &NewestPatches,
) -> Result<Vec<String>, PlanError> {
    let chart = ChartVersion::new(&to.to_string());
    let from = &standing.chart;
    let (Some(line), Some(version)) = (from.line, from.parsed.clone()) else {
        return Err(PlanError::UnknownStart(from.version.clone()));
    };
    let Some(target) = chart.line else {
        return Err(PlanError::UnknownLine(chart.version));
    };
    if version == *to {
        return Err(PlanError::Same(chart.version));
    }
    let within = line.position() == target.position();
    if *to < version {
        let (from, to) = (from.version.clone(), chart.version);
        return Err(match within {
            true => PlanError::OlderPatch { from, to },
            false => PlanError::Backwards { from, to },
        });
    }
    if within {
        return Ok(vec![chart.version]);
    }
    let hops = upgrade_path::hops(newest, line, Some(&version), target, &chart.version);
    Ok(hops.into_iter().map(|hop| hop.version).collect())
}

fn notes(
    facts: &Facts,
    to: &Version,
    newest: &NewestPatches,
    unfinished: Option<Unfinished>,
) -> Vec<String> {
    let mut notes: Vec<_> = unfinished.map(cut_off).into_iter().collect();
    if let Some(line) = Line::of(&to.to_string()) {
        let known = newest.of(line).version;
        match Version::parse(known) {
            Ok(newest) if newest < *to => notes.push(format!(
                "Chart {to} is newer than {known}, the newest of line {} that is known here: see that it exists.",
                line.line
            )),
            Ok(newest) if newest > *to => notes.push(format!(
                "Chart {known} is the newest of line {}; {to} lacks what was mended since.",
                line.line
            )),
            _ => {}
        }
    }
    notes.extend(unseen(facts));
    notes
}

fn cut_off(Unfinished { number, status, .. }: Unfinished) -> String {
    format!("Revision {number} is {status}. What it has changed is planned for as it is live.")
}

fn unseen(facts: &Facts) -> impl Iterator<Item = String> {
    facts.gaps().iter().map(|gap| {
        format!(
            "Not seen, and so not planned for: {}: {}",
            gap.what, gap.reason
        )
    })
}
