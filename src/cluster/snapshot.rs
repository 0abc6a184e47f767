//! Objects in memory, read from a file as `kubectl get … -o json` writes it.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::Value;

use crate::object::{Kind, Object, ObjectRef};

/// A cluster that doesn't change.
#[derive(Debug, Default)]
pub struct Snapshot {
    objects: BTreeMap<ObjectRef, Arc<Object>>,
}

/// Why a file is no snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It can't be read.
    #[error("can't read {0}: {1}")]
    Read(String, std::io::Error),
    /// It isn't JSON.
    #[error("{0} is not JSON: {1}")]
    Json(String, serde_json::Error),
    /// It isn't a list of objects.
    #[error("{0} is no List: it has no items")]
    NoList(String),
}

impl Snapshot {
    /// Reads a `List` of objects.
    ///
    /// # Errors
    /// When the file can't be read or is no list.
    pub fn read(path: &Path) -> Result<Snapshot, SnapshotError> {
        let name = path.display().to_string();
        let text = std::fs::read(path).map_err(|error| SnapshotError::Read(name.clone(), error))?;
        let list: Value = serde_json::from_slice(&text)
            .map_err(|error| SnapshotError::Json(name.clone(), error))?;
        let items = list
            .get("items")
            .and_then(Value::as_array)
            .ok_or(SnapshotError::NoList(name))?;
        Ok(items.iter().cloned().collect())
    }

    pub(super) fn get(&self, reference: &ObjectRef) -> Option<Arc<Object>> {
        self.objects.get(reference).cloned()
    }

    pub(super) fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &[(&str, &str)],
    ) -> Vec<Arc<Object>> {
        self.objects
            .iter()
            .filter(|(reference, _)| {
                let elsewhere = namespace.is_some_and(|namespace| reference.namespace != namespace);
                reference.kind == kind && !(kind.namespaced() && elsewhere)
            })
            .filter(|(_, object)| {
                labels
                    .iter()
                    .all(|(key, value)| object.label(key) == Some(value))
            })
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }
}

/// Objects of kinds that no rule reads are left out.
impl FromIterator<Value> for Snapshot {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let objects = values
            .into_iter()
            .filter_map(|value| {
                let kind = Kind::from_name(value.get("kind")?.as_str()?)?;
                let object = Object(value);
                let reference =
                    ObjectRef::new(kind, object.namespace().unwrap_or_default(), object.name());
                Some((reference, Arc::new(object)))
            })
            .collect();
        Self { objects }
    }
}
