//! Kubernetes objects as the rules see them: plain JSON with a few readings of it.
//!
//! The guard compares what a chart renders with what the API server holds, and both are JSON. Typed
//! structs would drop the difference between a field that is absent and one that is empty.

use std::fmt;

use serde_json::Value;

/// The kinds that some rule or mutation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `v1 Secret`
    Secret,
    /// `v1 ConfigMap`
    ConfigMap,
    /// `v1 PersistentVolumeClaim`
    PersistentVolumeClaim,
    /// `v1 PersistentVolume`
    PersistentVolume,
    /// `v1 Pod`
    Pod,
    /// `v1 Namespace`
    Namespace,
    /// `apps/v1 StatefulSet`
    StatefulSet,
    /// `apps/v1 Deployment`
    Deployment,
    /// `batch/v1 Job`
    Job,
    /// `storage.k8s.io/v1 StorageClass`
    StorageClass,
    /// `storage.k8s.io/v1 CSIDriver`
    CsiDriver,
    /// `rbac.authorization.k8s.io/v1 RoleBinding`
    RoleBinding,
}

/// Kind, API group, version, plural and whether objects of it live in a namespace.
const KINDS: [(Kind, &str, &str, &str, &str, bool); 12] = [
    (Kind::Secret, "Secret", "", "v1", "secrets", true),
    (Kind::ConfigMap, "ConfigMap", "", "v1", "configmaps", true),
    (
        Kind::PersistentVolumeClaim,
        "PersistentVolumeClaim",
        "",
        "v1",
        "persistentvolumeclaims",
        true,
    ),
    (
        Kind::PersistentVolume,
        "PersistentVolume",
        "",
        "v1",
        "persistentvolumes",
        false,
    ),
    (Kind::Pod, "Pod", "", "v1", "pods", true),
    (Kind::Namespace, "Namespace", "", "v1", "namespaces", false),
    (
        Kind::StatefulSet,
        "StatefulSet",
        "apps",
        "v1",
        "statefulsets",
        true,
    ),
    (
        Kind::Deployment,
        "Deployment",
        "apps",
        "v1",
        "deployments",
        true,
    ),
    (Kind::Job, "Job", "batch", "v1", "jobs", true),
    (
        Kind::StorageClass,
        "StorageClass",
        "storage.k8s.io",
        "v1",
        "storageclasses",
        false,
    ),
    (
        Kind::CsiDriver,
        "CSIDriver",
        "storage.k8s.io",
        "v1",
        "csidrivers",
        false,
    ),
    (
        Kind::RoleBinding,
        "RoleBinding",
        "rbac.authorization.k8s.io",
        "v1",
        "rolebindings",
        true,
    ),
];

impl Kind {
    fn row(
        self,
    ) -> &'static (
        Kind,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        bool,
    ) {
        &KINDS[self as usize]
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Kind> {
        KINDS.iter().map(|row| row.0)
    }

    /// The kind that a manifest spells `name`, if the guard judges it.
    pub fn from_name(name: &str) -> Option<Kind> {
        KINDS.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Returns the kind as in a manifest's `kind:`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The API group, empty for the core group.
    pub fn group(self) -> &'static str {
        self.row().2
    }

    /// The version of the group.
    pub fn version(self) -> &'static str {
        self.row().3
    }

    /// Returns the version as in a manifest's `apiVersion:`.
    pub fn api_version(self) -> String {
        match self.group() {
            "" => self.version().to_owned(),
            group => format!("{group}/{}", self.version()),
        }
    }

    /// The plural in the API's paths.
    pub fn plural(self) -> &'static str {
        self.row().4
    }

    /// Whether objects of this kind live in a namespace.
    pub fn namespaced(self) -> bool {
        self.row().5
    }

    /// Returns the name to type after `kubectl get`.
    pub fn kubectl(self) -> String {
        match self {
            Kind::PersistentVolumeClaim => "pvc".to_owned(),
            Kind::PersistentVolume => "pv".to_owned(),
            other => other.name().to_lowercase(),
        }
    }
}

/// A reference to an object: kind, namespace (empty if the kind has none) and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// The kind.
    pub kind: Kind,
    /// The namespace, empty for cluster-scoped kinds.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// An object in a namespace; the namespace is dropped for kinds that have none.
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: if kind.namespaced() {
                namespace.to_owned()
            } else {
                String::new()
            },
            name: name.to_owned(),
        }
    }
}

