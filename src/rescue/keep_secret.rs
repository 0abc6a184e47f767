//! The Secret that keeps credentials: made once, filled up later, never changed.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::Found;
use crate::{change::secret_data, kubernetes::Object};

/// Put on the Secret: the release whose credentials it keeps.
pub const RESCUED_FROM: &str = "camunda-upgrade-guard/rescued-from";

/// What the Secret is still to be given.
pub enum Missing {
    /// All of it.
    Secret(Value),
    /// These keys, as a merge patch.
    Keys(Vec<String>, Value),
    /// Nothing.
    Nothing,
}

/// Why the Secret can't be given anything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// It keeps another release's credentials.
    #[error("Secret {name} keeps the credentials of release {release}; --to another name")]
    OtherRelease {
        /// The Secret.
        name: String,
        /// The release.
        release: String,
    },
    /// Somebody else has made it.
    #[error("Secret {0} is there and was not made by rescue; --to another name")]
    Foreign(String),
    /// It would have to be changed.
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

/// What is missing of the Secret that is there, if one is.
///
/// # Errors
/// When it is somebody else's, or holds other values under the same keys.
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
