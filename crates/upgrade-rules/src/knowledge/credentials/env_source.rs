//! The source of an environment variable: an inline value, a Secret's key, or a Secret's key as a file.

use std::collections::BTreeSet;

use serde_json::Value;

use super::readers::{SecretRef, list};
use crate::kubernetes::{Object, at};

/// A variable with this at its end names a file that holds the value.
const FILE: &str = "_FILE";

/// The source of a variable's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The manifest itself.
    Inline(String),
    /// A key of a Secret.
    Key { secret: String, key: String },
}

/// A variable of a container and where its value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) container: String,
    pub(crate) variable: String,
    pub(crate) source: Source,
}

/// Returns how a workload reads the first of `names` that it has; `has` tells which keys a whole Secret brings along.
///
/// A file wins over the variable itself, as in Bitnami's images, and the variable over a whole Secret.
pub(crate) fn reading(
    workload: &Object,
    names: &[&str],
    has: impl Fn(&str, &str) -> bool,
) -> Option<Reading> {
    let found = |container: &Value| {
        names.iter().find_map(|name| {
            let file = format!("{name}{FILE}");
            let source = variable(container, &file)
                .and_then(|file| file_key(workload, container, file.get("value")?.as_str()?))
                .and_then(|SecretRef { secret, key, .. }| Some(Source::Key { secret, key: key? }))
                .or_else(|| in_place(variable(container, name)?))
                .or_else(|| of_whole_secret(container, name, &has))?;
            Some(Reading {
                container: text(container, "name")?,
                variable: (*name).to_owned(),
                source,
            })
        })
    };
    workload.containers().find_map(found)
}

/// The variables of a workload, those of its files without what says so, and where each value comes from.
pub(crate) fn readings(workload: &Object) -> Vec<Reading> {
    let names: BTreeSet<_> = workload
        .containers()
        .flat_map(|container| list(container, "/env"))
        .filter_map(|env| env.get("name")?.as_str())
        .map(|name| name.strip_suffix(FILE).unwrap_or(name))
        .collect();
    let read = |name| reading(workload, &[name], |_, _| false);
    names.into_iter().filter_map(read).collect()
}

/// Whether a workload could read one of `names` at all: a cheap check, asked for every workload, and most read none.
pub(crate) fn may_read<'n>(
    workload: &Object,
    names: impl Iterator<Item = &'n str> + Clone,
) -> bool {
    workload.containers().any(|container| {
        let whole = list(container, "/envFrom");
        whole.iter().any(|from| from.get("secretRef").is_some())
            || list(container, "/env").iter().any(|env| {
                let name = env.get("name").and_then(Value::as_str).unwrap_or_default();
                let name = name.strip_suffix(FILE).unwrap_or(name);
                names.clone().any(|other| other == name)
            })
    })
}

/// The keys behind the files that a container's variables name.
pub(crate) fn files(workload: &Object, container: &Value) -> Vec<SecretRef> {
    let named = list(container, "/env").iter().filter_map(|env| {
        env.get("name")?.as_str()?.strip_suffix(FILE)?;
        file_key(workload, container, env.get("value")?.as_str()?)
    });
    named.collect()
}

/// The last of one name counts.
fn variable<'a>(container: &'a Value, name: &str) -> Option<&'a Value> {
    let is = |env: &&Value| env.get("name").and_then(Value::as_str) == Some(name);
    list(container, "/env").iter().rev().find(is)
}

fn in_place(env: &Value) -> Option<Source> {
    if let Some(from) = at(env, "/valueFrom/secretKeyRef") {
        return Some(Source::Key {
            secret: text(from, "name")?,
            key: text(from, "key")?,
        });
    }
    // Made of other variables: what it comes to is not followed.
    let value = text(env, "value").filter(|value| !value.contains("$("))?;
    Some(Source::Inline(value))
}

fn of_whole_secret(
    container: &Value,
    name: &str,
    has: impl Fn(&str, &str) -> bool,
) -> Option<Source> {
    list(container, "/envFrom").iter().rev().find_map(|from| {
        let secret = at(from, "/secretRef/name")?.as_str()?;
        let prefix = from.get("prefix").and_then(Value::as_str).unwrap_or("");
        let key = name.strip_prefix(prefix)?;
        has(secret, key).then(|| Source::Key {
            secret: secret.to_owned(),
            key: key.to_owned(),
        })
    })
}

