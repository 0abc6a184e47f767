//! Clients that somebody has to register at an identity provider, since nothing on the cluster can.

use super::carry_over::{self, Content};
use crate::{
    camunda::{CarriedKey, Line},
    change::{Change, Facts, secret_data},
    finding::{Command, Fix, Flag},
    knowledge::authentication::Method,
    kubernetes::Kind,
};

/// Whether applications log in at an external OIDC provider, before the change or after it; its clients must be set up by hand.
pub(crate) fn is_external(change: &Change, facts: &Facts) -> bool {
    // In 12 the type of the provider says it, in 13 only where it is.
    let was = matches!(
        Method::before(change, facts),
        Some(Method::Provider {
            keycloak: false,
            ..
        })
    );
    was || matches!(
        Method::after(change, facts),
        Some(Method::Provider { keycloak: false, places }) if !places.is_empty()
    )
}

/// The new client that reads its secret under this key, if it is one.
pub(crate) fn client(change: &Change, key: &str) -> Option<&'static CarriedKey> {
    let line = change.target_line()?;
    let mut keys = line.carried_over.iter();
    keys.find(|carried| carried.key == key && carried.client_id.is_some())
}

/// Returns the registration step at the provider, and the flags that pass the client ids, which only that person knows.
///
/// A flag fails where its variable is not set, so that nothing goes on with a made-up id.
pub(crate) fn register(
    change: &Change,
    clients: &[(&CarriedKey, Option<String>)],
) -> (Fix, Vec<Flag>) {
    let lines = clients.iter().map(|(client, secret)| {
        let (who, variable) = (who(client), variable(client));
        let secret = match secret {
            Some(secret) => format!("; its secret goes into Secret {secret}, key {}", client.key),
            None => String::new(),
        };
        Command::Manual(format!(
            "Register a client for {who} and set {variable} to its id{secret}."
        ))
    });
    let intro = "Do this at your identity provider first; it knows no client that nobody has registered there:";
    let flags = clients.iter().map(|(client, _)| id_flag(change, client));
    (Fix::new(intro, lines), flags.collect())
}

/// Returns the steps for a client whose id or secret is missing.
pub(crate) fn cure(
    change: &Change,
    facts: &Facts,
    client: &CarriedKey,
    lacks_id: bool,
    lacks_secret: bool,
) -> Vec<Fix> {
    let secret = change
        .target_line()
        .and_then(Line::secret_of_users)
        .filter(|_| lacks_secret);
    let (mut fixes, mut flags) = (Vec::new(), Vec::new());
    if lacks_id {
        let (fix, id) = register(change, &[(client, secret.map(str::to_owned))]);
        fixes.push(fix);
        flags.extend(id);
    }
    if let Some(secret) = secret {
        let live = facts.named(Kind::Secret, &change.namespace, secret);
        if !live.is_some_and(|live| secret_data(live).contains_key(client.key.as_str())) {
            let asked = [(client.key.clone(), Content::Asked)];
            fixes.extend(carry_over::fill(facts, &change.namespace, secret, &asked));
        }
        flags.push(flag(change, &client.secret, secret));
        flags.push(flag(change, &client.secret_key, &client.key));
    }
    fixes.push(Fix::new("and add to your helm upgrade:", flags));
    fixes
}

fn flag(change: &Change, key: &str, value: &str) -> Flag {
    Flag::set_string(change.values.key_in_file(key), value)
}

fn id_flag(change: &Change, client: &CarriedKey) -> Flag {
    let key = client.client_id.as_deref().unwrap_or_default();
    let id = format!(
        "\"${{{}:?set it to the id of the client of {}}}\"",
        variable(client),
        who(client)
    );
    Flag::set_word(change.values.key_in_file(key), id)
}

fn who(client: &CarriedKey) -> &str {
    client.client_of.as_deref().unwrap_or("the application")
}

/// `identity-orchestration-client-token` is of `ORCHESTRATION_CLIENT_ID`.
fn variable(client: &CarriedKey) -> String {
    let name = client.key.strip_prefix("identity-").unwrap_or(&client.key);
    let name = name.split("-client").next().unwrap_or(name);
    format!("{}_CLIENT_ID", name.to_uppercase().replace('-', "_"))
}
