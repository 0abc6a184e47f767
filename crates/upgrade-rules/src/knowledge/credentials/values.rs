//! The value of a Secret's key, as it is and as it will be.

use super::env_source::Source;
use crate::{
    change::{Change, Facts, after, secret_data},
    kubernetes::{Kind, Object, ObjectRef},
};

/// A value as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// This one.
    Known(Vec<u8>),
    /// There is none: pods that read it would wait.
    Missing,
    /// It could not be read, or something creates it later.
    Unknown,
}

/// Returns the value of a source on the cluster.
pub(crate) fn live(facts: &Facts, namespace: &str, source: &Source) -> Value {
    match source {
        Source::Inline(value) => Value::Known(value.as_bytes().to_vec()),
        Source::Key { secret, key } => {
            let reference = ObjectRef::new(Kind::Secret, namespace, secret);
            match facts.get(&reference) {
                Some(live) => of_key(live, key),
                None if facts.unread(&reference) => Value::Unknown,
                None => Value::Missing,
            }
        }
    }
}

/// Returns the value of a source after the change. A Secret that Helm deletes counts as it is: another rule reports the
/// deletion.
pub(crate) fn planned(change: &Change, facts: &Facts, namespace: &str, source: &Source) -> Value {
    let Source::Key { secret, key } = source else {
        return live(facts, namespace, source);
    };
    let reference = ObjectRef::new(Kind::Secret, namespace, secret);
    let rendered = change
        .of_kind(Kind::Secret)
        .find(|other| other.object == reference && other.planned.is_some());
    if let Some(rendered) = rendered {
        let after = after(rendered, change.gate, facts.get(&reference));
        return after.map_or(Value::Missing, |after| of_key(&after, key));
    }
    match live(facts, namespace, source) {
        Value::Missing if is_produced(change, namespace, secret) => Value::Unknown,
        value => value,
    }
}

/// Whether a controller will create the Secret from an object of the new manifest.
pub(crate) fn is_produced(change: &Change, namespace: &str, secret: &str) -> bool {
    let produced = (namespace.to_owned(), secret.to_owned());
    change.produced.contains(&produced)
}

fn of_key(secret: &Object, key: &str) -> Value {
    secret_data(secret)
        .remove(key)
        .map_or(Value::Missing, Value::Known)
}
