//! `hub-migration`: Camunda Hub would migrate Web Modeler's database while Web Modeler still writes to it.
//!
//! In 15 Camunda Hub takes the place of Web Modeler and migrates its database on its first start. Pods of 8.9 can't work with
//! the migrated tables, and nothing but a dump leads back. The chart's `camundaHub.upgrade.phase` stops both (`quiesce`),
//! lets one pod migrate (`migrate`) and starts all (`normal`); chart versions that do not know it ignore it. So this judges
//! what the manifest and the cluster run, not the value.
//!
//! From 14 to 15. Documented: "Migrate Web Modeler and Console to Camunda Hub".

use serde_json::Value;

use super::{Judge, Rule};

use crate::{
    camunda::{Application, Feature, Line, image_name, image_version},
    change::{Change, Facts, ObjectChange, Operation, Side},
    finding::{Action, Command, Finding, Fix, Flag, Kubectl, Moment, Objects, RuleId, guide},
    knowledge::hub::{IMAGE, PHASE, Phase, is_hub},
    kubernetes::{
        Kind, Object,
        workload::{is_stopped, selector},
    },
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::HubMigration,
    summary: "Camunda Hub would migrate Web Modeler's database while Web Modeler writes to it",
    guide: guide::HUB,
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/hub-migration.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

/// The name of Web Modeler's image.
const MODELER: &str = "web-modeler-restapi";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let found = pinned(change).or_else(|| finding(change, facts));
    found.into_iter().collect()
}

/// An image of Web Modeler's, or a number of its, where the chart configures Hub.
fn pinned(change: &Change) -> Option<Finding> {
    let to = change.to.as_ref()?;
    let brings = Feature::CamundaHub.is_in(to.parsed.as_ref()?);
    let hub = change.application(Application::WEB_MODELER, Side::Planned)?;
    let image = hub.planned.as_deref()?.image()?;
    let before = hub.running.as_deref().and_then(Object::image);
    if !brings
        || change.operation != Operation::Upgrade
        || before == Some(image) && !change.gets(Feature::CamundaHub)
    {
        return None;
    }
    let of = image_version(image).and_then(|version| Line::of_application(&version));
    let older = to
        .line
        .filter(|line| of.is_some_and(|of| of.position() < line.position()));
    let why = match (image_name(image), older) {
        (MODELER, _) => format!(
            "Chart {} configures Camunda Hub, which this image is not.",
            to.version
        ),
        (IMAGE, Some(line)) => format!(
            "Camunda Hub begins with {}: there is no such image.",
            line.application
        ),
        _ => return None,
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("{image} would run in place of Camunda Hub"),
        objects: vec![hub.object.clone()],
        why: vec![why],
        fixes: vec![Fix::say(
            "Take what pins Web Modeler's image out of your values; camundaHub.image is that of Camunda Hub.",
        )],
        guide: RULE.guide,
    })
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    if change.operation != Operation::Upgrade {
        return None;
    }
    let hub = change.application(Application::WEB_MODELER, Side::Planned)?;
    let planned = hub.planned.as_deref().filter(|it| is_hub(it))?;
    let modeler = change.application(Application::WEB_MODELER, Side::Running)?;
    let running = modeler.running.as_deref()?;
    let live = facts.get(&modeler.object).unwrap_or(running);
    let wrote = is_hub(live) && is_hub(running);
    match (wrote, is_stopped(live), is_stopped(planned)) {
        (false, false, false) => Some(too_early(change, modeler, hub)),
        (false, _, true) => Some(next(
            hub,
            "Web Modeler would stop, and Camunda Hub waits for its database to be migrated",
            vec![format!(
                "Back the database up once both are stopped. Then give {PHASE}=migrate, and after that normal, each with an upgrade of its own."
            )],
        )),
        (_, true, false) => Some(migrates(hub, planned)),
        (true, ..) => None,
    }
}

/// Both would work on the database.
fn too_early(change: &Change, modeler: &ObjectChange, hub: &ObjectChange) -> Finding {
    let wanted = change
        .values
        .text(PHASE)
        .filter(|phase| phase == Phase::Quiesce.name());
    let mut why = vec![
        "Camunda Hub migrates the database of Web Modeler on its first start, while pods of Web Modeler still write to it. They can't work with the new tables, and only a dump leads back.".to_owned(),
    ];
    let chart = change.to.as_ref().map_or("", |to| to.version.as_str());
    if let Some(phase) = wanted {
        why.push(format!(
            "{PHASE} is {phase}, but chart {chart} starts Camunda Hub all the same."
        ));
    }
    Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Camunda Hub would migrate Web Modeler's database while Web Modeler writes to it"
            .to_owned(),
        objects: vec![hub.object.clone()],
        why,
        fixes: match change.defaults.knows(PHASE) {
            true => vec![Fix::new(
                "Stop Web Modeler with this upgrade; its database is backed up and migrated after it:",
                [Flag::set(
                    change.values.key_in_file(PHASE),
                    Phase::Quiesce.name(),
                )],
            )],
            false => by_hand(modeler),
        },
        guide: RULE.guide,
    }
}

/// Stops Web Modeler where the chart has no phases.
fn by_hand(modeler: &ObjectChange) -> Vec<Fix> {
    let (namespace, name) = (&modeler.object.namespace, modeler.object.name.as_str());
    let objects = Objects::new(Kind::Deployment, namespace, [name]);
    let mut commands = vec![Command::from(objects.scale(0))];
    if let Some(selector) = modeler.running.as_deref().and_then(selector) {
        commands.push(Kubectl::await_none_labelled(namespace, &selector, "5m").into());
    }
    let dump = "Back up the database of Web Modeler, and see that the dump can be restored.";
    vec![
        Fix::new(
            "Stop Web Modeler; it is down until the upgrade is through:",
            commands,
        )
        .at(Moment::Stop),
        Fix::new("Back its database up:", [Command::Manual(dump.to_owned())]).at(Moment::Stop),
    ]
}

/// Hub's pods start over a stopped Web Modeler.
fn migrates(hub: &ObjectChange, planned: &Object) -> Finding {
    let mut why = vec!["Nothing but a dump of the database leads back after it.".to_owned()];
    let container = planned.array("/spec/template/spec/containers").first();
    let has = |probe: &&&str| {
        container
            .and_then(|it| it.get(**probe))
            .is_some_and(|it| *it != Value::Null)
    };
    let probes: Vec<_> = ["livenessProbe", "startupProbe"]
        .iter()
        .filter(has)
        .copied()
        .collect();
    if !probes.is_empty() {
        why.push(format!(
            "A migration that takes longer than {} allows is killed. Switch it off until the migration is through.",
            probes.join(" or ")
        ));
    }
    next(
        hub,
        "Camunda Hub would migrate the database of Web Modeler",
        why,
    )
}

fn next(hub: &ObjectChange, title: &str, why: Vec<String>) -> Finding {
    Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: title.to_owned(),
        objects: vec![hub.object.clone()],
        why,
        fixes: Vec::new(),
        guide: RULE.guide,
    }
}
