//! Who would miss the value that a key of a Secret has, were another one put in its place.

use super::{
    env_source::Source,
    password_roles::moved,
    placeholder::Placeholder,
    readers::secret_refs,
    values::{self, Value},
};
use crate::{
    change::{Change, Facts, secret_data},
    kubernetes::{Kind, Object, ObjectRef},
};

/// The kinds whose pods read Secrets.
const READERS: [Kind; 3] = [Kind::StatefulSet, Kind::Deployment, Kind::Job];

/// Who would miss a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This workload reads it, or will.
    Reader(ObjectRef),
    /// A controller keeps the Secret and would write the old value again.
    Controller,
    /// Nothing of Camunda's makes the key, so it is somebody's own.
    Somebody,
}

/// Returns who would miss the value that a key has now; nobody where there is none, or where `new` is the same.
pub(crate) fn owner(
    change: &Change,
    facts: &Facts,
    secret: &ObjectRef,
    key: &str,
    new: Option<&[u8]>,
) -> Option<Owner> {
    let live = facts.get(secret)?;
    if live.has_controller() {
        return Some(Owner::Controller);
    }
    let old = secret_data(live).remove(key)?;
    // Nobody works with what only stands where a value was to be filled in.
    let is_unfilled = Placeholder::of(&old).is_some_and(|it| it != Placeholder::Usual);
    if is_unfilled || new == Some(old.as_slice()) {
        return None;
    }
    let reader = reads_now(change, facts, secret, key)
        .or_else(|| will_read(change, facts, secret, key, new));
    match reader {
        Some(reader) => Some(Owner::Reader(reader)),
        None => (!is_camundas(change, secret, key)).then_some(Owner::Somebody),
    }
}

fn reads(workload: &Object, secret: &ObjectRef, key: &str) -> bool {
    let mut refs = secret_refs(workload).into_iter();
    refs.any(|read| read.reads(&secret.name, key))
}

/// A workload that reads the key as it is, of this release or of another one.
fn reads_now(change: &Change, facts: &Facts, secret: &ObjectRef, key: &str) -> Option<ObjectRef> {
    let own = change.objects.iter().find(|object| {
        let live = facts.get(&object.object);
        let workload = live.or(object.running.as_deref());
        object.object.namespace == secret.namespace
            && workload.is_some_and(|workload| reads(workload, secret, key))
    });
    if let Some(own) = own {
        return Some(own.object.clone());
    }
    READERS.into_iter().find_map(|kind| {
        let mut all = facts.of_kind(kind).filter(|workload| {
            workload.namespace() == Some(secret.namespace.as_str()) && reads(workload, secret, key)
        });
        let reader = all.next()?;
        Some(ObjectRef::new(kind, &secret.namespace, reader.name()))
    })
}

/// A workload of the new manifest that reads the key and does not want the new value.
fn will_read(
    change: &Change,
    facts: &Facts,
    secret: &ObjectRef,
    key: &str,
    new: Option<&[u8]>,
) -> Option<ObjectRef> {
    let source = Source::Key {
        secret: secret.name.clone(),
        key: key.to_owned(),
    };
    let moved = moved(change, facts);
    let wants = |workload: &ObjectRef| {
        let mut moved = moved.iter();
        moved.any(|moved| {
            let old = values::live(facts, &secret.namespace, &moved.old.source);
            let same = matches!(&old, Value::Known(old) if Some(old.as_slice()) == new);
            moved.workload == workload && moved.new.source == source && same
        })
    };
    let reader = change.objects.iter().find(|object| {
        let planned = object.planned.as_deref();
        object.object.namespace == secret.namespace
            && planned.is_some_and(|planned| reads(planned, secret, key))
            && !wants(&object.object)
    });
    reader.map(|reader| reader.object.clone())
}

/// Whether Camunda's chart makes this key or requires the user to make it; a key of the user's own does not count.
fn is_camundas(change: &Change, secret: &ObjectRef, key: &str) -> bool {
    if change.find(secret).is_some_and(|it| it.planned.is_some()) {
        return true;
    }
    let Some(line) = change.target_line() else {
        return false;
    };
    let named = line.generated_secret.as_ref();
    named.is_some_and(|it| it.name == secret.name)
        && line.carried_over.iter().any(|carried| carried.key == key)
}
