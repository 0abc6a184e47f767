//! The passwords and tokens that the new chart reads from a Secret of the user's.

use serde_json::{Map, Value};

use super::{
    super::{
        carry_over::Content,
        missing_secrets::{Contents, missing_keys},
    },
    Conversion,
    switched::{Clients, runs},
};
use crate::{
    camunda::{CarriedKey, Line},
    change::{Change, Facts, Side, secret_data},
    helm::values::at_key,
    kubernetes::{Kind, ObjectRef, is_key, is_name},
};

/// Returns the keys that the new manifest already reads and that do not exist yet.
pub(super) fn missing(change: &Change, facts: &Facts, secret: &str) -> Vec<(String, Content)> {
    let reference = ObjectRef::new(Kind::Secret, &change.namespace, secret);
    let keys = missing_keys(change, facts, &reference);
    if keys.is_empty() {
        return Vec::new();
    }
    let contents = Contents::of(change, facts);
    let with_content = |key: String| {
        let content = contents.content(&reference, &key);
        (key, content)
    };
    keys.into_iter().map(with_content).collect()
}

/// Points the values at the user's own Secrets, or at the one that is made of the old ones.
pub(super) fn refer(
    change: &Change,
    facts: &Facts,
    source: &Map<String, Value>,
    clients: Clients,
    line: &'static Line,
    conversion: &mut Conversion,
) {
    let Some(secret) = line.secret_of_users() else {
        return;
    };
    let reference = ObjectRef::new(Kind::Secret, &change.namespace, secret);
    let mut contents = None;
    for carried in &line.carried_over {
        let off = carried
            .switch
            .as_deref()
            .and_then(|key| at_key(source, key));
        if off == Some(&Value::Bool(false)) {
            continue;
        }
        let is_needed = is_needed(change, carried, clients);
        let registered = clients == Clients::Provider && is_unnamed(change, carried, source);
        if registered {
            conversion.clients.push((carried, None));
        }
        if !is_needed {
            continue;
        }
        if let Some((name, key)) = own_secret(change, source, carried) {
            if !carried.by_default || at_key(source, &carried.secret).is_none() {
                conversion.values.set(&carried.secret, name.into());
            }
            conversion.values.set(&carried.secret_key, key.into());
            continue;
        }
        if let Some(value) = in_place(&carried.secret)
            && change.values.get(&value).is_some_and(|value| value != "")
        {
            continue;
        }
        if !carried.by_default {
            conversion.values.set(&carried.secret, secret.into());
            conversion
                .values
                .set(&carried.secret_key, carried.key.as_str().into());
        }
        let live = facts.get(&reference).map(secret_data);
        let made = live.is_some_and(|live| live.contains_key(carried.key.as_str()));
        if registered && let Some((_, named)) = conversion.clients.last_mut() {
            *named = Some(secret.to_owned());
        }
        if !made {
            let contents = contents.get_or_insert_with(|| Contents::of(change, facts));
            let content = contents.content(&reference, &carried.key);
            conversion.keys.push((carried.key.clone(), content));
        }
    }
}

/// A provider knows only the clients that somebody has made there, under ids of their own.
fn is_unnamed(change: &Change, carried: &CarriedKey, source: &Map<String, Value>) -> bool {
    let runs = carried
        .with
        .or(carried.reader)
        .is_some_and(|it| runs(change, it, Side::Running));
    let id = carried.client_id.as_ref().filter(|_| runs);
    id.is_some_and(|id| at_key(source, id).is_none_or(|value| value == ""))
}

/// Whether the key's reader runs on and the new manifest does not yet give it the key.
fn is_needed(change: &Change, carried: &CarriedKey, clients: Clients) -> bool {
    if carried.client && clients == Clients::None {
        return false;
    }
    let Some(application) = carried.reader else {
        let Some(component) = carried.component else {
            return false;
        };
        let on = |side| {
            change
                .of_kind(Kind::StatefulSet)
                .any(|set| set.camunda && set.component == component && set.on(side).is_some())
        };
        // Where the new chart makes a Secret of its own, that has the old keys, and the new ones are read from it.
        let made_by_chart = || !carried.by_default && change.values.text(&carried.secret).is_none();
        return on(Side::Running) && (!on(Side::Planned) || made_by_chart());
    };
    let variable = carried.variable.as_deref();
    let given = change
        .application(application, Side::Planned)
        .and_then(|workload| workload.on(Side::Planned))
        .zip(variable)
        .is_some_and(|(workload, variable)| workload.has_env(variable));
    let ran = carried.with.unwrap_or(application);
    runs(change, ran, Side::Running) && !given
}

/// The Secret of the user's own that had the credential, and its key.
fn own_secret(
    change: &Change,
    source: &Map<String, Value>,
    carried: &CarriedKey,
) -> Option<(String, String)> {
    let old = change.from.as_ref()?.line?;
    let fact = old
        .credentials
        .iter()
        .find(|fact| Some(&fact.name) == carried.from.as_ref())?;
    let text = |key: &str| {
        at_key(source, key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    // 13 names a Secret where 12 did, or 12 had a mapping with its name.
    let named = text(&carried.secret)
        .or_else(|| {
            let name = at_key(source, &fact.value)?.get("name")?.as_str()?;
            Some(name.to_owned())
        })
        // What can be no name may be the secret itself.
        .filter(|name| is_name(name))?;
    let key = text(&carried.secret_key)
        .or_else(|| text(&format!("{}Key", fact.value)))
        .filter(|key| is_key(key))
        .unwrap_or_else(|| fact.key.clone());
    Some((named, key))
}

/// The value that gives a credential itself beside the one that names a Secret.
fn in_place(secret: &str) -> Option<String> {
    let (parent, _) = secret.rsplit_once('.')?;
    parent
        .ends_with(".secret")
        .then(|| format!("{parent}.inlineSecret"))
}
