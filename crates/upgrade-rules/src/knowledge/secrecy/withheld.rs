//! Withholds values that are not known to be harmless: they are never printed, not even a user's own value.

use serde_json::{Map, Value};

use super::{is_bare_reference, is_harmless, is_plain, may_be_shown};
use crate::terminal::printable;

/// Removes all values that are not known to be harmless; returns their keys.
///
/// A list goes as a whole: Helm puts a list in the place of another one, and half of it would lose the rest.
pub(crate) fn withhold(values: &mut Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    take(&mut Vec::new(), values, &mut found);
    found
}

fn take(path: &mut Vec<String>, map: &mut Map<String, Value>, found: &mut Vec<String>) {
    map.retain(|key, value| {
        path.push(key.clone());
        let kept = match value {
            Value::Object(below) if !below.is_empty() => {
                take(path, below, found);
                !below.is_empty()
            }
            _ => {
                let parts: Vec<_> = path.iter().map(String::as_str).collect();
                // What no terminal shows would be changed on its way there.
                let is_shown = parts.iter().all(|part| printable(part) == **part);
                let harmless = is_shown && all_harmless(&parts, value);
                if !harmless {
                    found.push(path.join("."));
                }
                harmless
            }
        };
        path.pop();
        kept
    });
}

/// Whether the whole value may be shown.
pub(crate) fn all_harmless(path: &[&str], value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(_) => path.last().is_some_and(|name| may_be_shown(name)),
        Value::String(text) => printable(text) == *text && is_harmless(path, text),
        Value::Array(items) => items.iter().all(|item| all_harmless(path, item)),
        Value::Object(map) => map.iter().all(|(key, below)| {
            if key == "value"
                && let Some(name) = map.get("name").and_then(Value::as_str)
            {
                return is_harmless_variable(name, below);
            }
            let path: Vec<_> = path.iter().copied().chain([key.as_str()]).collect();
            all_harmless(&path, below)
        }),
    }
}

/// An environment variable may be called anything.
fn is_harmless_variable(name: &str, value: &Value) -> bool {
    let plain = |text: &str| is_plain(text) && may_be_shown(name);
    match value {
        Value::String(text) => text.is_empty() || is_bare_reference(text) || plain(text),
        Value::Number(number) => plain(&number.to_string()),
        value => !value.is_object() && !value.is_array(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_where_what_is_not_harmless_stands_may_be_told() {
        let Value::Object(mut values) = json!({
            "auth": {"password": "hunter2", "existingSecret": "mine", "secretKeys": {"userPasswordKey": "password"}},
            "pin": {"password": 12345, "count": 12345},
            "env": [{"name": "A", "value": "hunter2"}, {"name": "B", "value": "1"}],
            "harmless": {"env": [{"name": "C_PASSWORD", "value": "$(OTHER)"}, {"name": "B", "value": "1"},
                {"name": "D", "valueFrom": {"secretKeyRef": {"name": "mine", "key": "password"}}}]},
            "file": "a: b\nldap.password: hunter2\n",
            "sidecars": [{"name": "a", "args": ["--token=hunter2"]}],
            "files": {"a.yaml": "password: ${PASSWORD:hunter2}\n"},
            "turned": {"name": "a\u{202e}b", "count\u{200b}": 1},
        }) else {
            unreachable!()
        };
        let found = withhold(&mut values);
        let left = Value::Object(values).to_string();
        assert!(!left.contains("hunter2"), "{left}");
        for kept in [
            "mine",
            "userPasswordKey",
            "$(OTHER)",
            "secretKeyRef",
            "count",
        ] {
            assert!(left.contains(kept), "{kept}: {left}");
        }
        let withheld = [
            "auth.password",
            "pin.password",
            "env",
            "file",
            "sidecars",
            "files.a.yaml",
            "turned.name",
            "turned.count\u{200b}",
        ];
        let mut found: Vec<_> = found.iter().map(String::as_str).collect();
        found.sort_by_key(|key| withheld.iter().position(|it| it == key));
        assert_eq!(found, withheld);
    }
}
