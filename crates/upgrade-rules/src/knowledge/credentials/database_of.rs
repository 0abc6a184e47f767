//! The database whose data knows a credential in a Secret.

use crate::{
    camunda::{self, Component, Held, Line},
    change::Facts,
    knowledge::claims::{self},
    kubernetes::{Kind, Mounts, Object},
};

/// Returns the place that holds the value of a Secret's key, and its database, if the key is a credential of Camunda's.
pub(crate) fn held(secret: &Object, key: &str) -> Option<(Held, Component)> {
    let database = |name: &str| match name {
        _ if name.starts_with("web-modeler") => Component::WebModelerPostgresql,
        _ if name.starts_with("identity-postgresql") => Component::IdentityPostgresql,
        _ => Component::KeycloakPostgresql,
    };
    if let Some(found) = camunda::credential(secret, key, None, None) {
        return Some((found.held, database(&found.name)));
    }
    // The Secret that 13 has the user make.
    let generated = Line::all()
        .iter()
        .filter_map(|line| line.generated_secret.as_ref())
        .flat_map(|secret| &secret.keys)
        .find(|found| found.name == key)?;
    Some((generated.held, database(key)))
}

/// A Bound claim of a release's database, by its labels or by the StatefulSet that mounts it.
pub(crate) fn claim<'a>(
    facts: &'a Facts,
    namespace: &str,
    release: &str,
    database: Component,
) -> Option<&'a Object> {
    let of_database = |claim: &&Object| {
        let labelled = Component::of(claim, None) == database
            && camunda::release_label(claim) == Some(release);
        labelled
            || sets(facts, namespace, database)
                .any(|set| Mounts::of(set).parse(claim.name()).is_some())
    };
    facts
        .claims(namespace)
        .filter(|claim| claims::holds_data(claim))
        .find(of_database)
}

/// The live StatefulSets of a component.
pub(crate) fn sets<'a>(
    facts: &'a Facts,
    namespace: &str,
    component: Component,
) -> impl Iterator<Item = &'a Object> {
    facts
        .of_kind(Kind::StatefulSet)
        .filter(move |set| set.namespace() == Some(namespace))
        .filter(move |set| Component::of(set, None) == component)
}
