//! The Secrets' keys that a workload reads: environment, mounted files, whole Secrets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::env_source;
use crate::kubernetes::{Object, at};

/// A Secret that a workload reads; without a key, all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretRef {
    /// The Secret's name.
    pub secret: String,
    /// The key, or `None` for all keys.
    pub key: Option<String>,
    /// Whether the pods start without it.
    pub optional: bool,
}

impl SecretRef {
    /// `source` is what holds the reference: it says whether that is optional.
    fn new(secret: &Value, key: Option<&Value>, source: &Value) -> Option<Self> {
        Some(Self {
            secret: secret.as_str()?.to_owned(),
            key: key.and_then(Value::as_str).map(str::to_owned),
            optional: source.get("optional").and_then(Value::as_bool) == Some(true),
        })
    }

    /// Whether this reads a key of a Secret.
    pub fn reads(&self, secret: &str, key: &str) -> bool {
        self.secret == secret && self.key.as_deref().is_none_or(|read| read == key)
    }
}

/// All Secrets that a workload's pods read.
pub fn secret_refs(workload: &Object) -> BTreeSet<SecretRef> {
    let mut refs = BTreeSet::new();
    for container in workload.containers() {
        for env in list(container, "/env") {
            if let Some(from) = at(env, "/valueFrom/secretKeyRef") {
                refs.extend(
                    from.get("name")
                        .and_then(|name| SecretRef::new(name, from.get("key"), from)),
                );
            }
        }
        for from in list(container, "/envFrom") {
            if let Some(from) = from.get("secretRef") {
                let name = from.get("name");
                refs.extend(name.and_then(|name| SecretRef::new(name, None, from)));
            }
        }
        refs.extend(env_source::files(workload, container));
    }
    for volume in workload.array("/spec/template/spec/volumes") {
        if let Some(secret) = volume.get("secret") {
            mounted(secret.get("secretName"), secret, &mut refs);
        }
        for source in list(volume, "/projected/sources") {
            if let Some(secret) = source.get("secret") {
                mounted(secret.get("name"), secret, &mut refs);
            }
        }
    }
    refs
}

fn mounted(name: Option<&Value>, source: &Value, refs: &mut BTreeSet<SecretRef>) {
    let Some(name) = name else { return };
    let items = list(source, "/items");
    if items.is_empty() {
        refs.extend(SecretRef::new(name, None, source));
    }
    for item in items {
        refs.extend(SecretRef::new(name, item.get("key"), source));
    }
}

pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    at(value, pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_every_way_to_read_a_secret() {
        let workload = Object(json!({"spec": {"template": {"spec": {
            "initContainers": [{"envFrom": [{"secretRef": {"name": "whole"}}]}],
            "containers": [{"env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}},
                {"name": "B", "value": "plain"},
            ]}],
            "volumes": [
                {"secret": {"secretName": "mounted"}},
                {"secret": {"secretName": "items", "items": [{"key": "i", "path": "p"}]}},
                {"projected": {"sources": [{"secret": {"name": "projected", "items": [{"key": "j"}]}}]}},
            ],
        }}}}));
        let refs = secret_refs(&workload);
        for (secret, key) in [
            ("whole", "x"),
            ("one", "k"),
            ("mounted", "y"),
            ("items", "i"),
            ("projected", "j"),
        ] {
            assert!(refs.iter().any(|r| r.reads(secret, key)), "{secret} {key}");
        }
        for (secret, key) in [
            ("one", "other"),
            ("items", "k"),
            ("projected", "i"),
            ("none", "k"),
        ] {
            assert!(!refs.iter().any(|r| r.reads(secret, key)), "{secret} {key}");
        }
    }
}
