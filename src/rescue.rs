//! The credentials of a release, kept in a Secret that no `helm uninstall` takes along, and given to the chart again.
//!
//! [`read`] finds what the release's Secrets hold, [`kept`] says what of it the Secret is still to be given, [`values`] what
//! makes the next installation use it. A credential's value goes from Secret to Secret and nowhere else.

pub mod keep_secret;
pub mod read;
pub mod values;

use std::collections::BTreeSet;

use crate::{
    camunda::{self, CarriedKey, Line, Supply},
    change::secret_data,
    helm::values::Values,
    kubernetes::Object,
};

/// A credential of a release that is on the cluster.
#[derive(Clone)]
pub struct Found {
    /// What it is for: `tasklist`, `keycloak-admin`, ….
    pub name: String,
    /// Its key in the Secret that keeps it.
    pub key: String,
    /// How its own line is given it.
    pub supply: Supply,
    /// Its value, which is why this has no [`std::fmt::Debug`].
    pub value: Vec<u8>,
}

/// A release and its credentials.
pub struct Rescued {
    /// Its line, where its chart is of one that is known.
    pub line: Option<&'static Line>,
    /// What its user set: whether there is an umbrella chart.
    pub values: Values,
    /// Each once.
    pub found: Vec<Found>,
    /// The Secrets that its chart renders.
    pub rendered: BTreeSet<String>,
}

/// The credentials that Secrets hold, of two of a name the first; with each Secret goes the path of subcharts that it was rendered
/// from, where that is known.
pub fn credentials(secrets: &[(&Object, Option<&[String]>)], line: Option<&Line>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (secret, charts) in secrets {
        for (key, value) in secret_data(secret) {
            let Some(credential) = camunda::credential(secret, key, *charts, line) else {
                continue;
            };
            if value.is_empty() || found.iter().any(|other| other.name == credential.name) {
                continue;
            }
            found.push(Found {
                key: key_of(&credential.name),
                name: credential.name,
                supply: credential.supply,
                value,
            });
        }
    }
    found.sort_by(|one, other| one.key.cmp(&other.key));
    found.dedup_by(|one, other| one.key == other.key);
    found
}

/// The key that 13 has for it in the Secret that a user makes, so that the Secret may be just that; else its name.
fn key_of(name: &str) -> String {
    carried(Line::all().iter(), name)
        .map_or(name, |carried| &carried.key)
        .to_owned()
}

/// The key of a Secret of the user's that takes a credential's place; one that a hook generates has its name.
fn carried<'a>(
    lines: impl DoubleEndedIterator<Item = &'a Line>,
    name: &str,
) -> Option<&'a CarriedKey> {
    lines
        .rev()
        .flat_map(|line| &line.carried_over)
        .find(|carried| carried.from.as_deref() == Some(name) || carried.key == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn credentials_are_found_once_and_nothing_else_is() {
        let secret = |name: &str, key: &str, value: &str| {
            Object(json!({
                "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "postgresql"}},
                "data": {key: value, "unrelated": "eA=="},
            }))
        };
        let rendered = secret("camunda-keycloak", "admin-password", "b25l");
        let kept = secret("kept-keycloak", "admin-password", "dHdv");
        let empty = secret("camunda-postgresql", "password", "");
        let secrets = [(&rendered, None), (&kept, None), (&empty, None)];
        let found = credentials(&secrets, Line::of("12.13.3"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "keycloak-admin");
        assert_eq!(found[0].key, "identity-keycloak-admin-password");
        assert_eq!(found[0].value, b"one");
        assert_eq!(key_of("tasklist"), "tasklist");
    }
}
