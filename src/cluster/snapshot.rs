//! Objects in memory, read from a file as `kubectl get … -o json` writes it.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::Value;

use super::ReadError;
use crate::{
    kubernetes::{Kind, Object, ObjectRef},
    snapshot::NotRead,
};

/// A cluster's objects, fixed in memory.
#[derive(Debug, Default)]
pub struct Snapshot {
    objects: BTreeMap<ObjectRef, Arc<Object>>,
    /// The only namespace in it, if it holds just one.
    only: Option<String>,
    /// Kinds that may be incomplete, and objects that are missing, with the reasons.
    not_read: BTreeMap<String, String>,
}

/// Reason why a file is not a snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// An unreadable file.
    #[error("can't read {0}: {1}")]
    Read(String, std::io::Error),
    /// A file that isn't JSON.
    #[error("{0} is not JSON: {1}")]
    Json(String, serde_json::Error),
    /// A file that isn't a list of objects.
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

    /// Creates the snapshot of one namespace, with what could not be read of it.
    pub fn of_namespace(
        namespace: &str,
        objects: impl IntoIterator<Item = Value>,
        not_read: &[NotRead],
    ) -> Snapshot {
        let not_read = not_read.iter().map(|it| {
            let what = it.kind.as_ref().unwrap_or(&it.what);
            (what.clone(), it.reason.clone())
        });
        Snapshot {
            only: Some(namespace.to_owned()),
            not_read: not_read.collect(),
            ..objects.into_iter().collect()
        }
    }

    pub(super) fn get(&self, reference: &ObjectRef) -> Result<Option<Arc<Object>>, ReadError> {
        if let Some(found) = self.objects.get(reference) {
            return Ok(Some(Arc::clone(found)));
        }
        self.is_whole(reference.kind, Some(&reference.namespace))?;
        match self.not_read.get(&reference.to_string()) {
            Some(reason) => Err(ReadError::Forbidden(reason.clone())),
            None => Ok(None),
        }
    }

    /// Checks that all objects of a kind are in the snapshot.
    fn is_whole(&self, kind: Kind, namespace: Option<&str>) -> Result<(), ReadError> {
        let Some(only) = &self.only else {
            return Ok(());
        };
        if kind.namespaced() && namespace != Some(only) {
            let reason = format!("the snapshot holds namespace {only} alone");
            return Err(ReadError::Forbidden(reason));
        }
        match self.not_read.get(kind.name()) {
            Some(reason) => Err(ReadError::Forbidden(format!(
                "the snapshot was taken without {}: {reason}",
                kind.plural()
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &[(&str, &str)],
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        self.is_whole(kind, namespace)?;
        // Objects are in the order of kind, namespace and name.
        let namespace = namespace.filter(|_| kind.namespaced());
        let first = ObjectRef::new(kind, namespace.unwrap_or_default(), "");
        let found = self
            .objects
            .range(first..)
            .take_while(|(reference, _)| {
                reference.kind == kind
                    && namespace.is_none_or(|namespace| reference.namespace == namespace)
            })
            .filter(|(_, object)| {
                labels
                    .iter()
                    .all(|(key, value)| object.label(key) == Some(value))
            })
            .map(|(_, object)| Arc::clone(object));
        Ok(found.collect())
    }
}

/// Drops objects of kinds that no rule reads.
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
        Self {
            objects,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_holds_one_kind_of_one_namespace_or_of_all() {
        let object = |kind: &str, namespace: Option<&str>, name: &str| json!({"kind": kind, "metadata": {"name": name, "namespace": namespace}});
        let snapshot: Snapshot = [
            object("Secret", Some("prod"), "a"),
            object("PersistentVolumeClaim", Some("dev"), "b"),
            object("PersistentVolumeClaim", Some("prod"), "c"),
            object("PersistentVolumeClaim", Some("prod-2"), "d"),
            object("PersistentVolume", None, "e"),
            object("StatefulSet", Some("prod"), "f"),
        ]
        .into_iter()
        .collect();
        let names = |kind, namespace| -> Vec<_> {
            let found = snapshot.list(kind, namespace, &[]).unwrap();
            found.iter().map(|it| it.name().to_owned()).collect()
        };
        let claims = Kind::PersistentVolumeClaim;
        assert_eq!(names(claims, Some("prod")), ["c"]);
        assert_eq!(names(claims, Some("test")), [""; 0]);
        assert_eq!(names(claims, None), ["b", "c", "d"]);
        for namespace in [Some("prod"), Some(""), None] {
            assert_eq!(names(Kind::PersistentVolume, namespace), ["e"]);
        }
    }
}
