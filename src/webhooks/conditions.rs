//! The CEL expressions that keep requests away which no Camunda chart can have caused.
//!
//! Names can be overridden, so each looks at what can't be: keys, labels, images, the shape of a claim's name.

use std::collections::BTreeSet;

use crate::{
    camunda::{CHART, Line, PART_OF},
    mutations::volume_claim_ref::REBIND_TO,
    release::RECORD_PREFIX,
};

/// The values of `app.kubernetes.io/name` in the bundled Bitnami charts.
const BUNDLED: &str =
    "['elasticsearch', 'keycloak', 'postgresql', 'postgresql-web-modeler', 'identity-postgresql']";

const NAME_LABEL: &str = "app.kubernetes.io/name";

/// What the claims of Camunda's and of the bundled charts are called, as far as names can't be overridden.
const CLAIM_NAMES: &str = "elasticsearch|zeebe|postgresql|-(master|data)-[0-9]+$";

/// Whoever only tidies up after a deletion is never kept from it.
pub const CONTROLLERS: [&str; 2] = [
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
];

pub(super) fn release_record() -> String {
    format!("object.metadata.name.startsWith('{RECORD_PREFIX}')")
}

pub(super) fn not_being_deleted() -> String {
    format!(
        "!has(object.metadata.deletionTimestamp) && {}",
        not_a_controller()
    )
}

pub(super) fn not_a_controller() -> String {
    let names: Vec<_> = CONTROLLERS.iter().map(|name| format!("'{name}'")).collect();
    format!("!(request.userInfo.username in [{}])", names.join(", "))
}

/// Secrets with a key that a Camunda chart generates; `password` alone could be anybody's.
pub(super) fn generated_credential() -> String {
    let keys = Line::all()
        .iter()
        .flat_map(|line| &line.credentials)
        .map(|fact| fact.key.as_str());
    format!(
        "has(object.data) && (request.operation == 'CREATE' || !has(oldObject.data) || object.data != oldObject.data) && ({})",
        has_credential("object", keys)
    )
}

/// Those, and the Secret that 13 has the user make.
pub(super) fn deleted_credential() -> String {
    let keys = Line::all().iter().flat_map(|line| {
        let generated = line.generated_secret.iter().flat_map(|secret| &secret.keys);
        line.credentials
            .iter()
            .map(|fact| fact.key.as_str())
            .chain(generated.map(|key| key.name.as_str()))
    });
    format!(
        "has(oldObject.data) && ({})",
        has_credential("oldObject", keys)
    )
}

fn has_credential<'a>(object: &str, keys: impl Iterator<Item = &'a str>) -> String {
    let keys: BTreeSet<_> = keys
        .filter(|key| *key != "password")
        .map(|key| format!("'{key}'"))
        .collect();
    let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
    format!(
        "[{keys}].exists(key, key in {object}.data) || 'password' in {object}.data && {} && \
         {object}.metadata.labels['{NAME_LABEL}'].matches('^(identity-)?postgresql')",
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
        image_matches("camunda/|elasticsearch|keycloak|postgresql")
    )
}

/// The controllers of a control plane in which all have one user delete as that one.
pub(super) fn not_tidied_up() -> String {
    format!(
        "!has(oldObject.metadata.deletionTimestamp) && \
         request.userInfo.username != 'system:kube-controller-manager' && {}",
        not_a_controller()
    )
}

/// Up to 8.0.12 Elasticsearch's claims have no label that tells.
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

/// Under a name that Bitnami's Elasticsearch will look for.
pub(super) fn elasticsearch_clone() -> String {
    "has(object.metadata.name) && object.metadata.name.matches('^data-.+-(master|data)-[0-9]+$') && \
     has(object.spec.dataSource) && object.spec.dataSource.kind == 'PersistentVolumeClaim'"
        .to_owned()
}

/// Another claim's name or namespace in the claimRef; the uid alone is the binder's.
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

/// A Scale has no labels of its own, only the selector of the pods, as text.
pub(super) fn brokers_reduced() -> String {
    let replicas =
        |scale: &str| format!("(has({scale}.spec.replicas) ? {scale}.spec.replicas : 0)");
    let (new, old) = (replicas("object"), replicas("oldObject"));
    format!(
        "has(object.status.selector) && \
         object.status.selector.contains('app.kubernetes.io/component=zeebe-broker') && \
         {new} > 0 && ({old} == 0 || {new} < {old})"
    )
}

pub(super) fn spec_changed() -> String {
    "request.operation == 'CREATE' || object.spec != oldObject.spec".to_owned()
}

/// Claims of a StatefulSet carry its selector's labels, and Bitnami's have a component.
pub(super) fn camunda_claim() -> String {
    format!(
        "(!has(object.spec.volumeName) || object.spec.volumeName == '') && ({} || \
         {} && {} && object.metadata.labels['app.kubernetes.io/component'] in ['master', 'data', 'primary'])",
        labelled("object"),
        has_label("object", "app.kubernetes.io/instance"),
        has_label("object", "app.kubernetes.io/component")
    )
}

/// A volume tells only the name of its claim.
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
        "{} || {} || {} && {object}.metadata.labels['{NAME_LABEL}'] in {BUNDLED}",
        label_is(object, PART_OF.0, CHART),
        label_is(object, "chart", "elasticsearch"),
        has_label(object, NAME_LABEL)
    )
}

fn has_label(object: &str, key: &str) -> String {
    format!("has({object}.metadata.labels) && '{key}' in {object}.metadata.labels")
}

fn label_is(object: &str, key: &str, value: &str) -> String {
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
