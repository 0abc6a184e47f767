//! `values-dropped`: values that somebody had set are not set any more.
//!
//! `helm upgrade` with a `--set` of its own, or without the `-f` of before, starts from the chart's defaults: what
//! was set before is forgotten in silence. Values themselves are never shown; they may be secret.
//!
//! Any line. Documented: the note in "Secrets extraction".

use std::sync::Arc;

use serde_json::Value;

use super::{PASSWORDS, Rule, datastore_changed, heard::Heard, values_ignored};

use crate::{
    camunda::Line,
    change::{Change, ChartVersion, ObjectChange, Operation},
    facts::Facts,
    finding::{Action, Finding},
    object::{Kind, Object},
    values::{Values, below, is_empty},
};

pub(super) const RULE: Rule = Rule {
    id: "values-dropped",
    summary: "values that were set before are not set any more",
    page: include_str!("../../docs/rules/values-dropped.md"),
    judge,
};

/// A warning is one line; nobody reads a hundred keys in it.
const SHOWN: usize = 12;

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    beside(change, facts, &Heard::nothing())
}

/// Rules that compare what comes of a value with what is live need not be told of the value.
pub(super) fn beside(change: &Change, _: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    finding(change, heard).into_iter().collect()
}

fn finding(change: &Change, heard: &Heard<'_>) -> Option<Finding> {
    // A rollback brings the values of its revision along.
    if change.operation != Operation::Upgrade || no_effect(change) {
        return None;
    }
    let dropped = dropped(change, heard, change.running_values.as_ref()?);
    let title = match dropped.len() {
        0 => return None,
        1 => "A value that was set before is not set any more".to_owned(),
        count => format!("{count} values that were set before are not set any more"),
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: Vec::new(),
        why: vec![
            format!(
                "The chart's defaults take the place of: {}.",
                listed(&dropped)
            ),
            format!(
                "If that is not meant, give them again, with -f or --set; helm get values {} -n {} shows them.",
                change.release, change.namespace
            ),
        ],
        fixes: Vec::new(),
        guide: "Secrets extraction",
    })
}

/// As many keys as somebody reads.
pub(super) fn listed(keys: &[String]) -> String {
    let mut shown: Vec<_> = keys.iter().take(SHOWN).cloned().collect();
    if keys.len() > SHOWN {
        shown.push(format!("and {} more", keys.len() - SHOWN));
    }
    shown.join(", ")
}

/// The keys that were set, are not, and that no other rule speaks of.
fn dropped(change: &Change, heard: &Heard<'_>, before: &Values) -> Vec<String> {
    let stores = heard.hears(datastore_changed::RULE.id);
    let credentials = heard.hears(PASSWORDS);
    let lines: Vec<_> = [&change.from, &change.to]
        .into_iter()
        .filter_map(|chart| chart.as_ref()?.line)
        .collect();
    let renamed: Vec<_> = change
        .lines_crossed()
        .into_iter()
        .flat_map(|(_, to)| {
            let moved = to.renamed_values.iter().map(|renamed| &renamed.from);
            to.renamed.iter().chain(moved)
        })
        .collect();
    before
        .leaves()
        .into_iter()
        .filter(|(_, value)| !is_empty(value))
        .map(|(key, _)| key)
        .filter(|key| !change.values.mentions(key))
        .filter(|key| !(stores && datastore_changed::judges(change, key)))
        .filter(|key| !values_ignored::is_unread(change, key))
        .filter(|key| !(credentials && lines.iter().any(|line| is_credential(line, key))))
        .filter(|key| !renamed.iter().any(|root| below(key, root).is_some()))
        .collect()
}

/// Whether a credential is set by this key, which rules about credentials compare with what is live.
fn is_credential(line: &Line, key: &str) -> bool {
    let parent = key.rsplit_once('.').map_or(key, |(parent, _)| parent);
    line.credentials
        .iter()
        .any(|credential| credential.value == key || credential.value == parent)
}

/// Of one chart version, values that change no workload had the defaults' own value, where the workloads carry checksums
/// of the configuration that they read.
fn no_effect(change: &Change) -> bool {
    let version = |chart: &Option<ChartVersion>| chart.as_ref().map(|chart| chart.version.clone());
    let same = |object: &ObjectChange| match (&object.running, &object.planned) {
        (Some(running), Some(planned)) => Arc::ptr_eq(running, planned) || running == planned,
        _ => false,
    };
    let workloads = || {
        change.objects.iter().filter(|object| {
            object.camunda && object.object.kind != Kind::Secret && !object.recreated
        })
    };
    version(&change.from) == version(&change.to)
        && workloads().all(same)
        && workloads().any(|object| object.planned.as_deref().is_some_and(has_checksum))
}

fn has_checksum(workload: &Object) -> bool {
    workload
        .at("/spec/template/metadata/annotations")
        .and_then(Value::as_object)
        .is_some_and(|annotations| annotations.contains_key("checksum/config"))
}
