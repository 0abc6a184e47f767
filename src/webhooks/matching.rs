//! The matchConditions once more, for an API server that does not know them: before Kubernetes 1.28 every Secret and
//! every claim of the cluster comes by.
//!
//! Each function says what the expression of the same name in `conditions` says. Admission asks them of every request,
//! so that no test passes with the one and fails with the other.

use std::{collections::BTreeSet, sync::LazyLock};

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::{
    ENFORCE, IGNORE,
    conditions::{
        BUNDLED, CLAIM_COMPONENTS, CLAIM_NAMES, COMPONENT_LABEL, CONTROLLER_MANAGER, CONTROLLERS,
        COUNTED, DATABASES, ELASTICSEARCH_CLAIMS, NAME_LABEL, PASSWORDS, WORKLOAD_IMAGES,
        credential_keys, written_keys,
    },
};
use crate::{
    annotations::REBIND_TO,
    camunda::{CHART, INSTANCE, PART_OF},
    kubernetes::{Kind, Object},
};

/// Made once, as every request is asked.
static CLAIM: LazyLock<Pattern> = LazyLock::new(|| Pattern::of(CLAIM_NAMES));
static ELASTICSEARCH_CLAIM: LazyLock<Pattern> = LazyLock::new(|| Pattern::of(ELASTICSEARCH_CLAIMS));
static DATABASE: LazyLock<Pattern> = LazyLock::new(|| Pattern::of(DATABASES));
static WORKLOAD_IMAGE: LazyLock<Pattern> = LazyLock::new(|| Pattern::of(WORKLOAD_IMAGES));
static ELASTICSEARCH_IMAGE: LazyLock<Pattern> = LazyLock::new(|| Pattern::of("elasticsearch"));
static WRITTEN: LazyLock<BTreeSet<&str>> = LazyLock::new(written_keys);
static PASSWORD: LazyLock<Pattern> = LazyLock::new(|| Pattern::of(PASSWORDS));
static COUNTED_PODS: LazyLock<Pattern> = LazyLock::new(|| Pattern::of(COUNTED));
static CREDENTIALS: LazyLock<BTreeSet<&str>> = LazyLock::new(credential_keys);

/// A regular expression of a condition; as CEL's it is looked for anywhere in the text.
struct Pattern(Option<Regex>);

/// What a matchCondition sees of a request.
#[derive(Clone, Copy, Debug)]
pub struct Matching<'a> {
    /// The object, unless it is deleted.
    pub object: Option<&'a Object>,
    /// The object as it was, unless it is created.
    pub old: Option<&'a Object>,
    /// Who asks.
    pub username: &'a str,
}

