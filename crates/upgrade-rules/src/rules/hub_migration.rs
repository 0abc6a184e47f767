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
    camunda::{Application, image_name},
    change::{Change, Facts, ObjectChange, Operation, Side},
    finding::{Action, Command, Finding, Fix, Flag, Kubectl, Moment, Objects, RuleId, guide},
    kubernetes::{Kind, Object, workload::is_stopped},
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

/// The name of Hub's image.
const HUB: &str = "hub";

/// The value that says how far the migration is.
const PHASE: &str = "camundaHub.upgrade.phase";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
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

fn is_hub(workload: &Object) -> bool {
    workload
        .image()
        .is_some_and(|image| image_name(image) == HUB)
}

/// Both would work on the database.
fn too_early(change: &Change, modeler: &ObjectChange, hub: &ObjectChange) -> Finding {
    let wanted = change.values.text(PHASE).filter(|phase| phase == "quiesce");
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
                [Flag::set(change.values.key_in_file(PHASE), "quiesce")],
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
        let words = [
            "wait",
            "--for=delete",
            "pod",
            "-l",
            &selector,
            "--timeout=5m",
        ];
        commands.push(Kubectl::new(namespace, words).into());
    }
    let dump = "Back up the database of Web Modeler, and see that the dump can be restored.";
    vec![
        Fix::new(
            "Stop Web Modeler; it is down until the upgrade is through:",
            commands,
        )
        .at(Moment::Stop),
        Fix::new("Back its database up:", [Command::Ask(dump.to_owned())]).at(Moment::Stop),
    ]
}

/// The labels of a workload's pods, as kubectl takes them.
fn selector(workload: &Object) -> Option<String> {
    let labels = workload.at("/spec/selector/matchLabels")?.as_object()?;
    let labels: Option<Vec<_>> = labels
        .iter()
        .map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    Some(labels?.join(",")).filter(|it| !it.is_empty())
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
