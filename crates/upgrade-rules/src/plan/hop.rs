//! One upgrade, with all that is to be done before and after.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Know, Means, Step, back, backup, duration, finding, phases, stop, upgrade, wait};
use crate::{
    camunda::{Line, NewestPatches},
    change::{Change, Facts},
    finding::{Command, Fix, Flag, Moment},
    fixes::{conversion, convert::ValuesFile},
    forecast::{Forecast, InstalledRelease},
    helm::values::set,
    rules::{self, credential_flags},
};

/// One upgrade of a plan.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The chart that it leaves.
    pub from: String,
    /// The chart that it goes to.
    pub to: String,
    /// The application's version before, such as `8.2`.
    pub application: [String; 2],
    /// The numbers of the first step with downtime and of the last, if there is any.
    pub downtime: Option<[usize; 2]>,
    /// What starts again with it, a few words each: the downtime lasts until all of that is ready.
    pub starting: Vec<String>,
    /// The values that its flags give, secret ones left out.
    pub(super) given: Map<String, Value>,
    /// The backup that it restores, where it is no upgrade.
    pub restores: Option<u64>,
    /// Notes about the upgrade.
    pub know: Vec<Know>,
    /// What keeps it from being backed up.
    pub lacks: Option<String>,
    /// What leads back: before the upgrade, and after it.
    pub back: Vec<Fix>,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// All that a hop is made of.
pub(super) struct HopInput<'a> {
    pub(super) standing: &'a InstalledRelease,
    pub(super) means: &'a Means,
    /// All values files so far, those of this hop included.
    pub(super) files: &'a [String],
    pub(super) new_files: &'a [ValuesFile],
    /// The upgrade with the values as they were, and the facts before anything was prepared.
    pub(super) refused: &'a Change,
    pub(super) before: &'a Facts,
    /// The upgrade with the new values, and the facts with what was prepared for them.
    pub(super) forecast: &'a Forecast,
    pub(super) prepared: &'a Facts,
    pub(super) newest: &'a NewestPatches,
}

impl HopInput<'_> {
    pub(super) fn change(&self) -> &Change {
        &self.forecast.change
    }

    /// The upgrade with its steps, which begin with an opening one and with this number.
    pub(super) fn hop(&self, first: usize, opening: Step) -> Hop {
        let mut change = self.change().clone();
        change.newest_patches = self.newest.clone();
        phases::enter_first(&mut change);
        let findings = rules::judge(&change, self.prepared);
        let mut told = finding::told(&change, &findings, self.new_files);
        told.know.extend(finding::notes(&change));
        let (reads, mut flags) = credential_flags(&change, self.prepared);
        flags.extend(told.flags);
        let (registered, ids) = conversion::clients(self.refused, self.before);
        flags.extend(ids);
        flags.extend(phases::first(self));
        let mut seen = BTreeSet::new();
        flags.retain(|flag| seen.insert(flag.clone()));
        let mut steps = self.values();
        steps.extend(registered.map(|fix| {
            let title = "Register the new clients at your identity provider";
            Step::new(
                Moment::Decide,
                title,
                fix.commands.into_iter().map(as_a_step),
            )
        }));
        steps.extend(upgrade::helm(self));
        steps.extend(told.steps);
        steps.extend(self.secret());
        steps.extend(backup::steps(self));
        steps.extend(stop::hand_over(self));
        let upgrade = upgrade::step(self, &reads, &flags);
        let made = upgrade.commands.iter().find_map(Command::upgrade);
        let phases = made.map(|made| phases::others(self, made));
        steps.push(upgrade);
        steps.extend(wait::steps(self));
        steps.extend(phases.into_iter().flatten());
        steps.sort_by_key(|step| step.moment);
        steps.insert(0, opening);
        for (number, step) in (first..).zip(&mut steps) {
            step.number = number;
        }
        let line = |line: Option<&Line>| line.map_or_else(String::new, |it| it.application.clone());
        let to = change.to.as_ref();
        Hop {
            from: self.standing.chart.version.clone(),
            to: to.map_or_else(String::new, |to| to.version.clone()),
            application: [
                line(self.standing.chart.line),
                line(to.and_then(|to| to.line)),
            ],
            downtime: downtime(&change, &steps),
            starting: duration::starting(&change),
            given: given(&flags),
            restores: None,
            know: told.know,
            back: back::ways(self, &steps),
            lacks: backup::lacking(self),
            steps,
        }
    }

    /// The values files of this hop.
    fn values(&self) -> Vec<Step> {
        let step = |file: &ValuesFile| upgrade::file(self, file);
        self.new_files.iter().map(step).collect()
    }

    /// The Secret that the new values name.
    fn secret(&self) -> Option<Step> {
        let fixes = conversion::secret(self.refused, self.before);
        let commands = fixes.into_iter().flat_map(|fix: Fix| fix.commands);
        let (name, _) = conversion::secret_keys(self.refused, self.before)?;
        let title = format!("Carry the credentials over into Secret {name}");
        let step = Step::new(Moment::Before, title, commands.map(as_a_step));
        Some(step.because(vec![
            "The new chart makes none itself, and Helm deletes those of the old one; the databases and Keycloak know no others.".to_owned(),
        ]))
    }
}

/// A command as a step has it: what a person decides first is told, and not typed.
pub(super) fn as_a_step(command: Command) -> Command {
    match command {
        Command::Decide(command) => Command::Manual(command.text()),
        other => other,
    }
}

/// Returns the first and last step with downtime: from the first that ends pods, or else from a change of line, until all pods are ready.
fn downtime(change: &Change, steps: &[Step]) -> Option<[usize; 2]> {
    let stops = steps.iter().find(|step| step.ends_pods());
    let crosses = change.lines_crossed().is_some();
    let upgrade = steps.iter().find(|step| step.moment == Moment::With);
    let first = stops.or(upgrade.filter(|_| crosses))?;
    let last = steps.iter().rfind(|step| step.moment <= Moment::Verify)?;
    Some([first.number, last.number])
}

/// The values that flags give in the open.
fn given(flags: &[Flag]) -> Map<String, Value> {
    let mut values = Map::new();
    for flag in flags {
        if let Flag::Value { key, value } = flag
            && let Some(value) = value.open()
        {
            set(&mut values, key, value);
        }
    }
    values
}
