//! Automates the upgrade guides' manual work on Elasticsearch's claims and volumes, one step at a time.
//!
//! Elastic's chart of up to 8.2 had claims `elasticsearch-master-elasticsearch-master-N`, Bitnami's of 8.3 and later has
//! `data-RELEASE-elasticsearch-master-N`. [`over`] hands the volumes of the former over to the latter, [`undo`] takes
//! them back as long as nothing has written to them, [`relabel`] does the steps of 8.0.13.
//!
//! A plan is made from the state of the cluster and holds only the [steps](crate::volume_move) that are still to be done: after
//! an interruption, plan again and go on. The code that runs a plan must read the cluster again after each step.

mod error;
pub mod over;
pub mod plan;
pub mod relabel;
pub mod scene;
pub mod undo;

pub use self::{
    error::{Blocked, ChoiceError, Obstacle},
    plan::Plan,
    scene::Scene,
};
use crate::{camunda::name, kubernetes::Mounts};

#[cfg(test)]
mod tests;

/// The claim template of Bitnami's chart.
const TEMPLATE: &str = "data";

/// The StatefulSet of Bitnami's Elasticsearch in a release, as its chart names it.
pub fn successor(release: &str) -> String {
    name::elasticsearch(release, "master", None, None)
}

/// A claim of a StatefulSet of Bitnami's Elasticsearch.
pub fn new_claim(statefulset: &str, ordinal: u64) -> String {
    bitnamis(statefulset).claim(TEMPLATE, ordinal)
}

/// The ordinal of a claim that such a StatefulSet mounts.
fn new_ordinal(statefulset: &str, claim: &str) -> Option<u64> {
    Some(bitnamis(statefulset).parse(claim)?.1)
}

fn bitnamis(statefulset: &str) -> Mounts {
    Mounts {
        statefulset: statefulset.to_owned(),
        templates: vec![TEMPLATE.to_owned()],
        replicas: 0,
    }
}
