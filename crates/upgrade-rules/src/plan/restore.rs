//! The documented restore of a backup, on the chart that made it.
//!
//! Helm's history holds that chart as it was, with its values and credentials: going back is a rollback. The brokers are set to restore
//! by kubectl, which leaves their other variables, those of the backup store among them, as they are.

mod aside;
mod brokers;
mod goback;
mod making;
mod snapshots;
mod stop;

use self::making::Making;
use super::{
    Hop, Means, Plan, Step, back, cut_off, duration, error::RestoreError, ready, unseen, wait,
};
use crate::{
    change::{Change, Facts, Operation},
    finding::{Command, Fix, Moment},
    forecast::InstalledRelease,
};

/// An earlier revision of a release.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// Its number.
    pub revision: u64,
    /// The release as it was.
    pub standing: InstalledRelease,
}

impl Earlier {
    /// The rollback to it.
    pub fn rollback(&self, from: &InstalledRelease) -> Change {
        let (to, from_now) = (&self.standing.rendered, Some(&from.rendered));
        let (release, namespace) = (&from.release, &from.namespace);
        Change::between(Operation::Rollback, release, namespace, to, from_now)
    }
}

impl Plan {
    /// Plans the restore of a backup, after a rollback to the revision with the chart that made it, unless that chart runs.
    ///
    /// # Errors
    /// When no restore is documented for the release, or there is no backup of its brokers.
    pub fn restore(
        standing: &InstalledRelease,
        earlier: Option<&Earlier>,
        facts: &Facts,
        id: u64,
        means: Means,
    ) -> Result<Plan, RestoreError> {
        let making = Making::of(standing, earlier, id)?;
        let hop = hop(&making, facts, &means);
        let notes = means.unfinished.map(cut_off);
        let mut notes: Vec<_> = notes.into_iter().collect();
        notes.extend(making.restoring.notes.iter().cloned());
        notes.push(
            "The databases of Keycloak, Identity and Web Modeler are in no backup of Camunda's, and stay as they are.".to_owned(),
        );
        notes.extend(unseen(facts));
        Ok(Plan {
            release: standing.release.clone(),
            namespace: standing.namespace.clone(),
            from: standing.chart.version.clone(),
            to: making.target.chart.version.clone(),
            means,
            notes,
            hops: vec![hop],
        })
    }

    /// The backup that it restores, where it does.
    pub fn restores(&self) -> Option<u64> {
        self.hops.iter().find_map(|hop| hop.restores)
    }
}

fn hop(making: &Making<'_>, facts: &Facts, means: &Means) -> Hop {
    let mut facts = facts.clone();
    let mut steps = vec![ready::as_it_stands(making.standing, &mut facts, means)];
    steps.extend(snapshots::look(making));
    let stopped = steps.len() + 1;
    steps.push(stop::everything(making));
    if let Some(earlier) = making.earlier {
        go_back(making, earlier, &facts, &mut steps);
    }
    steps.extend(snapshots::steps(making));
    steps.push(aside::brokers(making, &facts));
    steps.extend(brokers::steps(making));
    steps.extend(start(making));
    let runs = steps.len();
    steps.push(aside::left(making));
    for (number, step) in (1..).zip(&mut steps) {
        step.number = number;
    }
    let line = |standing: &InstalledRelease| {
        let line = standing.chart.line;
        line.map_or_else(String::new, |line| line.application.clone())
    };
    Hop {
        from: making.standing.chart.version.clone(),
        to: making.target.chart.version.clone(),
        application: [line(making.standing), line(making.target)],
        downtime: Some([stopped, runs]),
        starting: duration::starting(&making.change),
        restores: Some(making.id),
        given: serde_json::Map::new(),
        know: Vec::new(),
        lacks: None,
        back: way_back(making, stopped),
        steps,
    }
}

/// Brings the chart of the backup back, without data, and has it make its index templates.
fn go_back(making: &Making<'_>, earlier: &Earlier, facts: &Facts, steps: &mut Vec<Step>) {
    steps.extend(snapshots::emptied(making));
    steps.push(aside::before(making, facts));
    steps.push(goback::step(making, earlier, facts, steps));
    steps.push(Step {
        title: "Wait until everything is ready, and has made its index templates".to_owned(),
        ..wait::ready(&making.change)
    });
    steps.push(stop::again(making));
}

/// Starts everything, and looks whether it runs.
fn start(making: &Making<'_>) -> [Step; 2] {
    let start = Step::new(
        Moment::With,
        "Start everything again",
        [back::start_again(making.target)],
    );
    let start = start.because(vec![
        "Helm applies the revision that is deployed, as it is recorded, and so all that was stopped or changed above."
            .to_owned(),
    ]);
    let mut ready = wait::ready(&making.change);
    ready.commands.push(Command::Ask(
        "Look into Operate: its process instances are those of the backup.".to_owned(),
    ));
    [start, ready]
}

/// As long as nothing was deleted, Helm starts all again.
fn way_back(making: &Making<'_>, stopped: usize) -> Vec<Fix> {
    let intro = format!(
        "Before step {} this leads back, and starts what was stopped:",
        stopped + 1
    );
    let commands: [Command; 1] = [back::start_again(making.standing)];
    let after = "From there on only a backup leads on: this one, or another with its own number.";
    vec![Fix::new(intro, commands), Fix::say(after)]
}
