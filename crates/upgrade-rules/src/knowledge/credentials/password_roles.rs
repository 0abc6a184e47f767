//! The passwords that a database knows, and the workloads that read them: from where before, and from where after.

use super::env_source::{self, Reading, Source};
use crate::{
    camunda::Component,
    change::{Change, Facts, ObjectChange, secret_data},
    knowledge::claims::{self},
    kubernetes::{Kind, Mounts, Object, ObjectRef},
};

/// A password, with the names of the variables that read it; charts rename them from line to line.
struct Purpose {
    variables: &'static [&'static str],
    /// The database that knows it; none where it is the reading workload itself.
    database: Option<Component>,
    user: &'static str,
}

const USER: &str = "user";
const SUPERUSER: &str = "superuser";
const ADMINISTRATOR: &str = "administrator";

const PURPOSES: [Purpose; 6] = [
    Purpose {
        variables: &["POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"],
        database: None,
        user: USER,
    },
    Purpose {
        variables: &["POSTGRES_POSTGRES_PASSWORD", "POSTGRESQL_POSTGRES_PASSWORD"],
        database: None,
        user: SUPERUSER,
    },
    // Keycloak's administrator: Keycloak makes it, Identity logs in with it.
    Purpose {
        variables: &[
            "KC_BOOTSTRAP_ADMIN_PASSWORD",
            "KEYCLOAK_ADMIN_PASSWORD",
            "KEYCLOAK_SETUP_PASSWORD",
            "VALUES_KEYCLOAK_SETUP_PASSWORD",
        ],
        database: Some(Component::KeycloakPostgresql),
        user: ADMINISTRATOR,
    },
    Purpose {
        variables: &["KEYCLOAK_DATABASE_PASSWORD", "KC_DB_PASSWORD"],
        database: Some(Component::KeycloakPostgresql),
        user: USER,
    },
    Purpose {
        variables: &["SPRING_DATASOURCE_PASSWORD", "RESTAPI_DB_PASSWORD"],
        database: Some(Component::WebModelerPostgresql),
        user: USER,
    },
    Purpose {
        variables: &["IDENTITY_DATABASE_PASSWORD"],
        database: Some(Component::IdentityPostgresql),
        user: USER,
    },
];

/// The database and the user of a password, whichever variable reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) database: Component,
    /// A user of the database's, its superuser or Keycloak's administrator.
    user: &'static str,
}

/// A password that a live database or Keycloak reads from a Secret's key.
#[derive(Clone, Debug)]
pub struct LiveRead<'a> {
    pub(crate) workload: &'a Object,
    pub(crate) variable: String,
    pub(crate) account: Account,
    pub secret: String,
    pub(crate) key: String,
}

/// Returns the Secrets' keys that the live databases and Keycloaks of a namespace read.
pub fn live_reads<'a>(facts: &'a Facts, namespace: &str) -> Vec<LiveRead<'a>> {
    let sets = facts
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.namespace() == Some(namespace));
    let mut found = Vec::new();
    for workload in sets {
        let component = Component::of(workload, None);
        for purpose in &PURPOSES {
            let reading = env_source::reading(workload, purpose.variables, |_, _| false);
            let Some(Reading {
                variable,
                source: Source::Key { secret, key },
                ..
            }) = reading
            else {
                continue;
            };
            found.push(LiveRead {
                workload,
                variable,
                account: Account {
                    database: purpose.database.unwrap_or(component),
                    user: purpose.user,
                },
                secret,
                key,
            });
        }
    }
    found.retain(|read| {
        matches!(
            read.account.database,
            Component::KeycloakPostgresql
                | Component::WebModelerPostgresql
                | Component::IdentityPostgresql
        )
    });
    found
}

/// A password that a workload will read from somewhere else than it does.
#[derive(Clone, Debug)]
pub(crate) struct Moved<'a> {
    /// The workload of the new manifest.
    pub(crate) workload: &'a ObjectRef,
    /// The one whose place it takes, mostly itself.
    pub(crate) before: &'a ObjectRef,
    /// The current source of the password.
    pub(crate) old: Reading,
    /// The new source of the password.
    pub(crate) new: Reading,
    /// The claim whose data knows the password, where there is one.
    pub(crate) claim: Option<&'a str>,
}

