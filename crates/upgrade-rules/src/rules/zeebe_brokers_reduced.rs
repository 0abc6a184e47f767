//! `zeebe-brokers-reduced`: brokers that hold partitions would be taken away.
//!
//! Chart 13 reads `orchestration.clusterSize` where 12 read `zeebe.clusterSize`, and drops the old key in silence
//! unless `zeebe.enabled: true` stands beside it; 14 drops it always. The upgrade succeeds, the StatefulSet goes from
//! five brokers to the default of three, and the partitions of the other two have lost their replicas.
//!
//! Since chart 13; any line when the number is lowered by hand. Beyond the guides.

use super::{Judge, Rule, at};

use crate::{
    annotations::ALLOW_BROKERS,
    camunda::{Component, Line, broker_count},
    change::{Change, Facts, Gate, ObjectChange},
    finding::{Action, Finding, Fix, Objects, RuleId, guide},
    fixes::{count, give_up},
    knowledge::claims::{self, Reduced},
    kubernetes::{Kind, Object, replicas},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ZeebeBrokersReduced,
    summary: "Zeebe would run with fewer brokers than hold its data",
    guide: guide::CLUSTER_SCALING,
    release: &[Action::Deny],
    object: at(&[Action::Deny], &[&matching::WORKLOADS, &matching::SCALES]),
    page: include_str!("../../../../docs/rules/zeebe-brokers-reduced.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda && set.component == Component::Zeebe)
        .filter_map(|set| reduced(change, facts, set))
        .collect()
}

fn reduced(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let Reduced {
        before,
        planned,
        left,
        live,
    } = claims::reduced(change, facts, set, &[])?;
    if allowed(live).is_some_and(|allowed| planned >= allowed) {
        return None;
    }
    let name = &set.object.name;
    let mut why = vec![format!(
        "StatefulSet {name} would run {planned} of {before} brokers. The partitions on the others lose a replica each, or all of them:"
    )];
    why.extend(left.iter().map(|left| format!("  {}", left.object.name())));
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
        guide: RULE.guide,
    })
}

/// Whether an update may remove brokers.
pub(super) fn concerns(old: &Object, new: &Object) -> bool {
    let (old, planned) = (replicas(old), replicas(new));
    Component::of(new, None) == Component::Zeebe && planned > 0 && (old == 0 || planned < old)
}

fn allowed(live: Option<&Object>) -> Option<u64> {
    live?.annotation(ALLOW_BROKERS)?.parse().ok()
}

/// The value that made it so, as far as the user's values tell.
fn cause(change: &Change, set: &ObjectChange, planned: u64) -> Option<String> {
    let key = broker_count(change.target_line(), set.charts.as_deref())?;
    let all = Line::all().iter().map(|line| line.brokers.count.as_str());
    count::cause(change, &key, all, planned)
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
        fixes.extend(key.map(|(key, line)| count::keep(change, &line.brokers.count, &key, before)));
    }
    if let Some(live) = live {
        let set = Objects::new(Kind::StatefulSet, &set.object.namespace, [live.name()]);
        let command = set.annotate_over(&[(ALLOW_BROKERS, &planned.to_string())]);
        let intro = format!(
            "Only where Zeebe's own cluster API has moved all partitions to the first {planned} already, say so:"
        );
        // Pasted unread, it would give the partitions up.
        let commands = [give_up::commented(command)];
        fixes.push(Fix::on_purpose(intro, commands));
    }
    fixes
}
