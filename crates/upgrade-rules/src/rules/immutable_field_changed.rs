//! `immutable-field-changed`: the API server would refuse an object after others were applied.
//!
//! A Deployment's selector, a StatefulSet's selector, claim templates, service and pod policy, and a Job's
//! template can't change. Helm finds out half-way: it patches what it may, leaves the release `failed`, and the
//! cluster runs two versions. Charts 8.0.13, 8.3.1 and 10.0.0 change such fields, and so do 13's migration Jobs at
//! every patch; those are switched off once they are Complete, since a new one would run again.
//!
//! Documented: "v8.3.1" and "v8.0.13"; Identity's Deployment in 10.0.0 and the Jobs of 13 are in no guide.

mod fields;
mod templates;

use std::slice;

pub(super) use self::fields::parse_quantity;
use self::fields::{IMMUTABLE, changed_fields};
use super::{Judge, Rule, at, heard::Heard, wanted};

use crate::{
    camunda::{Application, Component, Line},
    change::{Change, ChartVersion, Facts, ObjectChange, Side, after, after_spec},
    finding::{Action, Finding, Fix, Guide, Objects, Reference, RuleId, guide},
    fixes::{conversion, migrations},
    knowledge::migration::{self, State},
    kubernetes::{Kind, Object, ObjectRef},
    matching,
    volume_move::{self, Typed, keep_claims},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ImmutableFieldChanged,
    summary: "a field changes that Kubernetes does not let change",
    guide: guide::V8_3_1,
    release: &[Action::Deny],
    object: at(&[Action::Deny], &[&matching::WORKLOADS]),
    page: include_str!("../../../../docs/rules/immutable-field-changed.md"),
    needs: &[wanted::replaced_claims],
    judge: Judge::Beside {
        others: &[
            RuleId::ElasticsearchClaimLabels,
            RuleId::DataMigrationOnInstall,
        ],
        judge,
    },
};

/// The field of a StatefulSet from which its claims are made.
const TEMPLATES: &str = "volumeClaimTemplates";

/// An object that would change in such fields.
struct Changed<'a> {
    object: &'a ObjectRef,
    fields: Vec<&'static str>,
    live: &'a Object,
    /// The object after the change, limited to these fields.
    after: Object,
    /// The migration of 13 that it runs, if any.
    migration: Option<Application>,
}

impl Changed<'_> {
    fn in_templates(&self) -> bool {
        self.fields.contains(&TEMPLATES)
    }

    /// Whether its pods can keep running while it is recreated: the selector still finds them.
    fn leaves_pods(&self) -> bool {
        self.object.kind == Kind::StatefulSet && self.fields == [TEMPLATES]
    }
}

/// Omits objects that other findings cover: those delete the object in their own steps, or say why it must stay.
fn judge(change: &Change, facts: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    let mut changed: Vec<_> = change
        .objects
        .iter()
        .filter(|object| !heard.covers(object))
        .filter_map(|object| {
            let (fields, live) = changed(change, facts, object)?;
            Some(Changed {
                object: &object.object,
                fields,
                live,
                after: after_spec(object, change.gate, live, &IMMUTABLE)?,
                migration: migration::of(object, Side::Planned),
            })
        })
        .collect();
    changed.sort_by_key(|changed| (rank(changed.object), changed.object.name.clone()));
    finding(change, facts, &changed).into_iter().collect()
}

/// The fields of an object that would change and can't, and the live object.
pub(super) fn changed<'a>(
    change: &Change,
    facts: &'a Facts,
    object: &ObjectChange,
) -> Option<(Vec<&'static str>, &'a Object)> {
    if object.recreated {
        return None;
    }
    let live = facts.get(&object.object)?;
    let after = match object.object.kind {
        Kind::Job => after(object, change.gate, Some(live))?,
        _ => after_spec(object, change.gate, live, &IMMUTABLE)?,
    };
    let running = object.running.as_deref();
    let fields = changed_fields(object.object.kind, live, &after, running);
    (!fields.is_empty()).then_some((fields, live))
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
    let first = match changed.iter().all(is_kept) {
        true => "",
        false => " Delete them first; claims stay.",
    };
    let mut why = vec![format!(
        "Half of the upgrade would be applied before the API server refuses these.{first}"
    )];
    for changed in changed {
        why.push(format!(
            "  {}: {}",
            changed.object,
            changed.fields.join(", ")
        ));
        if changed.in_templates() {
            let lines = templates::differences(changed.live, &changed.after);
            why.extend(lines.into_iter().map(|line| format!("    {line}")));
        }
    }
    if changed.iter().any(Changed::in_templates) {
        why.push(
            "Claims that exist keep what they have; templates count for claims that are made from then on."
                .to_owned(),
        );
    }
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title,
        objects: changed
            .iter()
            .map(|changed| changed.object.clone())
            .collect(),
        why,
        fixes: fixes(change, facts, changed),
        guide: section(change),
    })
}

