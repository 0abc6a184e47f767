//! The Secret that keeps credentials: created once, keys added later, never overwritten.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::Found;
use crate::{change::secret_data, kubernetes::Object};

/// Annotation of the keeping Secret: the release whose credentials it keeps.
pub const RESCUED_FROM: &str = "camunda-upgrade-guard/rescued-from";

/// What the keeping Secret still lacks.
pub enum Missing {
    /// The whole Secret.
    Secret(Value),
    /// These keys, with the merge patch that adds them.
    Keys(Vec<String>, Value),
    /// Nothing.
    Nothing,
}

/// Reason why credentials can't be written to the Secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The Secret keeps another release's credentials.
    #[error("Secret {name} keeps the credentials of release {release}; --to another name")]
    OtherRelease {
        /// The Secret.
        name: String,
        /// The release.
        release: String,
    },
    /// Somebody else created the Secret.
    #[error("Secret {0} is there and was not made by rescue; --to another name")]
    Foreign(String),
    /// The Secret has other values under these keys.
    #[error(
        "Secret {name} keeps other values under {} than the cluster has now; those from before are left as they are: --to another name",
        .keys.join(", ")
    )]
    OtherValues {
        /// The Secret.
        name: String,
        /// The keys.
        keys: Vec<String>,
    },
}

/// Returns what the keeping Secret still lacks; `secret` is None if it does not exist.
///
/// # Errors
/// When it is not rescue's own, or has other values under the same keys.
pub fn missing(
    secret: Option<&Object>,
    namespace: &str,
    name: &str,
    release: &str,
    found: &[Found],
) -> Result<Missing, KeepError> {
    let name = name.to_owned();
    let Some(secret) = secret else {
        return Ok(Missing::Secret(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace, "annotations": {RESCUED_FROM: release}},
            "type": "Opaque",
            "data": encoded(found.iter()),
        })));
    };
    match secret.annotation(RESCUED_FROM) {
        Some(of) if of == release => {}
        Some(of) => {
            let release = of.to_owned();
            return Err(KeepError::OtherRelease { name, release });
        }
        None => return Err(KeepError::Foreign(name)),
    }
    let kept: BTreeMap<_, _> = secret_data(secret);
    let others: Vec<_> = found
        .iter()
        .filter(|found| {
            let kept = kept.get(found.key.as_str());
            kept.is_some_and(|kept| *kept != found.value)
        })
        .map(|found| found.key.clone())
        .collect();
    if !others.is_empty() {
        return Err(KeepError::OtherValues { name, keys: others });
    }
    let new: Vec<_> = found
        .iter()
        .filter(|found| !kept.contains_key(found.key.as_str()))
        .collect();
    if new.is_empty() {
        return Ok(Missing::Nothing);
    }
    let keys = new.iter().map(|found| found.key.clone()).collect();
    let version = secret.at("/metadata/resourceVersion");
    let patch = json!({
        "metadata": {"resourceVersion": version},
        "data": encoded(new.into_iter()),
    });
    Ok(Missing::Keys(keys, patch))
}

fn encoded<'a>(found: impl Iterator<Item = &'a Found>) -> Map<String, Value> {
    found
        .map(|found| {
            let value = STANDARD.encode(&found.value);
            (found.key.clone(), value.into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camunda::Supply;

    fn found(key: &str, value: &str) -> Found {
        Found {
            name: key.to_owned(),
            key: key.to_owned(),
            supply: Supply::WithoutGeneration,
            value: value.as_bytes().to_owned(),
        }
    }

    fn look(secret: Option<&Object>, found: &[Found]) -> Result<Missing, KeepError> {
        missing(secret, "prod", "kept", "camunda", found)
    }

    #[test]
    fn it_is_filled_up_and_never_changed() {
        let Ok(Missing::Secret(secret)) = look(None, &[found("a", "one")]) else {
            panic!("there is none yet");
        };
        assert_eq!(secret["data"], json!({"a": "b25l"}));
        let secret = Object(secret);
        assert!(matches!(
            look(Some(&secret), &[found("a", "one")]),
            Ok(Missing::Nothing)
        ));
        let more = [found("a", "one"), found("b", "two")];
        let Ok(Missing::Keys(keys, patch)) = look(Some(&secret), &more) else {
            panic!("one is missing");
        };
        assert_eq!(keys, ["b"]);
        assert_eq!(patch["data"], json!({"b": "dHdv"}));

        let because = look(Some(&secret), &[found("a", "other")]).err().unwrap();
        let because = because.to_string();
        assert!(
            because.contains("under a ") && !because.contains("other\""),
            "{because}"
        );
        let because = missing(Some(&secret), "prod", "kept", "second", &[]);
        let because = because.err().unwrap().to_string();
        assert!(because.contains("of release camunda"), "{because}");
        let foreign = Object(json!({"metadata": {"name": "kept"}, "data": {"a": "b25l"}}));
        let because = look(Some(&foreign), &[found("a", "one")]).err().unwrap();
        let because = because.to_string();
        assert!(because.contains("was not made by rescue"), "{because}");
    }
}
