//! Keys that a Secret gets, each without a word of its value.

use std::fmt;

use super::{Effect, Kubectl, Source, What, shell};
use crate::kubernetes::{Kind, ObjectRef};

/// Keys of a Secret that is there, and where their new values are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKeys {
    secret: ObjectRef,
    values: From,
    effects: [Effect; 1],
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    /// Commands print them.
    Sources(Vec<(String, Source)>),
    /// A person types the value of this key.
    Person(String),
}

impl SecretKeys {
    /// Keys whose values are elsewhere.
    pub fn new(namespace: &str, name: &str, keys: Vec<(String, Source)>) -> Self {
        Self::of(namespace, name, From::Sources(keys))
    }

    /// A key whose value only a person knows.
    pub fn asked(namespace: &str, name: &str, key: &str) -> Self {
        Self::of(namespace, name, From::Person(key.to_owned()))
    }

    fn of(namespace: &str, name: &str, values: From) -> Self {
        let secret = ObjectRef::new(Kind::Secret, namespace, name);
        let filled = match &values {
            From::Sources(keys) => {
                let keys = keys.iter();
                let keys = keys.map(|(key, source)| (key.clone(), Some(source.clone())));
                keys.collect()
            }
            From::Person(key) => vec![(key.clone(), None)],
        };
        Self {
            effects: [Effect {
                object: secret.clone(),
                what: What::Filled(filled),
            }],
            secret,
            values,
        }
    }

    /// Returns its effect.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Returns where the values are from that commands print.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        let keys = match &self.values {
            From::Sources(keys) => keys.as_slice(),
            From::Person(_) => &[],
        };
        keys.iter().map(|(_, source)| source)
    }

    /// Sets a key to base64 that a word of the shell holds.
    fn set(&self, key: &str, word: &str) -> String {
        let (namespace, name) = (&self.secret.namespace, &self.secret.name);
        let patch = Kubectl::new(namespace, ["patch", "secret", name, "-p"]);
        let open = format!("{{\"data\":{{{}:\"", serde_json::Value::from(key));
        let (open, close) = (shell::quote(&open), shell::quote("\"}}"));
        format!("{patch} {open}{word}{close}")
    }

    /// Sets each key by a patch of its own. What prints nothing, which nothing would notice within the words of another command,
    /// sets nothing.
    fn patched(&self, keys: &[(String, Source)]) -> String {
        let keys = keys.iter().map(|(key, source)| {
            let (print, patch) = (source.encoded(), self.set(key, "\"$v\""));
            format!("v=$({print}) && test -n \"$v\" && {patch}")
        });
        let keys: Vec<_> = keys.collect();
        format!("({})", keys.join(" &&\n  "))
    }

    /// Asks for a value and writes it. A line that was pasted behind this one is no value.
    fn ask(&self, key: &str) -> String {
        let write = self.set(key, "\"$(printf %s \"$value\" | base64 | tr -d '\\n')\"");
        let prompt = shell::quote(&format!("{key}: "));
        let failed = format!("Nothing was written to Secret {}.", self.secret.name);
        let failed = shell::quote(&failed);
        format!(
            "(printf %s {prompt} >&2; IFS= read -rs value && echo >&2 && \
             case $value in (''|*[[:space:]]*|'<'*'>') false;; esac && {write} || {{ echo {failed} >&2; exit 1; }})"
        )
    }
}

/// The command as it is typed.
impl fmt::Display for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match &self.values {
            From::Sources(keys) => self.patched(keys),
            From::Person(key) => self.ask(key),
        })
    }
}
