//! `component-disappears`: a workload that runs would be deleted although nobody switched it off.
//!
//! 13 has everything but the Orchestration Cluster and Connectors switched off: upgraded with the values of 12, it
//! deletes Identity, Keycloak and Optimize, and exits with 0. On any line the same comes of an upgrade without the values of
//! before. What an application of the new line takes over counts as there: Operate, Tasklist and the Zeebe Gateway in 13, Console
//! and Web Modeler in 15's Hub. A StatefulSet with data in its claims is `claims-orphaned`'s.
//!
//! Any line. Documented: "8.8 architecture changes".

mod part;

use self::part::Part;
use super::{Judge, Rule};
use crate::{
    camunda::Component,
    change::{Change, Facts, ObjectChange, Operation, Side},
    finding::{Action, Finding, Fix, Moment, RuleId, guide},
    fixes::{conversion, flag, keep_running::keep_running},
    kubernetes::{Kind, Mounts, replicas},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ComponentDisappears,
    summary: "an application would be deleted that nobody switched off",
    guide: guide::ARCHITECTURE,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/component-disappears.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

/// A part of Camunda that goes.
struct Gone<'a> {
    part: Part,
    workload: &'a ObjectChange,
    /// The values that would keep it; none where no value does.
    keys: Vec<String>,
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    // A rollback brings back what its revision had, and whoever takes the whole chart out of an umbrella means it.
    if change.operation != Operation::Upgrade || change.to.is_none() {
        return Vec::new();
    }
    let mut gone: Vec<Gone<'_>> = Vec::new();
    for workload in &change.objects {
        let Some(found) = goes(change, facts, workload) else {
            continue;
        };
        if gone.iter().all(|other| other.part != found.part) {
            gone.push(found);
        }
    }
    gone.sort_by_key(|gone| gone.part.order());
    if gone.is_empty() {
        return Vec::new();
    }
    let chart = change.to.as_ref().map_or("", |to| to.version.as_str());
    let mut why = vec![match gone.iter().any(|gone| gone.keys.is_empty()) {
        true => format!("They run now. Chart {chart} renders none of them, so Helm deletes them:"),
        false => format!(
            "They run now. Chart {chart} renders them only if these values are true, so Helm deletes them:"
        ),
    }];
    why.extend(gone.iter().map(|gone| {
        let keys: Vec<_> = gone
            .keys
            .iter()
            .map(|key| change.values.key_in_file(key))
            .collect();
        let by = match keys.as_slice() {
            [] => String::new(),
            keys => format!(": {}", keys.join(" and ")),
        };
        format!("  {} ({}){by}", gone.part.name(), gone.workload.object)
    }));
    let names: Vec<_> = gone.iter().map(|gone| gone.part.name()).collect();
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("{} would be deleted", names.join(", ")),
        objects: gone
            .iter()
            .map(|gone| gone.workload.object.clone())
            .collect(),
        why,
        fixes: fixes(change, facts, &gone),
        guide: RULE.guide,
    }]
}

fn goes<'a>(change: &Change, facts: &Facts, workload: &'a ObjectChange) -> Option<Gone<'a>> {
    let part = Part::of(workload, Side::Running)?;
    let running = workload.running.as_deref()?;
    let stopped = replicas(running) == 0;
    if !workload.removed() || stopped || facts.keeps(&workload.object) {
        return None;
    }
    let successor = part.successor(change)?;
    let is_there = change
        .objects
        .iter()
        .filter_map(|other| Part::of(other, Side::Planned))
        .any(|other| other == successor || other == part);
    if is_there
        || part.is_switched_off(change)
        || part.is_replaced(change, &workload.object.name)
        || holds_data(facts, workload)
    {
        return None;
    }
    Some(Gone {
        part,
        workload,
        keys: part.keys(change),
    })
}

fn holds_data(facts: &Facts, workload: &ObjectChange) -> bool {
    workload.object.kind == Kind::StatefulSet
        && workload.running.as_deref().is_some_and(|running| {
            let mounts = Mounts::of(running);
            let mut claims = mounts.holding(facts, &workload.object.namespace);
            claims.next().is_some()
        })
}

fn fixes(change: &Change, facts: &Facts, gone: &[Gone<'_>]) -> Vec<Fix> {
    let mut fixes = Vec::new();
    for gone in gone.iter().filter(|gone| gone.keys.is_empty()) {
        fixes.extend(keep_running(change, facts, with_database(change, gone)));
    }
    if gone.iter().all(|gone| gone.keys.is_empty()) {
        return fixes;
    }
    let mut keys: Vec<_> = gone.iter().flat_map(|gone| &gone.keys).collect();
    keys.sort_unstable();
    keys.dedup();
    let converted = conversion::setting(change, facts, keys.iter().map(|key| key.as_str()));
    if converted.is_empty() {
        let is_on = |key: &&&String| change.values.flag(key) == Some(true);
        let off: Vec<_> = keys.iter().filter(|key| !is_on(key)).collect();
        fixes.push(match off.is_empty() {
            true => Fix::say(
                "Your values switch them on already, and the chart renders none of them all the same. Look at what helm template prints.",
            ),
            false => {
                let flags = off.into_iter().map(|key| flag::set(change, key, "true"));
                Fix::new("Keep them; add to your helm upgrade:", flags)
            }
        });
    }
    fixes.extend(converted);
    let go = "Let one of them go: set its own value to false.";
    fixes.push(Fix::say(go).at(Moment::OnPurpose));
    fixes
}

/// Keycloak is of one chart with its database, and they are kept together.
fn with_database<'a>(change: &'a Change, gone: &Gone<'a>) -> &'a ObjectChange {
    let database = change.of_kind(Kind::StatefulSet).find(|set| {
        gone.part == Part::Component(Component::Keycloak)
            && set.component == Component::KeycloakPostgresql
            && set.camunda
            && set.removed()
            && set.object.namespace == gone.workload.object.namespace
    });
    database.unwrap_or(gone.workload)
}