impl Matching<'_> {
    /// Whether the mutating webhooks want to see a request about this kind.
    pub fn mutating(&self, kind: Kind) -> bool {
        let Some(object) = self.object else {
            return false;
        };
        match kind {
            Kind::StatefulSet | Kind::Deployment | Kind::Job => {
                camunda_workload(object)
                    && self.changed(object, "/spec")
                    && self.not_being_deleted(object)
            }
            Kind::PersistentVolumeClaim => camunda_claim(object),
            Kind::PersistentVolume => self.camunda_volume(object) && self.not_being_deleted(object),
            _ => false,
        }
    }

    /// Whether the validating webhooks do; records and overrides are told by their names and labels.
    pub fn validating(&self, kind: Kind) -> bool {
        match (kind, self.object, self.old) {
            (Kind::Secret, Some(object), _) => {
                object.at("/data").is_some()
                    && self.changed(object, "/data")
                    && (has_credential(object, &WRITTEN) || self.changes_password(object))
                    && self.not_being_deleted(object)
            }
            (Kind::Secret, None, Some(old)) => {
                has_credential(old, &CREDENTIALS) && self.not_a_controller()
            }
            (Kind::StatefulSet, Some(object), _) => {
                label_is(object, "chart", "elasticsearch")
                    || label_is(object, NAME_LABEL, "elasticsearch")
                    || image_matches(object, &ELASTICSEARCH_IMAGE)
            }
            (Kind::PersistentVolumeClaim, Some(object), _) => {
                ELASTICSEARCH_CLAIM.is_in(object.name())
                    && object.str("/spec/dataSource/kind") == Some("PersistentVolumeClaim")
            }
            (Kind::PersistentVolumeClaim, None, Some(old)) => {
                is_bound(old)
                    && (labelled(old) || CLAIM.is_in(old.name()))
                    && self.not_tidied_up(old)
            }
            (Kind::PersistentVolume, None, Some(old)) => {
                is_bound(old)
                    && old.str("/spec/persistentVolumeReclaimPolicy") != Some("Retain")
                    && claimed(old)
                    && self.not_tidied_up(old)
            }
            (Kind::PersistentVolume, Some(object), Some(old)) => {
                let moved = ["/spec/claimRef/name", "/spec/claimRef/namespace"]
                    .iter()
                    .any(|field| object.str(field) != old.str(field));
                claimed(old) && moved && self.not_being_deleted(object)
            }
            (Kind::Namespace, Some(object), old) => {
                let is = |namespace: &Object, key| label_is(namespace, key, "true");
                let ignored =
                    is(object, IGNORE) && !old.is_some_and(|namespace| is(namespace, IGNORE));
                let freed =
                    old.is_some_and(|namespace| is(namespace, ENFORCE)) && !is(object, ENFORCE);
                (ignored || freed) && self.not_being_deleted(object)
            }
            _ => false,
        }
    }

    /// Whether a key that is called a password has another value, in a Secret that nobody controls.
    fn changes_password(&self, object: &Object) -> bool {
        fn data(object: &Object) -> Option<&Map<String, Value>> {
            object.at("/data")?.as_object()
        }
        let (Some(new), Some(old)) = (data(object), self.old.and_then(data)) else {
            return false;
        };
        let changed = |(key, value): (&String, &Value)| {
            PASSWORD.is_in(key) && old.get(key).is_some_and(|before| before != value)
        };
        new.iter().any(changed) && !object.has_controller()
    }

    /// Whether a StatefulSet is scaled that the webhook on Scales wants to see.
    pub fn pods_reduced(&self) -> bool {
        let selector = self
            .object
            .and_then(|object| object.str("/status/selector"));
        let replicas = |scale: Option<&Object>| {
            let replicas = scale.and_then(|scale| scale.at("/spec/replicas")?.as_i64());
            replicas.unwrap_or_default()
        };
        let (new, old) = (replicas(self.object), replicas(self.old));
        selector.is_some_and(|selector| COUNTED_PODS.is_in(selector))
            && new > 0
            && (old == 0 || new < old)
    }

    fn changed(&self, object: &Object, field: &str) -> bool {
        self.old.is_none_or(|old| old.at(field) != object.at(field))
    }

    fn camunda_volume(&self, object: &Object) -> bool {
        let policy = "/spec/persistentVolumeReclaimPolicy";
        object.annotation(REBIND_TO).is_some()
            || claimed(object)
                && (self.changed(object, "/spec/claimRef") || self.changed(object, policy))
    }

    fn not_being_deleted(&self, object: &Object) -> bool {
        object.at("/metadata/deletionTimestamp").is_none() && self.not_a_controller()
    }

    fn not_tidied_up(&self, old: &Object) -> bool {
        self.username != CONTROLLER_MANAGER && self.not_being_deleted(old)
    }

    fn not_a_controller(&self) -> bool {
        !CONTROLLERS.contains(&self.username)
    }
}

impl Pattern {
    fn of(text: &str) -> Self {
        Self(Regex::new(text).ok())
    }

    fn is_in(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

fn has_credential(secret: &Object, keys: &BTreeSet<&str>) -> bool {
    let Some(data) = secret.at("/data").and_then(Value::as_object) else {
        return false;
    };
    data.keys().any(|key| keys.contains(key.as_str()))
        || data.contains_key("password")
            && secret
                .label(NAME_LABEL)
                .is_some_and(|name| DATABASE.is_in(name))
}

fn camunda_workload(workload: &Object) -> bool {
    labelled(workload) || image_matches(workload, &WORKLOAD_IMAGE)
}

fn camunda_claim(claim: &Object) -> bool {
    claim.str("/spec/volumeName").is_none_or(str::is_empty)
        && (labelled(claim)
            || claim.label(INSTANCE).is_some()
                && claim
                    .label(COMPONENT_LABEL)
                    .is_some_and(|component| CLAIM_COMPONENTS.contains(&component)))
}

fn is_bound(object: &Object) -> bool {
    object.str("/status/phase") == Some("Bound")
}

fn claimed(volume: &Object) -> bool {
    volume
        .str("/spec/claimRef/name")
        .is_some_and(|claim| CLAIM.is_in(claim))
}

fn labelled(object: &Object) -> bool {
    label_is(object, PART_OF.0, CHART)
        || label_is(object, "chart", "elasticsearch")
        || object
            .label(NAME_LABEL)
            .is_some_and(|name| BUNDLED.contains(&name))
}

fn label_is(object: &Object, key: &str, value: &str) -> bool {
    object.label(key) == Some(value)
}

fn image_matches(workload: &Object, pattern: &Pattern) -> bool {
    workload
        .array("/spec/template/spec/containers")
        .iter()
        .filter_map(|container| container.get("image")?.as_str())
        .any(|image| pattern.is_in(image))
}
