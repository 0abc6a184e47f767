//! Backups: the databases, and the data of Zeebe and Elasticsearch.

use super::{Act, Part, Step, hop::HopInput};
use crate::{
    camunda::{Application, Component, image_name},
    change::{ObjectChange, Side},
    finding::{Command, Kubectl},
    fixes::dump,
    kubernetes::{Kind, Mounts},
};

/// The variable with the name of the repository that snapshots of Elasticsearch go to.
const REPOSITORY: &str = "SNAPSHOT_REPOSITORY";

const DATABASES: [Component; 3] = [
    Component::KeycloakPostgresql,
    Component::IdentityPostgresql,
    Component::WebModelerPostgresql,
];

/// Backups before a change of line: only they lead back.
pub(super) fn steps(making: &HopInput<'_>) -> Vec<Step> {
    if making.change().lines_crossed().is_none() {
        return Vec::new();
    }
    let mut steps = vec![data(making)];
    let dumps: Vec<_> = DATABASES
        .into_iter()
        .flat_map(|component| running(making, component))
        .map(|set| Act::Run(Command::Shell(dump(making, set))))
        .collect();
    if !dumps.is_empty() {
        let title = "Back up the databases of Keycloak, Identity and Web Modeler that the chart brought along";
        steps.push(Step::new(Part::BackUp, title, dumps));
    }
    let outside: Vec<_> = outside(making).map(str::to_owned).collect();
    if !outside.is_empty() {
        let ask = format!(
            "Back up the database of {}, which is outside of the release.",
            outside.join(" and of ")
        );
        let title = "Back up the databases outside of the release";
        steps.push(Step::new(Part::BackUp, title, vec![Act::Ask(ask)]));
    }
    steps
}

fn running<'a>(
    making: &'a HopInput<'_>,
    component: Component,
) -> impl Iterator<Item = &'a ObjectChange> {
    making
        .change()
        .of_kind(Kind::StatefulSet)
        .filter(move |set| set.camunda && set.component == component && set.running.is_some())
}

fn dump(making: &HopInput<'_>, set: &ObjectChange) -> String {
    let name = &set.object.name;
    let file = format!("{name}-{}.sql", making.standing.chart.version);
    dump::to_file(&set.object.namespace, name, &file)
}

/// The applications whose databases the chart has not brought along.
fn outside<'a>(making: &'a HopInput<'_>) -> impl Iterator<Item = &'static str> + use<'a> {
    let runs = |application| {
        making
            .change()
            .application(application, Side::Running)
            .is_some()
    };
    let has = |component| running(making, component).next().is_some();
    let keycloak = has(Component::Keycloak) && !has(Component::KeycloakPostgresql);
    let modeler = runs(Application::WEB_MODELER) && !has(Component::WebModelerPostgresql);
    let all = [(keycloak, "Keycloak"), (modeler, "Web Modeler")];
    all.into_iter().filter(|(is, _)| *is).map(|(_, name)| name)
}

/// Zeebe's and Elasticsearch's data make sense only together.
fn data(making: &HopInput<'_>) -> Step {
    let ask = "Back up Zeebe and the indices of Operate, Tasklist and Optimize together, by Camunda's guide for backups.";
    let elasticsearch = running(making, Component::Elasticsearch);
    let acts = elasticsearch.filter_map(|set| snapshot(making, set));
    let mut acts: Vec<_> = acts.collect();
    acts.insert(0, Act::Ask(ask.to_owned()));
    Step::new(Part::BackUp, "Back up Zeebe and Elasticsearch", acts)
}

fn snapshot(making: &HopInput<'_>, set: &ObjectChange) -> Option<Act> {
    let running = set.running.as_deref()?;
    let containers = running.array("/spec/template/spec/containers");
    let container = containers.iter().find(|container| {
        let image = container.get("image").and_then(serde_json::Value::as_str);
        image.is_some_and(|image| image_name(image) == "elasticsearch")
    })?;
    let pod = format!("{}-0", Mounts::of(running).statefulset);
    let words = ["exec", &pod, "-c", container.get("name")?.as_str()?, "--"];
    let exec = Kubectl::new(&set.object.namespace, words);
    let name = format!("camunda-{}", making.standing.chart.version);
    let command = format!(
        "{exec} curl -sf -X PUT \"http://localhost:9200/_snapshot/${REPOSITORY}/{name}?wait_for_completion=true\""
    );
    Some(Act::With {
        variable: REPOSITORY,
        command: Command::Shell(command),
        otherwise: format!(
            "{REPOSITORY} is not set to the name of a repository that Elasticsearch has for snapshots: see that a snapshot is in your backup."
        ),
    })
}
