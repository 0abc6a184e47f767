//! The current value of the variable that will read a Secret's key.

use super::{
    env_source::{self, Reading, Source},
    password_roles::{has_key, predecessor},
    values::{self, Value},
};
use crate::{
    change::{Change, Facts, ObjectChange},
    kubernetes::{Object, ObjectRef},
};

/// The prefix that 13's charts put before variables that only their own files read.
const VALUES: &str = "VALUES_";

/// The workloads of Camunda's that will run, with what they will read.
pub(crate) struct Readers<'a> {
    change: &'a Change,
    facts: &'a Facts,
    all: Vec<(&'a ObjectChange, Vec<Reading>)>,
}

impl<'a> Readers<'a> {
    pub(crate) fn of(change: &'a Change, facts: &'a Facts) -> Readers<'a> {
        let workloads = change.objects.iter().filter(|object| object.camunda);
        let all = workloads.filter_map(|workload| {
            let planned = workload.planned.as_deref()?;
            Some((workload, env_source::readings(planned)))
        });
        Readers {
            change,
            facts,
            all: all.collect(),
        }
    }

    /// Returns how a workload of a namespace that will read from `new` reads the same variable now, if it has a value.
    pub(crate) fn before(&self, namespace: &str, new: &Source) -> Option<(&'a ObjectRef, Reading)> {
        let (change, facts) = (self.change, self.facts);
        let here = self.all.iter();
        let mut here = here.filter(|(workload, _)| workload.object.namespace == namespace);
        here.find_map(|(workload, readings)| {
            let variables = readings.iter().filter(|reading| reading.source == *new);
            let mut variables = variables
                .map(|reading| &*reading.variable)
                .filter(|variable| !is_numbered(variable) || is_same_chart(change))
                .peekable();
            variables.peek()?;
            let (before, old) = predecessor(change, facts, workload)?;
            let old = variables.find_map(|variable| {
                of_variable(change, facts, namespace, old, variable)
                    .filter(|old| old.source != *new)
            });
            Some((before, old?))
        })
    }
}

/// Returns how a workload reads a variable, under any of its names, if it has a value.
pub(crate) fn of_variable(
    change: &Change,
    facts: &Facts,
    namespace: &str,
    workload: &Object,
    variable: &str,
) -> Option<Reading> {
    let bare = variable.strip_prefix(VALUES).unwrap_or(variable);
    let other = format!("{VALUES}{bare}");
    let found = env_source::reading(workload, &[variable, bare, &other], |secret, key| {
        has_key(change, facts, namespace, secret, key)
    })?;
    match values::live(facts, namespace, &found.source) {
        Value::Known(value) if !value.is_empty() => Some(found),
        _ => None,
    }
}

/// The number in `KEYCLOAK_CLIENTS_0_SECRET` may stand for another client in another chart.
fn is_numbered(variable: &str) -> bool {
    variable
        .split('_')
        .any(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_same_chart(change: &Change) -> bool {
    let version = |chart: &Option<crate::change::ChartVersion>| {
        chart.as_ref().map(|chart| chart.version.clone())
    };
    version(&change.from) == version(&change.to)
}
