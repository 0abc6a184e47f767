//! Web Modeler's database is migrated by Camunda Hub in phases, each with an upgrade of its own.

use super::{Step, hop::HopInput, upgrade, wait};
use crate::{
    change::{Change, ObjectChange},
    finding::{Command, Flag, Kubectl, Moment, Upgrade},
    knowledge::hub::{PHASE, Phase, modelers, quiesced},
    kubernetes::workload::selector,
};

/// The phase that the upgrade itself enters, where there is something to migrate.
pub(super) fn first(making: &HopInput<'_>) -> Option<Flag> {
    let begins = !modelers(making.change()).is_empty();
    begins.then(|| flag(making, Phase::Quiesce))
}

/// Has the change be as in that phase: neither Web Modeler nor Hub runs.
pub(super) fn enter_first(change: &mut Change) {
    let names: Vec<_> = modelers(change)
        .iter()
        .map(|it| it.object.clone())
        .collect();
    let stopping = change
        .objects
        .iter_mut()
        .filter(|it| names.contains(&it.object));
    for planned in stopping.filter_map(|it| it.planned.as_mut()) {
        *planned = quiesced(planned).into();
    }
}

/// The phases after it, each with what has to be so before the next.
pub(super) fn others(making: &HopInput<'_>, made: &Upgrade) -> Vec<Step> {
    let modelers = modelers(making.change());
    let Some(api) = modelers.first() else {
        return Vec::new();
    };
    vec![
        Step::new(
            Moment::Verify,
            "See that Web Modeler and Camunda Hub are stopped",
            modelers.iter().filter_map(|it| stopped(it)),
        ),
        Step::new(
            Moment::Verify,
            "Back up the database of Web Modeler",
            [Command::Manual(
                "Dump the database that Web Modeler has used, and see that the dump can be restored: nothing else leads back."
                    .to_owned(),
            )],
        ),
        Step::new(
            Moment::Verify,
            "Have Camunda Hub migrate the database",
            enter(making, made, Phase::Migrate, api),
        )
        .because(vec![
            "One pod migrates, and nobody else works on the database. Probes that would end it are off until it is through."
                .to_owned(),
        ]),
        Step::new(
            Moment::Verify,
            "See that the database is migrated",
            [Command::Ask(format!(
                "Look into the log of {}: Flyway says how many migrations it has applied, or that the schema is up to date.",
                api.object
            ))],
        )
        .because(vec![
            format!("Where it failed: {PHASE}=quiesce again, restore the dump, and once more from there."),
        ]),
        Step::new(
            Moment::Verify,
            "Start Camunda Hub",
            enter(making, made, Phase::Normal, api),
        ),
    ]
}

fn flag(making: &HopInput<'_>, phase: Phase) -> Flag {
    let key = making.change().values.key_in_file(PHASE);
    Flag::set(key, phase.name())
}

/// Waits until no pod of a Deployment is left.
fn stopped(modeler: &ObjectChange) -> Option<Kubectl> {
    let selector = selector(modeler.running.as_deref()?)?;
    let namespace = &modeler.object.namespace;
    Some(Kubectl::await_none_labelled(namespace, &selector, "10m"))
}

/// The same upgrade in another phase, and what waits for it.
fn enter(making: &HopInput<'_>, made: &Upgrade, phase: Phase, api: &ObjectChange) -> Vec<Command> {
    let mut upgrade = made.clone();
    let before = flag(making, Phase::Quiesce);
    upgrade.flags.retain(|flag| *flag != before);
    upgrade.flags.push(flag(making, phase));
    vec![
        upgrade::gate(&upgrade),
        Command::Upgrade(upgrade),
        Kubectl::await_rollout(&api.object, wait::TIMEOUT).into(),
    ]
}