/// The newest section that tells of such a change; those of later charts and of overrides are in none.
fn section(change: &Change) -> Reference {
    let line = |chart: &Option<ChartVersion>| chart.as_ref()?.line;
    let lines = match (line(&change.from), line(&change.to)) {
        (Some(from), Some(to)) => Line::all().get(from.position()..=to.position()),
        // An object on its own tells only the chart that it is of.
        (None, Some(to)) => Some(slice::from_ref(to)),
        (_, None) => None,
    };
    let fixed = lines
        .unwrap_or_default()
        .iter()
        .flat_map(|line| &line.fixed);
    let entered = fixed.filter(|fixed| change.from.is_none() || change.enters(&fixed.since));
    let told = entered.filter_map(|fixed| fixed.guide.as_ref()).next_back();
    match told {
        Some(told) => Reference::Section(Guide::new(&told.section, &told.address, "")),
        None => Reference::Nowhere("Camunda's guides do not tell of this field"),
    }
}

fn fixes(change: &Change, facts: &Facts, changed: &[Changed<'_>]) -> Vec<Fix> {
    let (kept, changed): (Vec<_>, Vec<_>) = changed
        .iter()
        .partition(|changed| stays_with_its_values(change, facts, changed.object));
    let mut fixes = match kept.is_empty() {
        true => Vec::new(),
        false => conversion::fixes(change, facts),
    };
    let (migrations, changed): (Vec<_>, Vec<_>) =
        changed.into_iter().partition(|changed| is_kept(changed));
    fixes.extend(once_complete(change, &migrations));
    let (left_running, changed): (Vec<_>, Vec<_>) = changed
        .into_iter()
        .partition(|changed| changed.leaves_pods());
    for Changed {
        object,
        live,
        after,
        ..
    } in &left_running
    {
        fixes.extend(templates::grow(facts, &object.namespace, live, after));
    }
    fixes.extend(delete(facts, &changed));
    fixes.extend(make_anew(facts, &left_running));
    fixes
}

/// Returns the step that deletes StatefulSets without their pods; the recreated StatefulSets adopt the pods.
fn make_anew(facts: &Facts, changed: &[&Changed<'_>]) -> Option<Fix> {
    let mut commands = Vec::new();
    for Changed { object, live, .. } in changed {
        let steps = volume_move::make_anew(facts, &object.namespace, live);
        commands.extend(volume_move::commands(
            &steps,
            &object.namespace,
            Typed::ByHand,
        ));
    }
    let intro = "Delete what can't change, and leave its pods at work until the upgrade takes them up again:";
    (!commands.is_empty()).then(|| Fix::new(intro, commands))
}

/// Whether an object changes only because the user's values are under old keys; then it need not be deleted.
fn stays_with_its_values(change: &Change, facts: &Facts, object: &ObjectRef) -> bool {
    let set = change.find(object);
    set.is_some_and(|set| set.component == Component::Zeebe)
        && conversion::sets(change, facts, "orchestration.pvc")
}

fn delete(facts: &Facts, changed: &[&Changed<'_>]) -> Option<Fix> {
    let mut commands = Vec::new();
    for Changed { object, live, .. } in changed {
        match object.kind {
            Kind::StatefulSet => {
                commands.extend(keep_claims(facts, &object.namespace, &object.name));
            }
            Kind::Job if migration::state(live) == State::Unfinished => {
                commands.push(migration::wait(object));
            }
            _ => {}
        }
    }
    for kind in [Kind::Deployment, Kind::StatefulSet, Kind::Job] {
        let of_kind = || {
            changed
                .iter()
                .filter(move |changed| changed.object.kind == kind)
        };
        if let Some(first) = of_kind().next() {
            let names = of_kind().map(|changed| changed.object.name.as_str());
            let objects = Objects::new(kind, &first.object.namespace, names);
            commands.push(objects.delete().into());
        }
    }
    let jobs = changed
        .iter()
        .all(|changed| changed.object.kind == Kind::Job);
    let intro = match jobs {
        true => "A Job is made anew once the old one is gone:",
        false => {
            "Delete what can't change; claims stay, and there is downtime until the upgrade is through:"
        }
    };
    (!commands.is_empty()).then(|| Fix::new(intro, commands))
}

/// A migration that runs is not to be cut off, and one that is Complete not to be repeated.
fn is_kept(changed: &Changed<'_>) -> bool {
    changed.migration.is_some() && migration::state(changed.live) != State::Failed
}

fn once_complete(change: &Change, migrations: &[&Changed<'_>]) -> Vec<Fix> {
    let unfinished: Vec<_> = migrations
        .iter()
        .filter(|changed| migration::state(changed.live) == State::Unfinished)
        .map(|changed| migration::wait(changed.object))
        .collect();
    let kinds: Vec<_> = migrations
        .iter()
        .filter_map(|changed| changed.migration)
        .collect();
    let mut fixes = Vec::new();
    if !unfinished.is_empty() {
        fixes.push(Fix::new(
            "Wait until the migration is complete:",
            unfinished,
        ));
    }
    if !kinds.is_empty() {
        fixes.push(migrations::switch_off(change, &kinds));
    }
    fixes
}
