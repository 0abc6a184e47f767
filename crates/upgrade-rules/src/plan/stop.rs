//! Volumes that are handed over to the claims of another StatefulSet.

use super::{Step, hop::HopInput};
use crate::{
    finding::Moment,
    fixes::move_volumes,
    rules::orphaned,
    volume_move::{Typed, commands},
};

/// Stops Elasticsearch and points its volumes at the claims that the new chart makes.
pub(super) fn hand_over(making: &HopInput<'_>) -> Option<Step> {
    let found = orphaned(making.change(), making.prepared);
    let found = found.iter().find(|found| !found.orphans.is_empty())?;
    let namespace = &found.new.object.namespace;
    let old = found.old.as_deref();
    let steps = move_volumes::steps(making.prepared, namespace, old, &found.orphans);
    let commands = commands(&steps, namespace, Typed::ByHand);
    let mut why = vec![format!(
        "{} mounts other claims than those with the data:",
        found.new.object
    )];
    why.extend(move_volumes::describe(&found.orphans));
    why.push(format!(
        "camunda-upgrade-guard rebind {} -n {namespace} does the same and looks at each step; this here needs no guard.",
        making.standing.release
    ));
    let title = "Stop Elasticsearch and hand its volumes over";
    let step = Step::new(Moment::Stop, title, commands);
    Some(step.because(why))
}
