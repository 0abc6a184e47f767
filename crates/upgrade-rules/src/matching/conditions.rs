//! The CEL conditions that skip requests no Camunda chart can have caused.
//!
//! Users can override names, so each condition looks at what they can't: keys, labels, images, the pattern of a
//! claim's name.

use std::collections::BTreeSet;

use crate::{
    annotations::REBIND_TO,
    camunda::{CHART, INSTANCE, Line, PART_OF},
};

/// The values of `app.kubernetes.io/name` in the bundled Bitnami charts.
const BUNDLED: [&str; 5] = [
    "elasticsearch",
    "keycloak",
    "postgresql",
    "postgresql-web-modeler",
    "identity-postgresql",
];

const PASSWORD: &str = "password";

/// Pattern of `app.kubernetes.io/name` for which a Secret's key `password` is a database's.
const DATABASES: &str = "^(identity-)?postgresql";

const NAME_LABEL: &str = "app.kubernetes.io/name";

const COMPONENT_LABEL: &str = "app.kubernetes.io/component";

/// Pattern of the claims' names in Camunda's and the bundled charts, as far as users can't override them.
const CLAIM_NAMES: &str = "elasticsearch|zeebe|postgresql|-(master|data)-[0-9]+$";

/// Pattern of the claims' names that Bitnami's Elasticsearch mounts.
const ELASTICSEARCH_CLAIMS: &str = "^data-.+-(master|data)-[0-9]+$";

const WORKLOAD_IMAGES: &str = "camunda/|elasticsearch|keycloak|postgresql";

/// Values of the component label on Bitnami's claims.
const CLAIM_COMPONENTS: [&str; 3] = ["master", "data", "primary"];

/// Pattern in a Scale's selector text: Zeebe's brokers, Bitnami's Elasticsearch under any name, and elastic's.
const COUNTED: &str = "app.kubernetes.io/component=(zeebe-broker|master|data)(,|$)|app=[^,]*-master(,|$)|elasticsearch";

/// The common user of a control plane in which the controllers have no service accounts of their own.
const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";

/// The controllers that clean up after a deletion; they are never held up.
pub const CONTROLLERS: [&str; 2] = [
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
];

pub(super) fn not_being_deleted() -> String {
    format!(
        "!has(object.metadata.deletionTimestamp) && {}",
        not_a_controller()
    )
}

/// Matches requests of anybody but [`CONTROLLERS`].
pub(super) fn not_a_controller() -> String {
    format!("!(request.userInfo.username in {})", list(&CONTROLLERS))
}

/// Returns the keys that a Camunda chart generates, except `password`, which could be anybody's.
fn generated_keys() -> BTreeSet<&'static str> {
    let facts = Line::all().iter().flat_map(|line| &line.credentials);
    let keys = facts.map(|fact| fact.key.as_str());
    keys.filter(|key| *key != PASSWORD).collect()
}

/// Returns the generated keys, and those of the Secret that chart 13 has the user create.
fn credential_keys() -> BTreeSet<&'static str> {
    let secrets = Line::all().iter().flat_map(|line| &line.generated_secret);
    let keys = secrets.flat_map(|secret| secret.keys.iter().map(|key| key.name.as_str()));
    let keys: BTreeSet<_> = keys.filter(|key| *key != PASSWORD).collect();
    &keys | &generated_keys()
}

/// Returns the credential keys, and all others that a chart reads from a user's Secret.
fn written_keys() -> BTreeSet<&'static str> {
    let carried = Line::all().iter().flat_map(|line| &line.carried_over);
    let carried: BTreeSet<_> = carried.map(|carried| carried.key.as_str()).collect();
    &carried | &credential_keys()
}

/// Pattern of password keys in users' own Secrets.
const PASSWORDS: &str = "(?i)passw";

/// Matches changed credentials: a database may read its password from any Secret. Exempts Secrets with a controller,
/// which rotates them on purpose.
pub(super) fn generated_credential() -> String {
    format!(
        "has(object.data) && (request.operation == 'CREATE' || !has(oldObject.data) || object.data != oldObject.data) && ({} || \
         request.operation == 'UPDATE' && has(oldObject.data) && object.data.exists(key, key.matches('{PASSWORDS}') && \
         key in oldObject.data && object.data[key] != oldObject.data[key]) && \
         !(has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(owner, has(owner.controller) && owner.controller)))",
        has_credential("object", &written_keys())
    )
}

pub(super) fn deleted_credential() -> String {
    format!(
        "has(oldObject.data) && ({})",
        has_credential("oldObject", &credential_keys())
    )
}

fn has_credential(object: &str, keys: &BTreeSet<&str>) -> String {
    format!(
        "{}.exists(key, key in {object}.data) || '{PASSWORD}' in {object}.data && {} && \
         {object}.metadata.labels['{NAME_LABEL}'].matches('{DATABASES}')",
        list(keys),
        has_label(object, NAME_LABEL)
    )
}

