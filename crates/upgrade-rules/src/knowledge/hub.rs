//! Camunda Hub, which takes the place of Web Modeler under its name and migrates its database.

use crate::{
    camunda::{Application, Feature, image_name},
    change::{Change, ObjectChange, Side},
    kubernetes::{Kind, Object, json, workload::is_stopped},
};

/// The name of Hub's image.
pub const IMAGE: &str = "hub";

/// The value that says how far the migration is.
pub const PHASE: &str = "camundaHub.upgrade.phase";

/// The phases of the migration, as [`PHASE`] has them; each is entered by an upgrade of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Neither Web Modeler nor Hub runs.
    Quiesce,
    /// One pod of Hub migrates the database.
    Migrate,
    /// Hub runs.
    Normal,
}

impl Phase {
    /// The phase as a value.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Quiesce => "quiesce",
            Phase::Migrate => "migrate",
            Phase::Normal => "normal",
        }
    }
}

/// A workload of Hub's or Web Modeler's in the phase in which neither runs.
pub fn quiesced(planned: &Object) -> Object {
    let mut stopped = planned.clone();
    json::set(&mut stopped.0, ["spec", "replicas"], 0);
    stopped
}

/// Whether a workload runs Hub.
pub fn is_hub(workload: &Object) -> bool {
    workload
        .image()
        .is_some_and(|image| image_name(image) == IMAGE)
}

/// Web Modeler's Deployments that run, its REST API first, where the change brings Hub.
pub fn modelers(change: &Change) -> Vec<&ObjectChange> {
    if !change.gets(Feature::CamundaHub) {
        return Vec::new();
    }
    let runs = |it: &&ObjectChange| {
        let running = it.running.as_deref();
        it.camunda && running.is_some_and(|it| !is_stopped(it) && !is_hub(it))
    };
    let deployments = || change.of_kind(Kind::Deployment).filter(runs);
    let main = |it: &&ObjectChange| it.application(Side::Running) == Some(Application::WEB_MODELER);
    let part = |it: &&ObjectChange| {
        let running = it.running.as_deref();
        running.and_then(Application::with_part) == Some(Application::WEB_MODELER)
    };
    let mut found: Vec<_> = deployments().filter(main).collect();
    if !found.is_empty() {
        found.extend(deployments().filter(|it| !main(it) && part(it)));
    }
    found
}