/// The Secret and key that a file of a container is; the longest mount path that it is under counts.
pub(crate) fn file_key(workload: &Object, container: &Value, path: &str) -> Option<SecretRef> {
    let under = |mount: &Value| {
        let mounted = mount.get("mountPath")?.as_str()?.trim_end_matches('/');
        let rest = path.strip_prefix(mounted)?;
        let within = rest.strip_prefix('/').map(str::to_owned);
        let file = match (mount.get("subPath").and_then(Value::as_str), within) {
            (Some(sub), None) if rest.is_empty() => sub.to_owned(),
            (Some(sub), Some(within)) => format!("{sub}/{within}"),
            (None, Some(within)) => within,
            _ => return None,
        };
        Some((mounted.len(), text(mount, "name")?, file))
    };
    let mounts = list(container, "/volumeMounts").iter().filter_map(under);
    let (_, volume, file) = mounts.max_by_key(|(length, _, _)| *length)?;
    let volume = workload
        .array("/spec/template/spec/volumes")
        .iter()
        .find(|other| other.get("name").and_then(Value::as_str) == Some(&volume))?;
    if let Some(secret) = volume.get("secret") {
        return key_of(secret, "secretName", &file);
    }
    let sources = || {
        let sources = list(volume, "/projected/sources").iter();
        sources.filter_map(|source| source.get("secret"))
    };
    // A source that brings all its keys may be any file's; one that names its files comes first.
    let named = sources().filter(|secret| !list(secret, "/items").is_empty());
    let all = sources().filter(|secret| list(secret, "/items").is_empty());
    named
        .chain(all)
        .find_map(|secret| key_of(secret, "name", &file))
}

fn key_of(secret: &Value, name: &str, file: &str) -> Option<SecretRef> {
    let items = list(secret, "/items");
    let named = |item: &&Value| item.get("path").and_then(Value::as_str) == Some(file);
    let key = match items {
        [] => file.to_owned(),
        items => text(items.iter().find(named)?, "key")?,
    };
    Some(SecretRef {
        secret: text(secret, name)?,
        key: Some(key),
        optional: secret.get("optional").and_then(Value::as_bool) == Some(true),
    })
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload() -> Object {
        Object(json!({"spec": {"template": {"spec": {
            "containers": [{
                "name": "c",
                "env": [
                    {"name": "PLAIN", "value": "old"},
                    {"name": "PLAIN", "value": "new"},
                    {"name": "MADE", "value": "$(PLAIN)"},
                    {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                    {"name": "WHOLE_FILE", "value": "/run/secrets/admin"},
                    {"name": "NAMED_FILE", "value": "/run/secrets/db-password"},
                    {"name": "ONE_FILE", "value": "/etc/one"},
                ],
                "envFrom": [{"secretRef": {"name": "first"}}, {"prefix": "P_", "secretRef": {"name": "last"}}],
                "volumeMounts": [
                    {"name": "root", "mountPath": "/run"},
                    {"name": "secrets", "mountPath": "/run/secrets"},
                    {"name": "single", "mountPath": "/etc/one", "subPath": "x"},
                ],
            }],
            "volumes": [
                {"name": "root", "emptyDir": {}},
                {"name": "single", "secret": {"secretName": "single"}},
                {"name": "secrets", "projected": {"sources": [
                    {"secret": {"name": "all"}},
                    {"secret": {"name": "db", "items": [{"key": "password", "path": "db-password"}]}},
                ]}},
            ],
        }}}}))
    }

    #[test]
    fn a_value_is_followed_to_where_it_is() {
        let key = |secret: &str, key: &str| {
            Some(Source::Key {
                secret: secret.to_owned(),
                key: key.to_owned(),
            })
        };
        let source = |name: &str| {
            let found = reading(&workload(), &["NONE", name], |_, key| key == "VARIABLE");
            found.map(|reading| reading.source)
        };
        assert_eq!(source("PLAIN"), Some(Source::Inline("new".to_owned())));
        assert_eq!(source("MADE"), None);
        assert_eq!(source("KEY"), key("s", "k"));
        assert_eq!(source("WHOLE"), key("all", "admin"));
        assert_eq!(source("NAMED"), key("db", "password"));
        assert_eq!(source("ONE"), key("single", "x"));
        assert_eq!(source("P_VARIABLE"), key("last", "VARIABLE"));
        assert_eq!(source("VARIABLE"), key("first", "VARIABLE"));
        let all = readings(&workload());
        let names: Vec<_> = all.iter().map(|it| it.variable.as_str()).collect();
        assert_eq!(names, ["KEY", "NAMED", "ONE", "PLAIN", "WHOLE"]);
    }
}