/// The two parts of `NAMESPACE/NAME`, neither of them empty.
pub fn namespace_and_name(text: &str) -> Option<(&str, &str)> {
    text.split_once('/')
        .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

/// One object's JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(pub Value);

/// The value at a JSON pointer without escapes; serde_json's own reading makes two Strings of each key.
pub fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    debug_assert!(!pointer.contains('~'), "{pointer} has escapes");
    let (mut value, mut rest) = (value, pointer);
    // Rules do this thousands of times a record, and keys are too short for a searcher of text.
    while let Some(keys) = rest.strip_prefix('/') {
        let end = keys.bytes().position(|byte| byte == b'/');
        let (key, next) = keys.split_at(end.unwrap_or(keys.len()));
        rest = next;
        value = match value {
            Value::Object(map) => map.get(key)?,
            Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

impl Object {
    /// The value at a JSON pointer without escapes.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        at(&self.0, pointer)
    }

    /// The string at a JSON pointer.
    pub fn str(&self, pointer: &str) -> Option<&str> {
        self.at(pointer).and_then(Value::as_str)
    }

    /// `metadata.name`, empty where absent.
    pub fn name(&self) -> &str {
        self.str("/metadata/name").unwrap_or_default()
    }

    /// `metadata.namespace`, if set.
    pub fn namespace(&self) -> Option<&str> {
        self.str("/metadata/namespace").filter(|ns| !ns.is_empty())
    }

    /// `metadata.uid`, if set.
    pub fn uid(&self) -> Option<&str> {
        self.str("/metadata/uid")
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get("labels")?.get(key)?.as_str()
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.0
            .get("metadata")?
            .get("annotations")?
            .get(key)?
            .as_str()
    }

    /// Whether a controller owns the object (External Secrets, Sealed Secrets, …).
    pub fn has_controller(&self) -> bool {
        self.array("/metadata/ownerReferences")
            .iter()
            .any(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))
    }

    /// The array at a JSON pointer, empty where there is none.
    pub fn array(&self, pointer: &str) -> &[Value] {
        self.at(pointer)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The containers of a workload's pod template, init containers included.
    pub fn containers(&self) -> impl Iterator<Item = &Value> {
        self.array("/spec/template/spec/containers")
            .iter()
            .chain(self.array("/spec/template/spec/initContainers"))
    }

    /// The value of an environment variable that is set in some container; of several the last one counts.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.containers()
            .filter_map(|container| container.get("env")?.as_array())
            .flatten()
            .filter(|variable| variable.get("name").and_then(Value::as_str) == Some(name))
            .last()?
            .get("value")?
            .as_str()
    }

    /// Whether a container has an environment variable, from any source.
    pub fn has_env(&self, name: &str) -> bool {
        self.containers()
            .filter_map(|container| container.get("env")?.as_array())
            .flatten()
            .any(|variable| variable.get("name").and_then(Value::as_str) == Some(name))
    }

    /// The image of the first container.
    pub fn image(&self) -> Option<&str> {
        self.str("/spec/template/spec/containers/0/image")
    }
}

/// Names come from records that anybody may have written; nothing but a name goes into a path.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
}

/// Whether a text can be a key of a Secret or a ConfigMap.
pub(crate) fn is_key(key: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !key.is_empty() && key.len() <= 253 && key.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_kinds_is_in_the_order_of_the_enum() {
        for (index, row) in KINDS.iter().enumerate() {
            assert_eq!(row.0 as usize, index, "{}", row.1);
            assert_eq!(Kind::from_name(row.1), Some(row.0));
        }
    }

    #[test]
    fn a_cluster_scoped_object_has_no_namespace() {
        let volume = ObjectRef::new(Kind::PersistentVolume, "prod", "pv-1");
        assert_eq!(volume.namespace, "");
        assert_eq!(volume.to_string(), "PersistentVolume pv-1");
    }

    #[test]
    fn a_pointer_leads_through_objects_and_lists() {
        let value = serde_json::json!({"a": {"": 1, "b": [{"c": 2}, 3]}});
        let found = |pointer: &str| at(&value, pointer).and_then(Value::as_u64);
        assert_eq!(found("/a/b/0/c"), Some(2));
        assert_eq!(found("/a/b/1"), Some(3));
        assert_eq!(found("/a/"), Some(1));
        assert_eq!(at(&value, ""), Some(&value));
        for nowhere in ["/a/b/2", "/a/b/c", "/a/b/0/c/d", "/b", "/"] {
            assert_eq!(at(&value, nowhere), None, "{nowhere}");
            assert_eq!(value.pointer(nowhere), None, "{nowhere}");
        }
    }
}
