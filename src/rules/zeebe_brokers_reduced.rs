//! `zeebe-brokers-reduced`: brokers that hold partitions would be taken away.
//!
//! Chart 13 reads `orchestration.clusterSize` where 12 read `zeebe.clusterSize`, and drops the old key in silence
//! unless `zeebe.enabled: true` stands beside it; 14 drops it always. The upgrade succeeds, the StatefulSet goes from
//! five brokers to the default of three, and the partitions of the other two have lost their replicas.
//!
//! Since chart 13; any line when the number is lowered by hand. Beyond the guides.

use super::{Rule, cures::flag};

use crate::{
    camunda::{Component, Line, broker_count},
    change::{Change, Gate, ObjectChange, after_spec},
    claims::{self, Mounts, replicas},
    facts::Facts,
    finding::{Action, Command, Finding, Fix},
    object::{Kind, Object},
    shell,
};

pub(super) const RULE: Rule = Rule {
    id: "zeebe-brokers-reduced",
    summary: "Zeebe would run with fewer brokers than hold its data",
    page: include_str!("../../docs/rules/zeebe-brokers-reduced.md"),
    judge,
};

/// Put on the StatefulSet where brokers were taken out of the cluster through Zeebe first: how many are enough.
pub const ALLOW_BROKERS: &str = "camunda-upgrade-guard/allow-brokers";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda && set.component == Component::Zeebe)
        .filter_map(|set| reduced(change, facts, set))
        .collect()
}

fn reduced(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let live = facts.get(&set.object);
    let planned = match live {
        Some(live) => after_spec(set, change.gate, live, &["replicas"])?,
        None => Object::clone(set.planned.as_deref()?),
    };
    let planned = replicas(&planned);
    // Nothing runs: that is maintenance, and no broker decides without the others.
    if planned == 0 || allowed(live).is_some_and(|allowed| planned >= allowed) {
        return None;
    }
    let mounts = Mounts::of(live.or(set.planned.as_deref())?);
    let mut bound: Vec<_> = facts
        .claims(&set.object.namespace)
        .filter(|claim| claims::holds_data(claim))
        .filter_map(|claim| Some((mounts.parse(claim.name())?.1, claim.name())))
        .collect();
    bound.sort_unstable();
    let holding = bound.last()?.0 + 1;
    let before = match (live.map(replicas), set.running.as_deref()) {
        (Some(0), _) | (None, None) => holding,
        (Some(live), _) => live.min(holding),
        (None, Some(running)) => replicas(running).min(holding),
    };
    let lost: Vec<_> = bound
        .iter()
        .filter(|(ordinal, _)| (planned..before).contains(ordinal))
        .map(|(_, claim)| *claim)
        .collect();
    if lost.is_empty() {
        return None;
    }
    let name = &set.object.name;
    let mut why = vec![format!(
        "StatefulSet {name} would run {planned} of {before} brokers. The partitions on the others lose a replica each, or all of them:"
    )];
    why.extend(lost.iter().map(|claim| format!("  {claim}")));
    if change.gate == Gate::Release {
        why.extend(cause(change, set, planned));
    }
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("Zeebe would go from {before} brokers to {planned}"),
        objects: vec![set.object.clone()],
        why,
        fixes: fixes(change, set, live, before, planned),
        guide: "",
    })
}

/// Whether an update could take brokers away.
pub(super) fn concerns(old: &Object, new: &Object) -> bool {
    let (old, planned) = (replicas(old), replicas(new));
    Component::of(new, None) == Component::Zeebe && planned > 0 && (old == 0 || planned < old)
}

fn allowed(live: Option<&Object>) -> Option<u64> {
    live?.annotation(ALLOW_BROKERS)?.parse().ok()
}

/// The value that made it so, as far as the user's values tell.
fn cause(change: &Change, set: &ObjectChange, planned: u64) -> Option<String> {
    let line = change.target_line()?;
    let chart = &change.to.as_ref().or(change.from.as_ref())?.version;
    let key = broker_count(Some(line), set.charts.as_deref())?;
    let own = &line.brokers.count;
    let keys = || {
        let mut keys: Vec<_> = Line::all().iter().map(|line| &line.brokers.count).collect();
        keys.dedup();
        keys
    };
    if let Some(value) = change.values.text(own) {
        return (value == planned.to_string())
            .then(|| format!("Your values set {key} to {value}."));
    }
    let unread = |key: &&String| *key != own;
    if let Some((old, value)) = keys()
        .into_iter()
        .filter(unread)
        .find_map(|old| Some((old, change.values.text(old)?)))
    {
        return Some(format!(
            "Your values set {old} to {value}; chart {chart} does not read it, its key is {key}."
        ));
    }
    let running = change.running_values.as_ref()?;
    let (old, value) = keys()
        .into_iter()
        .find_map(|old| Some((old, running.text(old)?)))?;
    Some(format!(
        "The running release was given {old}={value}; the new values have no {key}, so the chart's default counts."
    ))
}

fn fixes(
    change: &Change,
    set: &ObjectChange,
    live: Option<&Object>,
    before: u64,
    planned: u64,
) -> Vec<Fix> {
    let mut fixes = Vec::new();
    if change.gate == Gate::Release {
        let line = change.target_line();
        let key = broker_count(line, set.charts.as_deref()).zip(line);
        fixes.extend(key.map(|(key, line)| {
            let flag = flag::set_as(change, &line.brokers.count, &key, &before.to_string());
            let intro = format!("Keep all {before} of them; add to your helm upgrade:");
            Fix::new(intro, vec![flag])
        }));
    }
    if live.is_some() {
        let annotation = format!("{ALLOW_BROKERS}={planned}");
        let words = [
            "annotate",
            "--overwrite",
            "statefulset",
            &set.object.name,
            &annotation,
        ];
        let command = shell::kubectl(&set.object.namespace, words);
        let intro = format!(
            "Only where Zeebe's own cluster API has moved all partitions to the first {planned} already, say so:"
        );
        fixes.push(Fix::instead(intro, vec![Command::Manual(command)]));
    }
    fixes
}
