//! `values-dropped`: values that somebody had set are not set any more.
//!
//! `helm upgrade` with a `--set` of its own, or without the `-f` of before, starts from the chart's defaults: what
//! was set before is forgotten in silence. Values themselves are never shown; they may be secret.
//!
//! Any line. Documented: the note in "Secrets extraction".

mod names;

use serde_json::{Map, Value};

use self::names::{Dropped, grouped};
use super::{Judge, PASSWORDS, Rule, datastore_changed, heard::Heard, values_ignored};

use crate::{
    camunda::Line,
    change::{Change, ChartVersion, Facts, ObjectChange, Operation},
    finding::{Action, Finding, RuleId, guide},
    fixes::{
        conversion::{Move, moves},
        values_given::given,
    },
    helm::values::{Values, below, is_empty},
    kubernetes::{Kind, Object},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ValuesDropped,
    summary: "values that were set before are not set any more",
    guide: guide::SECRETS_EXTRACTION,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/values-dropped.md"),
    needs: &[],
    judge: Judge::Beside {
        others: &[RuleId::DatastoreChanged, RuleId::IdentitySecretRegenerated],
        judge,
    },
};

/// Rules that compare what comes of a value with what is live need not be told of the value.
fn judge(change: &Change, _: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    finding(change, heard).into_iter().collect()
}

/// The keys that were given before and are not given now, whether or not another rule speaks of them.
pub(super) fn not_given(change: &Change) -> Vec<Dropped> {
    left_out(change, &Heard::default())
}

fn left_out(change: &Change, heard: &Heard<'_>) -> Vec<Dropped> {
    // A rollback brings the values of its revision along.
    match &change.running_values {
        Some(before) if change.operation == Operation::Upgrade && !no_effect(change) => {
            dropped(change, heard, before)
        }
        _ => Vec::new(),
    }
}

fn finding(change: &Change, heard: &Heard<'_>) -> Option<Finding> {
    let dropped = left_out(change, heard);
    let title = match dropped.len() {
        0 => return None,
        1 => "A value that was set before is not set any more".to_owned(),
        count => format!("{count} values that were set before are not set any more"),
    };
    let mut why = vec!["The chart's defaults take the place of:".to_owned()];
    why.extend(grouped(&dropped));
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: Vec::new(),
        why,
        fixes: vec![given(
            change,
            "If that is not meant, give them again, with -f or --set. What the running release was given:",
        )],
        guide: RULE.guide,
    })
}

/// The keys that were set, are not under the name that the new chart has for them, and that no other rule speaks of.
fn dropped(change: &Change, heard: &Heard<'_>, before: &Values) -> Vec<Dropped> {
    let stores = heard.hears(datastore_changed::RULE.id);
    let credentials = heard.hears(PASSWORDS);
    let lines: Vec<_> = [&change.from, &change.to]
        .into_iter()
        .filter_map(|chart| chart.as_ref()?.line)
        .collect();
    let names = Names::of(change, before);
    let mut dropped: Vec<_> = before
        .leaves()
        .into_iter()
        .filter(|(key, value)| !is_empty(value) && !change.values.mentions(key))
        .filter(|(key, _)| !(stores && datastore_changed::judges(change, key)))
        .filter(|(key, _)| !(credentials && lines.iter().any(|line| is_credential(line, key))))
        .filter_map(|(key, value)| {
            let new = names.name(change, &key)?;
            let read = new.as_deref().unwrap_or(&key);
            let is_given = new.is_some() && change.values.mentions(read);
            if is_given
                || change.defaults.has(read, value)
                || credentials && lines.iter().any(|line| is_credential(line, read))
            {
                return None;
            }
            let shown = |key: &str| change.values.key_in_file(key);
            Some(Dropped {
                old: shown(&key),
                new: new.as_deref().map(shown),
            })
        })
        .collect();
    dropped.sort_unstable();
    dropped
}

/// The new chart's names for the old keys.
struct Names {
    moves: Vec<Move>,
    /// The lines that are entered.
    entered: &'static [Line],
}

impl Names {
    fn of(change: &Change, before: &Values) -> Names {
        let entered = change.lines_entered();
        let moved = entered
            .last()
            .map(|to| moves(before.own(), &Map::new(), to));
        Names {
            moves: moved.map_or_else(Vec::new, |moved| moved.list),
            entered,
        }
    }

    /// The new name of a key, if it has another one; nothing where the new chart has no such value, or another rule tells of it.
    fn name(&self, change: &Change, key: &str) -> Option<Option<String>> {
        let mut name = key;
        // What an earlier line moved may move again, once in each.
        for _ in self.entered {
            if let Some(moved) = self.moves.iter().find(|moved| moved.old == name) {
                name = moved.new.as_deref()?;
            }
        }
        let merged = self.entered.iter().flat_map(|line| &line.merged_values);
        let mut merged =
            merged.filter(|rule| rule.from.iter().any(|from| below(name, from).is_some()));
        if let Some(rule) = merged.next() {
            return Some(Some(rule.to.clone()));
        }
        if name != key {
            return Some(Some(name.to_owned()));
        }
        let renamed = self.entered.iter().flat_map(|line| {
            let moved = line.renamed_values.iter().map(|renamed| &renamed.from);
            line.renamed.iter().chain(moved)
        });
        let mut renamed = renamed.filter(|root| below(key, root).is_some());
        let is_told = values_ignored::is_unread(change, key) || renamed.next().is_some();
        (!is_told).then_some(None)
    }
}

/// Whether this key sets a credential, which other rules compare with the live one.
fn is_credential(line: &Line, key: &str) -> bool {
    let parent = key.rsplit_once('.').map_or(key, |(parent, _)| parent);
    line.credentials
        .iter()
        .any(|credential| credential.value == key || credential.value == parent)
}

/// Whether the missing values had no effect: the chart version is the same and no workload changed, though workloads carry
/// checksums of their configuration. Then the values equalled the defaults.
fn no_effect(change: &Change) -> bool {
    let version = |chart: &Option<ChartVersion>| chart.as_ref().map(|chart| chart.version.clone());
    let same = |object: &ObjectChange| match (&object.running, &object.planned) {
        (Some(running), Some(planned)) => object.is_as_before() || running == planned,
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
