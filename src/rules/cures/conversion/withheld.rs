//! What may be secret is never printed, not even a user's own value.

use serde_json::{Map, Value};

use super::super::convert::Converted;
use crate::secrecy::holds_secret;

/// Takes what may be secret out of the values and says so.
pub(super) fn withhold(values: &mut Converted) {
    let (values, notes) = values.parts();
    from_map(values, notes);
}

/// Takes what may be secret out of a map; a note each says what stays to be filled in.
pub(crate) fn from_map(values: &mut Map<String, Value>, notes: &mut Vec<String>) {
    let mut found = Vec::new();
    take("", values, &mut found);
    notes.extend(
        found
            .into_iter()
            .map(|key| format!("{key}: fill in your value; it is not shown here.")),
    );
}

fn take(path: &str, map: &mut Map<String, Value>, found: &mut Vec<String>) {
    map.retain(|key, value| {
        let path = match path {
            "" => key.clone(),
            path => format!("{path}.{key}"),
        };
        match value {
            Value::Object(below) => {
                take(&path, below, found);
                !below.is_empty()
            }
            Value::Array(items) => {
                items.retain(|item| {
                    let told = variable(item);
                    found.extend(told.map(|name| format!("{name} in {path}")));
                    told.is_none()
                });
                !items.is_empty()
            }
            Value::String(text) if holds_secret(key, text) => {
                found.push(path);
                false
            }
            _ => true,
        }
    });
}

/// The name of an environment variable with a secret in place.
fn variable(item: &Value) -> Option<&str> {
    let name = item.get("name")?.as_str()?;
    let value = item.get("value")?.as_str()?;
    holds_secret(name, value).then_some(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_where_a_secret_is_may_be_told() {
        let Value::Object(mut values) = json!({
            "auth": {"password": "hunter2", "existingSecret": "mine", "secretKeys": {"userPasswordKey": "password"}},
            "env": [{"name": "A_TOKEN", "value": "hunter2"}, {"name": "B", "value": "b"},
                {"name": "C_PASSWORD", "value": "$(OTHER)"}],
            "file": "a: b\nldap.password: hunter2\n",
            "harmless": "a: b\npassword: ${PASSWORD}\n",
        }) else {
            unreachable!()
        };
        let mut notes = Vec::new();
        from_map(&mut values, &mut notes);
        let left = Value::Object(values).to_string();
        assert!(!left.contains("hunter2"), "{left}");
        for kept in ["mine", "userPasswordKey", "\"b\"", "$(OTHER)", "harmless"] {
            assert!(left.contains(kept), "{kept}: {left}");
        }
        assert_eq!(notes.len(), 3, "{notes:?}");
    }
}
