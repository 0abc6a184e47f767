//! The migrations of 13, which run where the values switch them on.

use serde_json::json;

use super::{Between, workloads};
use crate::{
    camunda::{Application, WorkloadFact},
    change::{Rendered, RenderedObject},
    kubernetes::{Kind, Object, ObjectRef, json},
};

const MIGRATIONS: [Application; 3] = [
    Application::IMPORTER,
    Application::DATA_MIGRATION,
    Application::IDENTITY_MIGRATION,
];

/// The workloads of the migrations that the values switch on and that do not run yet.
pub(super) fn new(between: &Between<'_>, running: &Rendered) -> Vec<RenderedObject> {
    // ConfigMaps carry the same labels.
    let find = |application: Application, kinds: &[Kind]| {
        running.objects.iter().find(|object| {
            object.camunda
                && kinds.contains(&object.reference.kind)
                && Application::of(&object.object) == Some(application)
        })
    };
    let Some(brokers) = find(Application::ZEEBE, &[Kind::StatefulSet]) else {
        return Vec::new();
    };
    let runs = |application| find(application, &[Kind::Deployment, Kind::Job]).is_some();
    MIGRATIONS
        .into_iter()
        .filter(|application| !runs(*application) && between.runs(*application))
        .filter_map(|application| {
            let fact = between.to.workloads.iter();
            let mut fact = fact.filter(|fact| fact.application() == Some(application));
            workload(between, brokers, application, fact.next()?)
        })
        .collect()
}

/// Named after the brokers, with the label and the program that tell which one it is.
fn workload(
    between: &Between<'_>,
    brokers: &RenderedObject,
    application: Application,
    fact: &WorkloadFact,
) -> Option<RenderedObject> {
    let (program, component) = match application {
        Application::IMPORTER => ("startup.sh", "orchestration-importer"),
        Application::DATA_MIGRATION => ("data-migration", "orchestration-migration"),
        _ => ("identity-migration", "orchestration-migration"),
    };
    let kind = Kind::from_name(&fact.kind)?;
    let end = workloads::fact(between.to, brokers)?.name.as_str();
    let name = format!("{}{}", brokers.reference.name, fact.name.strip_prefix(end)?);
    let mut labels = brokers.object.at("/metadata/labels")?.clone();
    json::set(&mut labels, ["app.kubernetes.io/component"], component);
    let object = json!({
        "apiVersion": format!("{}/{}", kind.group(), kind.version()),
        "kind": kind.name(),
        "metadata": {"name": name, "labels": labels},
        "spec": {"template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "migration", "image": fact.image, "command": [program]}]},
        }},
    });
    let mut workload = brokers.clone();
    workload.reference = ObjectRef::new(kind, &brokers.reference.namespace, &name);
    workload.component = crate::camunda::Component::Other;
    workload.object = Object(object).into();
    Some(workload)
}
