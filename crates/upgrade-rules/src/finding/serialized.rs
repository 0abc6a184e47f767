//! A command as machine-readable reports have it: how it is used, its text, and what it is about. No value is among it that
//! its text does not show.

use serde::{Serialize, Serializer};

use super::{Command, Effect, Fix, Flag, NewSecret, Source, What};
use crate::kubernetes::ObjectRef;

#[derive(Serialize)]
struct Serialized<'a> {
    kind: &'static str,
    text: String,
    does: Option<Does<'a>>,
}

/// What a command does, as far as it is known.
#[derive(Default, PartialEq, Serialize)]
struct Does<'a> {
    changes: Vec<Change<'a>>,
    makes: Option<Secret<'a>>,
    reads: Vec<SecretKey<'a>>,
    values: Vec<&'a str>,
    files: Vec<&'a str>,
}

/// What happens to an object.
#[derive(PartialEq, Serialize)]
struct Change<'a> {
    what: &'static str,
    object: Named<'a>,
}

/// A Secret that is made, without its values.
#[derive(PartialEq, Serialize)]
struct Secret<'a> {
    namespace: &'a str,
    name: &'a str,
    keys: Vec<Key<'a>>,
}

#[derive(PartialEq, Serialize)]
struct Key<'a> {
    key: &'a str,
    from: Option<SecretKey<'a>>,
}

/// A key of a Secret that a value is read from.
#[derive(PartialEq, Serialize)]
struct SecretKey<'a> {
    namespace: &'a str,
    secret: &'a str,
    key: &'a str,
}

/// A Kubernetes object.
#[derive(PartialEq, Serialize)]
struct Named<'a> {
    kind: &'static str,
    namespace: Option<&'a str>,
    name: &'a str,
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let does = Does::of(self);
        let serialized = Serialized {
            kind: self.typing().name(),
            text: self.text(),
            does: (does != Does::default()).then_some(does),
        };
        serialized.serialize(serializer)
    }
}

impl<'a> Does<'a> {
    fn of(command: &'a Command) -> Self {
        let mut does = Does {
            changes: command.effects().iter().filter_map(Change::of).collect(),
            ..Does::default()
        };
        match command.core() {
            Command::HelmFlag(flag) => does.give(flag),
            Command::Upgrade(upgrade) => upgrade.flags.iter().for_each(|flag| does.give(flag)),
            Command::Export { value, .. } => does.reads.extend(SecretKey::of(value)),
            Command::NewSecret(secret) => does.makes = Some(Secret::of(secret)),
            Command::SecretKeys(keys) => {
                does.reads.extend(keys.sources().filter_map(SecretKey::of))
            }
            _ => {}
        }
        does
    }

    fn give(&mut self, flag: &'a Flag) {
        match flag {
            Flag::Value { key, .. } => self.values.push(key),
            Flag::File(name) => self.files.push(name),
            Flag::Printed(_) => {}
        }
    }
}

#[derive(Serialize)]
struct Step<'a> {
    when: &'static str,
    intro: &'a str,
    commands: &'a [Command],
}

impl Serialize for Fix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let step = Step {
            when: self.moment.name(),
            intro: &self.intro,
            commands: &self.commands,
        };
        step.serialize(serializer)
    }
}

/// An object by its kind, namespace and name.
impl Serialize for ObjectRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Named::of(self).serialize(serializer)
    }
}

impl<'a> Change<'a> {
    fn of(effect: &'a Effect) -> Option<Self> {
        let what = match effect.what {
            What::Merged(_) | What::Patched(_) | What::Filled(_) => "patched",
            What::Scaled(0) => "stopped",
            What::Scaled(_) => "scaled",
            What::Deleted => "deleted",
            What::DeletedAlone => "deletedAlone",
            // What is made stands apart, and who waits changes nothing.
            What::Made(_) | What::AwaitedGone | What::AwaitedComplete | What::AwaitedBound => {
                return None;
            }
        };
        let object = Named::of(&effect.object);
        Some(Self { what, object })
    }
}

impl<'a> Secret<'a> {
    fn of(secret: &'a NewSecret) -> Self {
        let keys = secret.keys.iter().map(|(key, source)| Key {
            key,
            from: SecretKey::of(source),
        });
        Self {
            namespace: &secret.namespace,
            name: &secret.name,
            keys: keys.collect(),
        }
    }
}

impl<'a> SecretKey<'a> {
    fn of(source: &'a Source) -> Option<Self> {
        match source {
            Source::Secret {
                namespace,
                name,
                key,
            } => Some(Self {
                namespace,
                secret: name,
                key,
            }),
            Source::Variable { .. } | Source::Command(_) => None,
        }
    }
}

impl<'a> Named<'a> {
    fn of(object: &'a ObjectRef) -> Self {
        Self {
            kind: object.kind.name(),
            namespace: Some(object.namespace.as_str()).filter(|it| !it.is_empty()),
            name: &object.name,
        }
    }
}
