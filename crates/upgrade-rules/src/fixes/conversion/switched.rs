//! Re-enables components that ran and that the new chart turned off.

use serde_json::Value;

use super::super::convert::Converted;
use crate::{
    camunda::{Application, Component, Feature, Line},
    change::{Change, Facts, ObjectChange, Side},
    knowledge::{
        authentication::{METHODS, Method},
        authorizations,
        configuration::Configuration,
        retention,
    },
    kubernetes::Kind,
};

/// The owner of the OIDC clients that the applications log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    /// Nobody's: users and passwords.
    None,
    /// Keycloak's, which Identity sets up.
    Keycloak,
    /// Another provider's, which somebody sets up by hand.
    Provider,
}

/// Re-enables components that the new chart turned off; returns who owns the OIDC clients.
pub(super) fn switch_on(
    change: &Change,
    facts: &Facts,
    line: &Line,
    values: &mut Converted,
) -> Clients {
    let gone = || {
        line.with_earlier()
            .iter()
            .flat_map(|line| &line.gone_applications)
    };
    let all = Application::all().iter().map(|fact| fact.name);
    for application in all.filter(|application| gone().all(|gone| gone != application)) {
        let becomes = line.becomes.get(&application);
        let after = becomes.map_or(application, |becomes| becomes.application);
        let switch = becomes.map(|becomes| becomes.value.as_str());
        if runs(change, application, Side::Running)
            && !runs(change, after, Side::Planned)
            && let Some(key) = switch.or(application.switch())
        {
            values.set(key, true.into());
        }
    }
    for (component, keys) in &line.switches {
        if has(change, *component, Side::Running) && !has(change, *component, Side::Planned) {
            for key in keys {
                values.set(key, true.into());
            }
        }
    }
    // A line that says that its chart has no default wants to be told.
    if line.secondary_storage.as_deref() == Some("") {
        secondary_storage(change, facts, values);
    }
    if !line.brings.contains_key(&Feature::OrchestrationCluster) {
        return Clients::None;
    }
    let clients = authentication(change, facts, values);
    migrations(change, facts, clients, values);
    retention(change, facts, values);
    clients
}

/// Whether an application exists on one side with more than 0 replicas.
pub fn runs(change: &Change, application: Application, side: Side) -> bool {
    let workload = change.application(application, side);
    workload
        .and_then(|workload| workload.on(side))
        .is_some_and(|workload| workload.at("/spec/replicas").and_then(Value::as_u64) != Some(0))
}

fn has(change: &Change, component: Component, side: Side) -> bool {
    let is = |set: &ObjectChange| set.camunda && set.component == component;
    change
        .of_kind(Kind::StatefulSet)
        .any(|set| is(set) && set.on(side).is_some())
}

/// 12 protects all applications by Identity or leaves them with users of their own; 13 wants to be told which.
fn authentication(change: &Change, facts: &Facts, values: &mut Converted) -> Clients {
    match (Method::before(change, facts), Method::after(change, facts)) {
        (None, _) => Clients::None,
        (Some(Method::Basic), _) => {
            let is_named = METHODS.iter().any(|key| change.values.get(key).is_some());
            if !is_named {
                values.set(METHODS[0], "basic".into());
            }
            Clients::None
        }
        (Some(Method::Provider { keycloak, .. }), after) => {
            if !matches!(after, Some(Method::Provider { .. })) {
                values.set("global.identity.auth.enabled", true.into());
                // Where the user named the cluster's own method, only a flag goes over it.
                if change.values.get(METHODS[0]).is_none() {
                    values.set(METHODS[1], "oidc".into());
                }
            }
            match keycloak {
                true => Clients::Keycloak,
                false => Clients::Provider,
            }
        }
    }
}

/// Data and identities are moved by Jobs that 13 has switched off.
fn migrations(change: &Change, facts: &Facts, clients: Clients, values: &mut Converted) {
    let ran = |application| runs(change, application, Side::Running);
    let missing = |application| !runs(change, application, Side::Planned);
    if (ran(Application::OPERATE) || ran(Application::TASKLIST))
        && (missing(Application::DATA_MIGRATION) || missing(Application::IMPORTER))
    {
        values.set("orchestration.migration.data.enabled", true.into());
    }
    if clients != Clients::None
        && ran(Application::IDENTITY)
        && missing(Application::IDENTITY_MIGRATION)
    {
        values.set("orchestration.migration.identity.enabled", true.into());
        if !authorizations::users(change, facts).is_empty() {
            values.set(authorizations::ENABLED, true.into());
        }
    }
}

/// Merges Operate's and Tasklist's retention into the one setting of 13; the longer time loses no data.
fn retention(change: &Change, facts: &Facts, values: &mut Converted) {
    let before = retention::retention(change, facts);
    let Some((_, age)) = before.iter().max_by_key(|(_, age)| seconds(age)) else {
        return;
    };
    if retention::has_one(change, facts) {
        return;
    }
    values.set("orchestration.history.retention.enabled", true.into());
    values.set(
        "orchestration.history.retention.minimumAge",
        age.as_str().into(),
    );
    if before.iter().any(|(_, other)| other != age) {
        let all: Vec<_> = before
            .iter()
            .map(|(application, age)| format!("{} {age}", application.name()))
            .collect();
        values.note(format!(
            "orchestration.history.retention.minimumAge is one for all; it was {}.",
            all.join(", ")
        ));
    }
}

/// Elasticsearch's units of time.
fn seconds(age: &str) -> u64 {
    let digits = age.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &age[digits.len()..] {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        _ => 1,
    };
    digits
        .parse::<u64>()
        .unwrap_or_default()
        .saturating_mul(unit)
}

/// 14 wants to be told where the data of the applications is.
fn secondary_storage(change: &Change, facts: &Facts, values: &mut Converted) {
    const KEY: &str = "camunda.data.secondary-storage.type";
    let storage = |side| {
        let zeebe = change.application(Application::ZEEBE, side)?;
        let found = Configuration::of(change, facts, zeebe, side);
        let named = found.get(KEY).filter(|name| !name.is_empty());
        named.map(str::to_owned)
    };
    let Some(before) = storage(Side::Running) else {
        return;
    };
    let enabled = format!("optimize.database.{before}.enabled");
    let known = ["elasticsearch", "opensearch"].contains(&before.as_str());
    let named = [enabled.as_str(), &format!("global.{before}.enabled")]
        .iter()
        .any(|key| change.values.flag(key) == Some(true));
    if storage(Side::Planned).is_none() {
        values.set("orchestration.data.secondaryStorage.type", before.into());
    }
    // Optimize has settings of its own, and starts without any store where none is switched on.
    if known && !named && runs(change, Application::OPTIMIZE, Side::Running) {
        values.set(&enabled, true.into());
    }
}
