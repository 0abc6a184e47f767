//! What the new chart has switched off is switched on again where it ran.

use serde_json::Value;

use super::super::{
    super::{per_app_retention, resource_authorizations},
    convert::Converted,
};
use crate::{
    camunda::{Application, Component, Line},
    change::{Change, ObjectChange, Side},
    configuration::Configuration,
    facts::Facts,
    object::Kind,
};

/// Whose clients the applications log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    /// Nobody's: users and passwords.
    None,
    /// Keycloak's, which Identity sets up.
    Keycloak,
    /// Another provider's, which somebody sets up by hand.
    Provider,
}

/// Sets what makes run again what ran; returns whose clients the applications had.
pub(super) fn switch_on(
    change: &Change,
    facts: &Facts,
    line: &Line,
    values: &mut Converted,
) -> Clients {
    for (application, key) in [
        (Application::Identity, "identity.enabled"),
        (Application::Optimize, "optimize.enabled"),
        (Application::Console, "console.enabled"),
        (Application::Connectors, "connectors.enabled"),
        (Application::WebModeler, "webModeler.enabled"),
    ] {
        if runs(change, application, Side::Running) && !runs(change, application, Side::Planned) {
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
    let clients = clients(change, facts);
    match line.line.as_str() {
        "13" => authentication(change, facts, clients, values),
        _ => secondary_storage(change, facts, values),
    }
    if line.line == "13" {
        migrations(change, facts, clients, values);
        retention(change, facts, values);
    }
    clients
}

/// Whether an application is there on one side, and meant to run.
pub(crate) fn runs(change: &Change, application: Application, side: Side) -> bool {
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

/// What an application has that logs in at an identity provider, up to 12 and after.
const CLIENT: [&str; 2] = [
    "CAMUNDA_IDENTITY_CLIENT_SECRET",
    "VALUES_ORCHESTRATION_CLIENT_SECRET",
];

/// How people and clients logged in before.
fn clients(change: &Change, facts: &Facts) -> Clients {
    let configuration = |application| {
        let workload = change.application(application, Side::Running)?;
        Some(Configuration::of(change, facts, workload, Side::Running))
    };
    let with_identity = change
        .objects
        .iter()
        .filter(|object| object.camunda && object.application(Side::Running).is_some())
        .filter_map(|object| object.on(Side::Running))
        .any(|workload| CLIENT.iter().any(|variable| workload.has_env(variable)));
    if !with_identity {
        return Clients::None;
    }
    let provider = [
        Application::Operate,
        Application::Identity,
        Application::Optimize,
    ]
    .into_iter()
    .filter_map(configuration)
    .find_map(|found| found.get("camunda.identity.type").map(str::to_uppercase));
    match provider.as_deref() {
        None | Some("KEYCLOAK") => Clients::Keycloak,
        Some(_) => Clients::Provider,
    }
}

/// 12's Identity protected all applications, and its absence left them with users of their own; 13 wants to be told.
fn authentication(change: &Change, facts: &Facts, clients: Clients, values: &mut Converted) {
    let planned = change
        .application(Application::Zeebe, Side::Planned)
        .map(|zeebe| Configuration::of(change, facts, zeebe, Side::Planned));
    let method = planned
        .as_ref()
        .and_then(|planned| planned.get("camunda.security.authentication.method"));
    match clients {
        Clients::None => {
            let named = [
                "orchestration.security.authentication.method",
                "global.security.authentication.method",
            ]
            .iter()
            .any(|key| change.values.get(key).is_some());
            if !named {
                values.set(
                    "orchestration.security.authentication.method",
                    "basic".into(),
                );
            }
        }
        _ if method == Some("oidc") => {}
        _ => {
            values.set("global.identity.auth.enabled", true.into());
            values.set("global.security.authentication.method", "oidc".into());
        }
    }
}

/// Data and identities are moved by Jobs that 13 has switched off.
fn migrations(change: &Change, facts: &Facts, clients: Clients, values: &mut Converted) {
    let ran = |application| runs(change, application, Side::Running);
    let missing = |application| !runs(change, application, Side::Planned);
    if (ran(Application::Operate) || ran(Application::Tasklist))
        && (missing(Application::DataMigration) || missing(Application::Importer))
    {
        values.set("orchestration.migration.data.enabled", true.into());
    }
    if clients != Clients::None
        && ran(Application::Identity)
        && missing(Application::IdentityMigration)
    {
        values.set("orchestration.migration.identity.enabled", true.into());
        if !resource_authorizations::users(change, facts).is_empty() {
            values.set(resource_authorizations::ENABLED, true.into());
        }
    }
}

/// What Operate and Tasklist had for themselves is one for all in 13; the longer time loses nothing.
fn retention(change: &Change, facts: &Facts, values: &mut Converted) {
    let before = per_app_retention::retention(change, facts);
    let Some((_, age)) = before.iter().max_by_key(|(_, age)| seconds(age)) else {
        return;
    };
    if per_app_retention::has_one(change, facts) {
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
        let zeebe = change.application(Application::Zeebe, side)?;
        let found = Configuration::of(change, facts, zeebe, side);
        found.get(KEY).map(str::to_owned)
    };
    if let Some(before) = storage(Side::Running)
        && storage(Side::Planned).is_none()
    {
        values.set("orchestration.data.secondaryStorage.type", before.into());
    }
}
