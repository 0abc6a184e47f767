//! `values-ignored`: values that the user sets would have no effect.
//!
//! Helm accepts any key. One that the new chart does not read any more is ignored in silence, and so are those that the
//! guide from 8.7 to 8.8 has users set and that no released chart 13 reads. Values themselves are never shown.
//!
//! Any line. Beyond the guides, and against that from 8.7 to 8.8 where it names what never shipped.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Judge, Rule,
    heard::Heard,
    values_moved::{self, is_off},
};

use crate::{
    camunda::Line,
    change::{Change, Facts, Operation},
    finding::{Action, Finding, Reference, RuleId, guide},
    fixes::values_given::given,
    helm::values::{Values, below, is_empty},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ValuesIgnored,
    summary: "your values set what the new chart does not read",
    guide: guide::CONFIGURE_CHART,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/values-ignored.md"),
    needs: &[],
    judge: Judge::Beside {
        others: &[
            RuleId::OrchestrationValues,
            RuleId::ValuesMoved,
            RuleId::WebModelerPostgresqlRenamed,
            RuleId::ElasticsearchValues83,
            RuleId::WebModelerDatabaseUrl,
        ],
        judge,
    },
};

/// A key that a line tells of, and what took its place, if anything did.
type Known<'a> = (&'a str, Option<String>);
/// The user's keys below each key that a line tells of.
type Ignored<'a> = BTreeMap<&'a str, (Option<String>, Vec<String>)>;

/// Omits keys that rules of their own convert and report.
fn judge(change: &Change, _: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    finding(change, heard).into_iter().collect()
}

fn finding(change: &Change, heard: &Heard<'_>) -> Option<Finding> {
    // A rollback brings the values of its revision along.
    if change.operation != Operation::Upgrade {
        return None;
    }
    let (from, to) = (change.from.as_ref()?, change.to.as_ref()?);
    let target = to.line?;
    let entered = change.lines_entered();
    let moved = values_moved::moved(change);
    let is_told = |key: &str| moved.iter().any(|moved| below(key, &moved.old).is_some());
    let told = heard.hears(values_moved::RULE.id);
    let (mut dropped, mut never) = (Ignored::new(), Ignored::new());
    for (key, value) in change.values.leaves() {
        if is_empty(value) || is_off(&change.values, &key) || told && is_told(&key) {
            continue;
        }
        if let Some(known) = never_shipped(target, &key) {
            add(&mut never, known, key);
        } else if let Some(known) = no_longer_read(heard, entered, &change.values, &key, value) {
            add(&mut dropped, known, key);
        }
    }
    let (dropped, never) = (named(&dropped, "now"), named(&never, "use"));
    let mut why = Vec::new();
    if !dropped.is_empty() {
        why.push(format!(
            "Chart {} does not read what {} did: {}.",
            to.version,
            from.version,
            listed(&dropped)
        ));
    }
    if !never.is_empty() {
        why.push(format!(
            "The guide names these, but no released chart {} reads them: {}.",
            target.line,
            listed(&never)
        ));
    }
    let title = match dropped.len() + never.len() {
        0 => return None,
        1 => format!("A value has no effect in chart {}", to.version),
        count => format!("{count} values have no effect in chart {}", to.version),
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: Vec::new(),
        why,
        fixes: vec![given(
            change,
            "Take them out of your values, and set what is in their place where you need it. What is set now:",
        )],
        guide: section(change, &never),
    })
}

/// The section that names such keys: that of the chart, if no key is one that only the guide knows.
fn section(change: &Change, never: &[String]) -> Reference {
    match never.is_empty() {
        true => values_moved::section(change),
        false => RULE.guide,
    }
}

/// Whether the new chart ignores a key that an earlier chart read or the guide names.
pub(super) fn is_unread(change: &Change, key: &str) -> bool {
    let target = change.to.as_ref().and_then(|to| to.line);
    dropped_by(change.lines_entered(), key).is_some()
        || target.is_some_and(|line| never_shipped(line, key).is_some())
}

/// A warning is one line; nobody reads a hundred keys in it.
const SHOWN: usize = 12;

/// Lists the first keys.
fn listed(keys: &[String]) -> String {
    let mut shown: Vec<_> = keys.iter().take(SHOWN).cloned().collect();
    if keys.len() > SHOWN {
        shown.push(format!("and {} more", keys.len() - SHOWN));
    }
    shown.join(", ")
}

fn never_shipped<'a>(line: &'a Line, key: &str) -> Option<Known<'a>> {
    line.never_shipped
        .iter()
        .find(|(root, _)| below(key, root).is_some())
        .map(|(root, now)| (root.as_str(), now.clone()))
}

/// The key at or above this one that a line no longer reads, where nobody else speaks of it.
fn no_longer_read<'a>(
    heard: &Heard<'_>,
    entered: &'a [Line],
    values: &Values,
    key: &str,
    value: &Value,
) -> Option<Known<'a>> {
    let is_under = |root: &String| below(key, root).is_some();
    let mut converting = entered.iter().flat_map(|line| &line.converted_values);
    if converting.any(|(rule, roots)| heard.hears(*rule) && roots.iter().any(is_under)) {
        return None;
    }
    let (line, root, now) = dropped_by(entered, key)?;
    let rest = below(key, root)?;
    // What somebody switched off is not missed.
    if rest == ".enabled" && value.as_bool() == Some(false) {
        return None;
    }
    let now = now.or_else(|| {
        line.renamed_values.iter().find_map(|renamed| {
            let rest = below(root, &renamed.from)?;
            Some(format!("{}{rest}", renamed.to.as_ref()?))
        })
    });
    let is_set = |now: &String| values.mentions(&format!("{now}{rest}"));
    (!now.as_ref().is_some_and(is_set)).then_some((root, now))
}

/// The line that no longer reads a key, and the longest key at or above it that it tells of.
fn dropped_by<'a>(entered: &'a [Line], key: &str) -> Option<(&'a Line, &'a str, Option<String>)> {
    entered
        .iter()
        .flat_map(|line| {
            let dropped = line.dropped_values.iter();
            dropped.map(move |(root, now)| (line, root.as_str(), now.clone()))
        })
        .filter(|(_, root, _)| below(key, root).is_some())
        .max_by_key(|(_, root, _)| root.len())
}

fn add<'a>(ignored: &mut Ignored<'a>, (root, now): Known<'a>, key: String) {
    let (_, keys) = ignored.entry(root).or_insert_with(|| (now, Vec::new()));
    keys.push(key);
}

/// Each with what is in its place; where several are below one key, that one.
fn named(ignored: &Ignored<'_>, word: &str) -> Vec<String> {
    let told = ignored.iter().map(|(root, (now, keys))| {
        let (key, rest) = match keys.as_slice() {
            [key] => (key.as_str(), below(key, root).unwrap_or_default()),
            _ => (*root, ""),
        };
        match now {
            Some(now) => format!("{key} ({word} {now}{rest})"),
            None => key.to_owned(),
        }
    });
    told.collect()
}
