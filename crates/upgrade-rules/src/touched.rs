//! What a change touches beside data: the keys of Secrets that workloads read, and those of a user's values. Names only.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    change::{Change, Facts},
    fixes::missing_secrets::missing,
    kubernetes::{Kind, ObjectRef},
    rules::{ValueKey, secret_refs, value_keys},
};

/// The credentials and values of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// The keys of Secrets that workloads of Camunda's chart read, before or after.
    pub credentials: Vec<Credential>,
    /// The values that do not reach the new chart as they are.
    pub values: Vec<ValueKey>,
}

/// A key of a Secret, and who reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The Secret.
    pub secret: ObjectRef,
    /// The key; None where the whole Secret is read.
    pub key: Option<String>,
    /// The workloads that read it in the release that runs.
    pub before: BTreeSet<ObjectRef>,
    /// Those that would read it afterwards.
    pub after: BTreeSet<ObjectRef>,
    /// Whether it is new to a workload, and neither the cluster nor the new manifest has it.
    pub missing: bool,
}

type Readers = [BTreeSet<ObjectRef>; 2];

impl Touched {
    /// Returns what a change touches.
    pub fn of(change: &Change, facts: &Facts) -> Touched {
        let missing = missing(change, facts);
        let is_missing = |secret: &ObjectRef, key: &Option<String>| {
            let keys = missing.get(secret);
            keys.is_some_and(|keys| keys.contains_key(key))
        };
        let credentials = read(change).into_iter().map(|((secret, key), readers)| {
            let [before, after] = readers;
            Credential {
                missing: is_missing(&secret, &key),
                secret,
                key,
                before,
                after,
            }
        });
        Touched {
            credentials: credentials.collect(),
            values: value_keys(change),
        }
    }

    /// Adds what another Camunda of the same release touches.
    pub fn extend(&mut self, other: Touched) {
        for credential in other.credentials {
            let same = |known: &&mut Credential| {
                (&known.secret, &known.key) == (&credential.secret, &credential.key)
            };
            match self.credentials.iter_mut().find(same) {
                Some(known) => {
                    known.before.extend(credential.before);
                    known.after.extend(credential.after);
                    known.missing |= credential.missing;
                }
                None => self.credentials.push(credential),
            }
        }
        self.values.extend(other.values);
        self.values.sort_unstable();
        self.values.dedup();
    }
}

/// Who reads which key of which Secret, before and after.
fn read(change: &Change) -> BTreeMap<(ObjectRef, Option<String>), Readers> {
    let mut read = BTreeMap::<_, Readers>::new();
    for object in change.objects.iter().filter(|object| object.camunda) {
        let sides = [object.running.as_deref(), object.planned.as_deref()];
        for (side, workload) in sides.into_iter().enumerate() {
            let namespace = &object.object.namespace;
            let refs = workload.map(secret_refs).into_iter().flatten();
            for found in refs {
                let secret = ObjectRef::new(Kind::Secret, namespace, &found.secret);
                let readers = read.entry((secret, found.key)).or_default();
                readers[side].insert(object.object.clone());
            }
        }
    }
    read
}
