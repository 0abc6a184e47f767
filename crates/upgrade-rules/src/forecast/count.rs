//! The number of pods that a StatefulSet will have.

use super::Between;
use crate::{
    camunda::{Component, Line, WorkloadFact, broker_count, node_count},
    change::RenderedObject,
    kubernetes::replicas,
};

/// Returns the planned number of pods, if a change is known.
pub(super) fn count(
    between: &Between<'_>,
    object: &RenderedObject,
    before: Option<&WorkloadFact>,
    after: &WorkloadFact,
) -> Option<u64> {
    let default = after.replicas?;
    let charts = object.charts.as_deref();
    let role = object.object.label("app.kubernetes.io/component");
    let role = role.unwrap_or("master");
    let key = |line: &'static Line| {
        let key = match object.component {
            Component::Zeebe => broker_count(Some(line), charts),
            Component::Elasticsearch => node_count(role, Some(line), charts),
            _ => None,
        }?;
        Some(between.values.own_key(&key).to_owned())
    };
    let key_after = key(between.to)?;
    if let Some(count) = between.values.text(&key_after) {
        return count.parse().ok();
    }
    // The default is that of the nodes that are master and data in one.
    if object.component == Component::Elasticsearch && role != "master" {
        return None;
    }
    // What the values do not name any more is the default, and so is what was it before.
    let was_default = before.and_then(|before| before.replicas) == Some(replicas(&object.object));
    let is_forgotten = key(between.from) != Some(key_after);
    (was_default || is_forgotten).then_some(default)
}
