//! Dumps of the databases, which Camunda's own backup leaves out.

use super::{HopInput, Step, running};
use crate::{
    camunda::{Application, Component},
    change::{ObjectChange, Side},
    finding::{Command, Moment},
    fixes::dump,
};

const DATABASES: [Component; 3] = [
    Component::KeycloakPostgresql,
    Component::IdentityPostgresql,
    Component::WebModelerPostgresql,
];

pub(super) fn steps(making: &HopInput<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let dumps: Vec<_> = DATABASES
        .into_iter()
        .flat_map(|component| running(making.change(), component))
        .map(|set| dump(making, set))
        .collect();
    if !dumps.is_empty() {
        let title = "Back up the databases of Keycloak, Identity and Web Modeler that the chart brought along";
        steps.push(Step::new(Moment::BackUp, title, dumps));
    }
    let outside: Vec<_> = outside(making).map(str::to_owned).collect();
    if !outside.is_empty() {
        let ask = format!(
            "Back up the database of {}, which is outside of the release.",
            outside.join(" and of ")
        );
        let title = "Back up the databases outside of the release";
        steps.push(Step::new(Moment::BackUp, title, [Command::Ask(ask)]));
    }
    steps
}

fn dump(making: &HopInput<'_>, set: &ObjectChange) -> Command {
    let name = &set.object.name;
    let file = format!("{name}-{}.sql", making.standing.chart.version);
    dump::once(&set.object.namespace, name, &file)
}

/// The applications whose databases the chart has not brought along.
fn outside<'a>(making: &'a HopInput<'_>) -> impl Iterator<Item = &'static str> + use<'a> {
    let runs = |application| {
        making
            .change()
            .application(application, Side::Running)
            .is_some()
    };
    let has = |component| running(making.change(), component).next().is_some();
    let keycloak = has(Component::Keycloak) && !has(Component::KeycloakPostgresql);
    let modeler = runs(Application::WEB_MODELER) && !has(Component::WebModelerPostgresql);
    let all = [(keycloak, "Keycloak"), (modeler, "Web Modeler")];
    all.into_iter().filter(|(is, _)| *is).map(|(_, name)| name)
}