pub(super) fn elasticsearch() -> String {
    format!(
        "{} || {} || {}",
        label_is("object", "chart", "elasticsearch"),
        label_is("object", NAME_LABEL, "elasticsearch"),
        image_matches("elasticsearch")
    )
}

pub(super) fn camunda_workload() -> String {
    format!(
        "{} || {}",
        labelled("object"),
        image_matches(WORKLOAD_IMAGES)
    )
}

pub(super) fn not_tidied_up() -> String {
    format!(
        "!has(oldObject.metadata.deletionTimestamp) && \
         request.userInfo.username != '{CONTROLLER_MANAGER}' && {}",
        not_a_controller()
    )
}

/// Matches bound claims; up to 8.0.12 Elasticsearch's have no distinctive label, so their names count, too.
pub(super) fn bound_claim() -> String {
    format!(
        "has(oldObject.status) && has(oldObject.status.phase) && oldObject.status.phase == 'Bound' && \
         ({} || oldObject.metadata.name.matches('{CLAIM_NAMES}'))",
        labelled("oldObject")
    )
}

pub(super) fn bound_volume() -> String {
    format!(
        "has(oldObject.status) && has(oldObject.status.phase) && oldObject.status.phase == 'Bound' && \
         oldObject.spec.persistentVolumeReclaimPolicy != 'Retain' && {}",
        claimed("oldObject")
    )
}

pub(super) fn elasticsearch_clone() -> String {
    format!(
        "has(object.metadata.name) && object.metadata.name.matches('{ELASTICSEARCH_CLAIMS}') && \
         has(object.spec.dataSource) && object.spec.dataSource.kind == 'PersistentVolumeClaim'"
    )
}

/// Matches a change of the claim's name or namespace in a claimRef; only the binder changes just the uid.
pub(super) fn claim_changed() -> String {
    format!(
        "{} && (!has(object.spec.claimRef) || object.spec.claimRef.name != oldObject.spec.claimRef.name || \
         object.spec.claimRef.namespace != oldObject.spec.claimRef.namespace)",
        claimed("oldObject")
    )
}

fn claimed(volume: &str) -> String {
    format!(
        "has({volume}.spec.claimRef) && has({volume}.spec.claimRef.name) && \
         {volume}.spec.claimRef.name.matches('{CLAIM_NAMES}')"
    )
}

/// Matches fewer pods in a Scale, which has no labels of its own, only the pods' selector as text.
pub(super) fn pods_reduced() -> String {
    let replicas =
        |scale: &str| format!("(has({scale}.spec.replicas) ? {scale}.spec.replicas : 0)");
    let (new, old) = (replicas("object"), replicas("oldObject"));
    format!(
        "has(object.status.selector) && \
         object.status.selector.matches('{COUNTED}') && \
         {new} > 0 && ({old} == 0 || {new} < {old})"
    )
}

pub(super) fn spec_changed() -> String {
    "request.operation == 'CREATE' || object.spec != oldObject.spec".to_owned()
}

/// Matches new Camunda claims: a StatefulSet's claims carry its selector's labels, and Bitnami's have a component.
pub(super) fn camunda_claim() -> String {
    format!(
        "(!has(object.spec.volumeName) || object.spec.volumeName == '') && ({} || \
         {} && {} && object.metadata.labels['{COMPONENT_LABEL}'] in {})",
        labelled("object"),
        has_label("object", INSTANCE),
        has_label("object", COMPONENT_LABEL),
        list(&CLAIM_COMPONENTS)
    )
}

/// Matches Camunda volumes by the name of their claim: a volume reveals nothing else.
pub(super) fn camunda_volume() -> String {
    format!(
        "has(object.metadata.annotations) && '{REBIND_TO}' in object.metadata.annotations || \
         {} && \
         (request.operation == 'CREATE' || !has(oldObject.spec.claimRef) || \
         object.spec.claimRef != oldObject.spec.claimRef || \
         object.spec.persistentVolumeReclaimPolicy != oldObject.spec.persistentVolumeReclaimPolicy)",
        claimed("object")
    )
}

fn labelled(object: &str) -> String {
    format!(
        "{} || {} || {} && {object}.metadata.labels['{NAME_LABEL}'] in {}",
        label_is(object, PART_OF.0, CHART),
        label_is(object, "chart", "elasticsearch"),
        has_label(object, NAME_LABEL),
        list(&BUNDLED)
    )
}

fn has_label(object: &str, key: &str) -> String {
    format!("has({object}.metadata.labels) && '{key}' in {object}.metadata.labels")
}

/// Matches an object with this label and value.
pub fn label_is(object: &str, key: &str, value: &str) -> String {
    format!(
        "{} && {object}.metadata.labels['{key}'] == '{value}'",
        has_label(object, key)
    )
}

fn image_matches(pattern: &str) -> String {
    format!(
        "object.spec.template.spec.containers.exists(container, has(container.image) && container.image.matches('{pattern}'))"
    )
}

fn list<'a>(words: impl IntoIterator<Item = &'a &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| format!("'{word}'")).collect();
    format!("[{}]", words.join(", "))
}
