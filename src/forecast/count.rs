//! How many pods a StatefulSet is to have.

use super::Between;
use crate::{
    camunda::{Component, Line, WorkloadFact},
    change::RenderedObject,
    claims::replicas,
};

/// How many pods there are to be, where that is known to change.
pub(super) fn count(
    between: &Between<'_>,
    object: &RenderedObject,
    before: Option<&WorkloadFact>,
    after: &WorkloadFact,
) -> Option<u64> {
    let default = after.replicas?;
    let key = |line: &Line| match object.component {
        Component::Zeebe => Some(line.brokers.count.clone()),
        Component::Elasticsearch if !is_elastics(line) => {
            Some("elasticsearch.master.replicaCount".to_owned())
        }
        Component::Elasticsearch => Some("elasticsearch.replicas".to_owned()),
        _ => None,
    };
    let key_after = key(between.to)?;
    if let Some(count) = between.values.text(&key_after) {
        return count.parse().ok();
    }
    // What the values do not name any more is the default, and so is what was it before.
    let was_default = before.and_then(|before| before.replicas) == Some(replicas(&object.object));
    let is_forgotten = key(between.from) != Some(key_after);
    (was_default || is_forgotten).then_some(default)
}

/// Up to 8.2 Elasticsearch is of elastic's chart.
fn is_elastics(line: &Line) -> bool {
    let facts = &line.workloads;
    let fact = facts
        .iter()
        .find(|fact| fact.component == Some(Component::Elasticsearch));
    fact.is_some_and(|fact| !fact.name.starts_with('-'))
}
