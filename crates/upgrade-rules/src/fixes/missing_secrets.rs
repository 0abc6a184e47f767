//! The Secrets and keys that workloads would wait for, and what they are to hold.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    carry_over::{Content, Old},
    clients,
};
use crate::{
    camunda::{self, CarriedKey},
    change::{Change, Facts, ObjectChange, Side, secret_data},
    finding,
    knowledge::credentials::{
        before::{self, Readers},
        env_source::Source,
        password_roles::{Moved, moved},
        readers::secret_refs,
        values::{self, Value},
    },
    kubernetes::{Kind, Object, ObjectRef},
};

/// A Secret, and which of its keys are missing for whom; without a key, the Secret as a whole.
pub(crate) type Missing<'a> = BTreeMap<ObjectRef, BTreeMap<Option<String>, &'a ObjectRef>>;

pub(crate) fn missing<'a>(change: &'a Change, facts: &Facts) -> Missing<'a> {
    let mut found = Missing::new();
    let workloads = change.objects.iter().filter(|object| object.camunda);
    for workload in workloads.filter(|object| !object.is_as_before()) {
        let Some(planned) = workload.planned.as_deref() else {
            continue;
        };
        let before: BTreeSet<_> = old(facts, workload)
            .into_iter()
            .flat_map(secret_refs)
            .collect();
        for read in secret_refs(planned) {
            let known = |other: &str| before.iter().any(|old| old.reads(&read.secret, other));
            let is_new = match &read.key {
                Some(key) => !known(key),
                None => before.iter().all(|old| old.secret != read.secret),
            };
            let secret = ObjectRef::new(Kind::Secret, &workload.object.namespace, &read.secret);
            if is_new && !read.optional && is_missing(change, facts, &secret, read.key.as_deref()) {
                let keys = found.entry(secret).or_default();
                keys.entry(read.key).or_insert(&workload.object);
            }
        }
    }
    for keys in found.values_mut() {
        // Whoever reads all of it is helped by the keys that others name.
        if keys.len() > 1 {
            keys.remove(&None);
        }
    }
    found
}

fn old<'a>(facts: &'a Facts, workload: &'a ObjectChange) -> Vec<&'a Object> {
    let live = facts.get(&workload.object);
    live.into_iter()
        .chain(workload.running.as_deref())
        .collect()
}

fn is_missing(change: &Change, facts: &Facts, secret: &ObjectRef, key: Option<&str>) -> bool {
    let rendered = || {
        change
            .of_kind(Kind::Secret)
            .any(|other| other.object == *secret && other.planned.is_some())
    };
    let there = facts.get(secret).is_some() || facts.unread(secret) || rendered();
    let Some(key) = key.filter(|_| there) else {
        return !there;
    };
    let source = Source::Key {
        secret: secret.name.clone(),
        key: key.to_owned(),
    };
    let value = values::planned(change, facts, &secret.namespace, &source);
    value == Value::Missing
}

/// The keys of one Secret that are missing.
pub(crate) fn missing_keys(change: &Change, facts: &Facts, secret: &ObjectRef) -> Vec<String> {
    let mut all = missing(change, facts);
    let keys = all.remove(secret).unwrap_or_default();
    keys.into_keys().flatten().collect()
}

/// The values that missing keys need. The workloads are looked at once for all of them.
pub(crate) struct Contents<'a> {
    change: &'a Change,
    facts: &'a Facts,
    moved: Vec<Moved<'a>>,
    readers: Readers<'a>,
}

impl<'a> Contents<'a> {
    pub(crate) fn of(change: &'a Change, facts: &'a Facts) -> Contents<'a> {
        Contents {
            change,
            facts,
            moved: moved(change, facts),
            readers: Readers::of(change, facts),
        }
    }

    /// Returns the value that a key needs: what its reader reads now, or what the lines' data say that the key replaces.
    pub(crate) fn content(&self, secret: &ObjectRef, key: &str) -> Content {
        let (change, facts) = (self.change, self.facts);
        let source = Source::Key {
            secret: secret.name.clone(),
            key: key.to_owned(),
        };
        let known = |old: &Source| {
            let value = values::live(facts, &secret.namespace, old);
            matches!(value, Value::Known(_))
        };
        let reader = self.moved.iter().find(|moved| {
            moved.workload.namespace == secret.namespace
                && moved.new.source == source
                && known(&moved.old.source)
        });
        if let Some(moved) = reader {
            let old = Old {
                workload: moved.before,
                reading: &moved.old,
            };
            return Content::Printed(old.plain());
        }
        if let Some((workload, reading)) = self.readers.before(&secret.namespace, &source) {
            let reading = &reading;
            return Content::Printed(Old { workload, reading }.plain());
        }
        let carried = change
            .target_line()
            .and_then(|line| line.carried_over.iter().find(|carried| carried.key == key));
        carried.map_or(Content::Asked, |carried| {
            of_carried(change, facts, carried, &secret.namespace)
        })
    }
}

fn of_carried(change: &Change, facts: &Facts, carried: &CarriedKey, namespace: &str) -> Content {
    let generated = carried
        .from
        .as_deref()
        .and_then(|name| generated(change, facts, namespace, name));
    if let Some((secret, key)) = generated {
        return Content::Printed(finding::Source::secret(namespace, &secret.name, key));
    }
    if let Some(content) = as_before(change, facts, carried) {
        return content;
    }
    // What ran has a password that is known somewhere, if not here, and a provider has clients of its own.
    let is_known = carried.from.is_some() && ran(change, carried);
    match is_known || carried.client && clients::is_external(change, facts) {
        true => Content::Asked,
        false => Content::Fresh,
    }
}

fn ran(change: &Change, carried: &CarriedKey) -> bool {
    let component = carried.component.is_some_and(|component| {
        let mut sets = change.of_kind(Kind::StatefulSet);
        sets.any(|set| set.camunda && set.component == component && set.running.is_some())
    });
    let reader = carried.reader;
    component || reader.is_some_and(|it| change.application(it, Side::Running).is_some())
}

/// Returns the value that the running workload has in the same variable.
fn as_before(change: &Change, facts: &Facts, carried: &CarriedKey) -> Option<Content> {
    let workload = change.application(carried.reader?, Side::Running)?;
    let running = facts
        .get(&workload.object)
        .or(workload.running.as_deref())?;
    let variable = carried.variable.as_deref()?;
    let namespace = &workload.object.namespace;
    let reading = before::of_variable(change, facts, namespace, running, variable)?;
    let old = Old {
        workload: &workload.object,
        reading: &reading,
    };
    Some(Content::Printed(old.plain()))
}

/// The live Secret and key of a credential that the running chart made.
fn generated<'a>(
    change: &'a Change,
    facts: &'a Facts,
    namespace: &str,
    name: &str,
) -> Option<(&'a ObjectRef, &'a str)> {
    let line = change.from.as_ref().and_then(|from| from.line);
    change
        .of_kind(Kind::Secret)
        .filter(|secret| secret.camunda && secret.object.namespace == namespace)
        .find_map(|secret| {
            let live = facts.get(&secret.object)?;
            let charts = secret.charts.as_deref();
            let key = secret_data(live).into_keys().find(|key| {
                camunda::credential(live, key, charts, line).is_some_and(|found| found.name == name)
            })?;
            Some((&secret.object, key))
        })
}
