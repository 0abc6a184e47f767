//! `immutable-field-changed`: the API server would refuse an object after others were applied.
//!
//! A Deployment's selector, a StatefulSet's selector, claim templates, service and pod policy, and a Job's
//! template can't change. Helm finds out half-way: it patches what it may, leaves the release `failed`, and the
//! cluster runs two versions. Charts 8.0.13, 8.3.1 and 10.0.0 change such fields, and so do 13's migration Jobs at
//! every patch.
//!
//! Documented: "v8.3.1" and "v8.0.13"; Identity's Deployment in 10.0.0 and the Jobs of 13 are in no guide.

mod fields;

pub(super) use self::fields::parse_quantity;
use self::fields::{IMMUTABLE, changed_fields};
use super::{
    Rule,
    cures::{conversion, keep_claims::keep_claims},
    elasticsearch_claim_labels,
};

use crate::{
    camunda::Component,
    change::{Change, ChartVersion, after, after_spec},
    facts::Facts,
    finding::{Action, Command, Finding, Fix},
    object::{Kind, Object, ObjectRef},
    shell,
};

pub(super) const RULE: Rule = Rule {
    id: "immutable-field-changed",
    summary: "a field changes that Kubernetes does not let change",
    page: include_str!("../../docs/rules/immutable-field-changed.md"),
    judge,
};

/// An object and its fields that would change.
type Changed<'a> = (&'a ObjectRef, Vec<&'static str>, &'a Object);

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let mut changed: Vec<Changed<'_>> = change
        .objects
        .iter()
        .filter(|object| !object.recreated)
        .filter(|object| !elasticsearch_claim_labels::judges(change, facts, object))
        .filter_map(|object| {
            let live = facts.get(&object.object)?;
            let after = match object.object.kind {
                Kind::Job => after(object, change.gate, Some(live))?,
                _ => after_spec(object, change.gate, live, &IMMUTABLE)?,
            };
            let running = object.running.as_deref();
            let fields = changed_fields(object.object.kind, live, &after, running);
            (!fields.is_empty()).then_some((&object.object, fields, live))
        })
        .collect();
    changed.sort_by_key(|(object, _, _)| (rank(object), object.name.clone()));
    finding(change, facts, &changed).into_iter().collect()
}

/// The order in which the guide deletes.
fn rank(object: &ObjectRef) -> usize {
    const ORDER: [&str; 4] = ["operate", "tasklist", "optimize", "zeebe-gateway"];
    let kind = match object.kind {
        Kind::Deployment => 0,
        Kind::StatefulSet => 100,
        _ => 200,
    };
    kind + ORDER
        .iter()
        .position(|name| object.name.ends_with(name))
        .unwrap_or(ORDER.len())
}

/// The one finding for all objects of a change.
fn finding(change: &Change, facts: &Facts, changed: &[Changed<'_>]) -> Option<Finding> {
    let title = match changed.len() {
        0 => return None,
        1 => "An object changes a field that Kubernetes does not let change".to_owned(),
        count => format!("{count} objects change fields that Kubernetes does not let change"),
    };
    let mut why =
        vec!["Half of the upgrade would be applied before the API server refuses these. Delete them first; claims stay.".to_owned()];
    why.extend(
        changed
            .iter()
            .map(|(object, fields, _)| format!("  {object}: {}", fields.join(", "))),
    );
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title,
        objects: changed
            .iter()
            .map(|(object, _, _)| (*object).clone())
            .collect(),
        why,
        fixes: fixes(change, facts, changed),
        guide: guide(change),
    })
}

/// The section that tells of such a change; those of later charts and of overrides are in none.
fn guide(change: &Change) -> &'static str {
    let line = |chart: &Option<ChartVersion>| {
        let line = chart.as_ref().and_then(|chart| chart.line);
        line.map_or("", |line| line.line.as_str())
    };
    match (line(&change.from), line(&change.to)) {
        ("8.0", "8.0" | "8.1" | "8.2") => "v8.0.13",
        ("8.1" | "8.2", "8.1" | "8.2") => "",
        ("8.0" | "8.1" | "8.2", _) | (_, "8.3") => "v8.3.1",
        _ => "",
    }
}

fn fixes(change: &Change, facts: &Facts, changed: &[Changed<'_>]) -> Vec<Fix> {
    let (kept, changed): (Vec<_>, Vec<_>) = changed
        .iter()
        .partition(|(object, ..)| stays_with_its_values(change, facts, object));
    let mut fixes = match kept.is_empty() {
        true => Vec::new(),
        false => conversion::fixes(change, facts),
    };
    if !changed.is_empty() {
        fixes.push(delete(facts, &changed));
    }
    fixes
}

/// Whether an object changes only because the user's values for it are under old keys: then it need not be deleted.
fn stays_with_its_values(change: &Change, facts: &Facts, object: &ObjectRef) -> bool {
    let set = change.find(object);
    set.is_some_and(|set| set.component == Component::Zeebe)
        && conversion::sets(change, facts, "orchestration.pvc")
}

fn delete(facts: &Facts, changed: &[&Changed<'_>]) -> Fix {
    let mut commands = Vec::new();
    for (object, _, live) in changed {
        match object.kind {
            Kind::StatefulSet => {
                commands.extend(keep_claims(facts, &object.namespace, &object.name));
            }
            Kind::Job if !is_finished(live) => commands.push(await_job(object)),
            _ => {}
        }
    }
    for kind in [Kind::Deployment, Kind::StatefulSet, Kind::Job] {
        let of_kind = || {
            changed
                .iter()
                .filter(move |(object, _, _)| object.kind == kind)
        };
        if let Some((first, _, _)) = of_kind().next() {
            let kubectl_kind = kind.kubectl();
            let words = ["delete", kubectl_kind.as_str()];
            let names = of_kind().map(|(object, _, _)| object.name.as_str());
            commands.push(Command::Shell(shell::kubectl(
                &first.namespace,
                words.into_iter().chain(names),
            )));
        }
    }
    Fix::new(
        "There is downtime from here until the upgrade is through:",
        commands,
    )
}

/// A migration that is cut off may not be repeatable.
fn await_job(object: &ObjectRef) -> Command {
    let job = format!("job/{}", object.name);
    Command::Shell(shell::kubectl(
        &object.namespace,
        ["wait", "--for=condition=Complete", &job, "--timeout=1h"],
    ))
}

fn is_finished(job: &Object) -> bool {
    job.array("/status/conditions").iter().any(|condition| {
        let text = |key: &str| condition.get(key).and_then(serde_json::Value::as_str);
        matches!(text("type"), Some("Complete" | "Failed")) && text("status") == Some("True")
    })
}