/// Returns all passwords whose source changes.
pub(crate) fn moved<'a>(change: &'a Change, facts: &'a Facts) -> Vec<Moved<'a>> {
    let mut found = Vec::new();
    for workload in change.objects.iter().filter(|object| object.camunda) {
        let Some(planned) = workload.planned.as_deref() else {
            continue;
        };
        let names = PURPOSES.iter().flat_map(|purpose| purpose.variables);
        if !env_source::may_read(planned, names.copied()) {
            continue;
        }
        let Some((before, old)) = predecessor(change, facts, workload) else {
            continue;
        };
        let namespace = &workload.object.namespace;
        for purpose in &PURPOSES {
            let read = |workload: &Object| {
                env_source::reading(workload, purpose.variables, |secret, key| {
                    has_key(change, facts, namespace, secret, key)
                })
            };
            let (Some(old), Some(new)) = (read(old), read(planned)) else {
                continue;
            };
            if old.source == new.source {
                continue;
            }
            found.push(Moved {
                workload: &workload.object,
                before,
                claim: knowing_claim(change, facts, workload, purpose),
                old,
                new,
            });
        }
    }
    found
}

/// Returns a workload as it runs, or the one with another name that it replaces.
pub(crate) fn predecessor<'a>(
    change: &'a Change,
    facts: &'a Facts,
    workload: &'a ObjectChange,
) -> Option<(&'a ObjectRef, &'a Object)> {
    let before = |object: &'a ObjectChange| {
        let old = facts.get(&object.object).or(object.running.as_deref())?;
        Some((&object.object, old))
    };
    before(workload).or_else(|| before(claims::replaced(change, workload)?))
}

/// A Secret read as a whole brings a key along if it has it before or after the change.
pub(crate) fn has_key(
    change: &Change,
    facts: &Facts,
    namespace: &str,
    secret: &str,
    key: &str,
) -> bool {
    let has = |secret: &Object| secret_data(secret).contains_key(key);
    let reference = ObjectRef::new(Kind::Secret, namespace, secret);
    facts.get(&reference).is_some_and(has)
        || change
            .of_kind(Kind::Secret)
            .filter(|other| other.object == reference)
            .any(|other| other.planned.as_deref().is_some_and(has))
}

/// The claim with the data that knows a password, if its database is still in the new manifest.
fn knowing_claim<'a>(
    change: &'a Change,
    facts: &'a Facts,
    workload: &'a ObjectChange,
    purpose: &Purpose,
) -> Option<&'a str> {
    let Some(component) = purpose.database else {
        return data(change, facts, workload);
    };
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda && set.component == component && set.planned.is_some())
        .filter(|set| set.object.namespace == workload.object.namespace)
        .find_map(|set| data(change, facts, set))
}

/// A claim that holds the data of a database, under its old name or handed over to the new one.
fn data<'a>(change: &'a Change, facts: &'a Facts, set: &'a ObjectChange) -> Option<&'a str> {
    let namespace = &set.object.namespace;
    let new = Mounts::of(set.planned.as_deref()?);
    let old = predecessor(change, facts, set).map(|(_, old)| Mounts::of(old));
    let of_either = |name: &str| {
        new.parse(name).is_some() || old.as_ref().is_some_and(|old| old.parse(name).is_some())
    };
    let bound = facts
        .claims(namespace)
        .find(|claim| of_either(claim.name()) && claims::holds_data(claim));
    bound.map(Object::name).or_else(|| {
        facts
            .of_kind(Kind::PersistentVolume)
            .filter(|volume| volume.str("/spec/claimRef/namespace") == Some(namespace))
            .filter_map(|volume| volume.str("/spec/claimRef/name"))
            .filter(|claim| new.parse(claim).is_some())
            .find(|claim| {
                facts
                    .named(Kind::PersistentVolumeClaim, namespace, claim)
                    .is_none()
            })
    })
}
