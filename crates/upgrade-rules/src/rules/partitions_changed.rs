//! `partitions-changed`: the configured number of Zeebe's partitions would change.
//!
//! A cluster is started with so many partitions. "Partition count can only be increased and not decreased", and up to 8.7 not
//! even increased; from 8.8 on Zeebe's cluster API adds some. The chart writes any number into the brokers' configuration, and
//! Helm exits with 0.
//!
//! Any line. Documented: "Cluster scaling" in Camunda's documentation of Zeebe.

use super::{Judge, Rule, wanted};

use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts, ObjectChange, Operation, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    fixes::flag,
    knowledge::configuration::{Configuration, is_untouched},
    kubernetes::replicas,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::PartitionsChanged,
    summary: "the number of Zeebe's partitions would change",
    guide: guide::CLUSTER_SCALING,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/partitions-changed.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

/// The properties for the number of partitions, the newest name first.
const PARTITIONS: [&str; 2] = [
    "camunda.cluster.partition-count",
    "zeebe.broker.cluster.partitionsCount",
];

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    if change.operation != Operation::Upgrade {
        return None;
    }
    let running = change.application(Application::ZEEBE, Side::Running)?;
    let planned = change.application(Application::ZEEBE, Side::Planned)?;
    if is_untouched(change, running, planned) {
        return None;
    }
    let before = partitions(change, facts, running, Side::Running)?;
    let after = partitions(change, facts, planned, Side::Planned)?;
    if before == after {
        return None;
    }
    let mut why = match after < before {
        true => vec![
            "Zeebe can add partitions to a cluster but never take one away: what runs on the others has nowhere to go."
                .to_owned(),
        ],
        false => raised(change, running, planned),
    };
    let line = change.target_line()?;
    let key = line.brokers.partitions.as_deref()?;
    why.extend(cause(change, key, after));
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!("Zeebe's partitions would go from {before} to {after}"),
        objects: vec![planned.object.clone()],
        why,
        fixes: vec![Fix::new(
            format!("Keep to {before} in this upgrade; add to your helm upgrade:"),
            vec![flag::set(change, key, &before.to_string())],
        )],
        guide: RULE.guide,
    })
}

fn raised(change: &Change, running: &ObjectChange, planned: &ObjectChange) -> Vec<String> {
    let runs = change.lines_run().map(|(_, line)| line);
    let has = |feature| runs.is_some_and(|line| line.has(feature));
    let mut why = vec![match has(Feature::PartitionScaling) {
        true => "Helm adds no partition to a cluster that runs. Zeebe's cluster API does, once its brokers are up.",
        false => "The number of partitions is fixed when a cluster first starts: before Camunda 8.8 none can be added.",
    }
    .to_owned()];
    let count = |workload: &ObjectChange, side| workload.on(side).map(replicas);
    let brokers = count(running, Side::Running).zip(count(planned, Side::Planned));
    if let Some((before, after)) = brokers.filter(|(before, after)| before < after) {
        let api = match has(Feature::BrokerScaling) {
            true => {
                "Helm alone leaves the new ones without partitions; Zeebe's cluster API moves some to them."
            }
            false => "Before Camunda 8.4 no broker can be added to a cluster that runs.",
        };
        why.push(format!(
            "The brokers would go from {before} to {after}. {api}"
        ));
    }
    why
}

fn partitions(change: &Change, facts: &Facts, zeebe: &ObjectChange, side: Side) -> Option<u64> {
    let configuration = Configuration::of(change, facts, zeebe, side);
    let mut found = PARTITIONS.iter().filter_map(|name| configuration.get(name));
    found.next()?.trim().parse().ok()
}

/// The value that made it so, as far as the user's values tell.
fn cause(change: &Change, key: &str, after: u64) -> Option<String> {
    let shown = change.values.key_in_file(key);
    if change.values.text(key) == Some(after.to_string()) {
        return Some(format!("Your values set {shown} to {after}."));
    }
    let running = change.running_values.as_ref()?;
    let old = change.from.as_ref()?.line?;
    let old = old.brokers.partitions.as_deref()?;
    running.text(old)?;
    Some(format!(
        "The running release was given {}; the new values have no {shown}, so the chart's default counts.",
        change.values.key_in_file(old)
    ))
}
