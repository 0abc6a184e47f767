//! `elasticsearch-version`: Elasticsearch would refuse to start on its data.
//!
//! It never starts on data that a newer version has written, and it takes a new major only from the last minor of the
//! one before. Chart 8.2.0 brings 7.17.1 while 8.1.27 runs 7.17.18; a pinned image can do so anywhere.
//!
//! Any line. Documented: "v8.3.0", Elasticsearch's own upgrade guide.

use semver::Version;

use super::{Judge, Rule};
use crate::{
    camunda::{Component, program_version},
    change::{Change, Facts, ObjectChange, Operation},
    finding::{Action, Finding, Fix, Flag, RuleId, guide},
    knowledge::claims::{self},
    kubernetes::{
        Kind, Mounts, Object,
        workload::{became_ready, is_stopped},
    },
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ElasticsearchVersion,
    summary: "Elasticsearch would refuse to start on its data",
    guide: guide::ELASTICSEARCH,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/elasticsearch-version.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

/// A major of Elasticsearch, and the major and minor version that it is entered from.
const FROM: [(u64, (u64, u64)); 2] = [(8, (7, 17)), (9, (8, 18))];

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda && set.component == Component::Elasticsearch)
        .filter_map(|set| finding(change, facts, set))
        .collect()
}

fn finding(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let planned = version(set.planned.as_deref()?)?;
    let before = claims::predecessor(change, set)?;
    let running = before.running.as_deref()?;
    let live = facts.get(&before.object);
    let ready = live.filter(|live| became_ready(Kind::StatefulSet, live));
    let now = version(ready.unwrap_or(running))?;
    // A rollback of an upgrade whose pods never became ready finds the data as it was.
    let untouched = change.operation == Operation::Rollback
        && ready.is_none()
        && live.is_some_and(|live| !is_stopped(live));
    let problem = if planned < now {
        if untouched {
            return None;
        }
        format!("Elasticsearch {planned} does not start on data that {now} has written.")
    } else {
        let (_, (major, minor)) = FROM.iter().find(|(entered, lowest)| {
            planned.major >= *entered && (now.major, now.minor) < *lowest
        })?;
        format!(
            "Elasticsearch {planned} does not start on data of {now}: it is entered from {major}.{minor}.0 or later."
        )
    };
    let claim = data(facts, &before.object.namespace, &Mounts::of(running))?;
    let fix = match planned < now {
        true => stay(change, set.planned.as_deref()?, &now),
        false => Fix::say(
            "Go to the last patch of the version in between first, within the line that runs, and wait until its pods are ready.",
        ),
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("Elasticsearch would go from {now} to {planned}"),
        objects: vec![set.object.clone()],
        why: vec![
            problem,
            format!(
                "Its data is in claim {claim} and others of {}.",
                before.object
            ),
        ],
        fixes: vec![fix],
        guide: RULE.guide,
    })
}

/// Keeps the version that wrote the data, by a flag.
fn stay(change: &Change, planned: &Object, now: &Version) -> Fix {
    // Up to 8.2 it is elastic's chart.
    let key = match planned.label("chart") {
        Some("elasticsearch") => "elasticsearch.imageTag",
        _ => "elasticsearch.image.tag",
    };
    Fix::new(
        "Stay on the version that wrote the data; add to your helm upgrade:",
        [Flag::set_string(
            change.values.key_in_file(key),
            now.to_string(),
        )],
    )
}

/// The version of the image, where it is Elasticsearch's own number.
fn version(set: &Object) -> Option<Version> {
    program_version(set, "elasticsearch")
}

/// A claim with data: Bound, or handed over with its volume still there.
fn data<'a>(facts: &'a Facts, namespace: &str, mounts: &Mounts) -> Option<&'a str> {
    facts
        .claims(namespace)
        .filter(|claim| mounts.parse(claim.name()).is_some())
        .find(|claim| claims::holds_data(claim) || facts.volume_of(claim).is_some())
        .map(Object::name)
}
