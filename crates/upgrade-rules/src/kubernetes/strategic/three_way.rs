//! Helm's patch from three versions of an object: the running manifest's, the new one's, and the live one.

use serde_json::{Map, Value};

use super::{
    PatchError, Schema,
    apply::{self, Into},
    diff::{self, Half},
};

/// A patch, and how the API server is to read it.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// For Kubernetes' built-in kinds.
    Strategic(Map<String, Value>),
    /// For any other kind; lists are replaced.
    Merge(Map<String, Value>),
}

impl Patch {
    /// Whether the patch is empty, so that Helm sends nothing.
    pub fn is_empty(&self) -> bool {
        let (Patch::Strategic(patch) | Patch::Merge(patch)) = self;
        patch.is_empty()
    }
}

/// The patch that Helm sends for an object that is there.
///
/// # Errors
/// Where Kubernetes' library refuses, too; Helm stops there.
pub fn patch(original: &Value, modified: &Value, current: &Value) -> Result<Patch, PatchError> {
    let text = |key: &str| {
        modified
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (original, modified) = (map(original)?, map(modified)?);
    match Schema::of(text("apiVersion"), text("kind")) {
        Some(schema) => strategic(original, modified, map(current)?, schema).map(Patch::Strategic),
        None => Ok(Patch::Merge(merge_patch(original, modified))),
    }
}

/// Returns the live object after the API server applied Helm's patch.
///
/// # Errors
/// As [`patch`].
pub fn patched(
    schema: Schema,
    original: &Value,
    modified: &Value,
    current: &Value,
) -> Result<Value, PatchError> {
    let current = map(current)?;
    let patch = strategic(map(original)?, map(modified)?, current, schema)?;
    apply::objects(current.clone(), patch, schema, Into::Object).map(Value::Object)
}

fn map(value: &Value) -> Result<&Map<String, Value>, PatchError> {
    value.as_object().ok_or(PatchError::NoObject)
}

fn strategic(
    original: &Map<String, Value>,
    modified: &Map<String, Value>,
    current: &Map<String, Value>,
    schema: Schema,
) -> Result<Map<String, Value>, PatchError> {
    let changes = diff::objects(current, modified, schema, Half::Changes, false)?;
    let deletions = diff::objects(original, modified, schema, Half::Deletions, false)?;
    apply::objects(deletions, changes, schema, Into::Patch)
}

/// A JSON merge patch; Helm does not look at what is live for it.
fn merge_patch(original: &Map<String, Value>, modified: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, after) in modified {
        match (original.get(key), after) {
            (Some(Value::Object(before)), Value::Object(after)) => {
                let differs = merge_patch(before, after);
                if !differs.is_empty() {
                    patch.insert(key.clone(), Value::Object(differs));
                }
            }
            (Some(before), after) if before == after => {}
            _ => {
                patch.insert(key.clone(), after.clone());
            }
        }
    }
    let gone = original.keys().filter(|key| !modified.contains_key(*key));
    patch.extend(gone.map(|key| (key.clone(), Value::Null)));
    patch
}
