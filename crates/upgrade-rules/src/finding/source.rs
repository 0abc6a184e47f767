//! Where a command finds a value that nobody is shown.

use std::fmt;

use super::{Effect, Kubectl, What, shell};
use crate::kubernetes::{Kind, ObjectRef};

/// What prints a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A key of a Secret.
    Secret {
        /// The Secret's namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The key.
        key: String,
    },
    /// A variable that a workload has in place.
    Variable {
        /// The workload.
        workload: ObjectRef,
        /// Its container.
        container: String,
        /// The variable.
        variable: String,
    },
    /// Another command.
    Command(String),
}

impl Source {
    /// A key of a Secret.
    pub fn secret(namespace: &str, name: &str, key: &str) -> Self {
        Source::Secret {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            key: key.to_owned(),
        }
    }

    /// A command that prints the value's base64 in one line.
    pub(super) fn encoded(&self) -> String {
        match self {
            Source::Secret {
                namespace,
                name,
                key,
            } => stored(namespace, name, key).to_string(),
            other => format!("{other} | base64 | tr -d '\\n'"),
        }
    }

    /// The same by [`reader`], where that is of the Secret's namespace.
    pub(crate) fn shortly(&self, of: &str) -> Option<String> {
        match self {
            Source::Secret {
                namespace,
                name,
                key,
            } if namespace == of => {
                let key = shell::jsonpath_key(key);
                Some(shell::command(["secret", name, &key]))
            }
            _ => None,
        }
    }
}

/// The call that prints a key of a Secret as it is stored.
fn stored(namespace: &str, name: &str, key: &str) -> Kubectl {
    let path = format!("jsonpath={}", shell::data_jsonpath(key));
    Kubectl::new(namespace, ["get", "secret", name, "-o", &path])
}

/// A function of the shell that prints a key of a Secret, and fails where there is none.
pub(crate) fn reader(namespace: &str) -> String {
    let namespace = shell::quote(namespace);
    format!(
        "secret() {{ v=$(kubectl -n {namespace} get secret \"$1\" -o \"jsonpath={{.data.$2}}\") && test -n \"$v\" && \
         printf %s \"$v\" | base64 --decode; }}"
    )
}

/// The command as it is typed.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Secret {
                namespace,
                name,
                key,
            } => write!(f, "{} | base64 --decode", stored(namespace, name, key)),
            Source::Variable {
                workload,
                container,
                variable,
            } => {
                let path = format!(
                    "jsonpath={{.spec.template.spec.containers[?(@.name==\"{container}\")].env[?(@.name==\"{variable}\")].value}}"
                );
                let kind = workload.kind.kubectl();
                let words = ["get", &kind, &workload.name, "-o", &path];
                Kubectl::new(&workload.namespace, words).fmt(f)
            }
            Source::Command(command) => f.write_str(command),
        }
    }
}

/// A Secret that is made of values that nobody is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its keys.
    pub keys: Vec<(String, Source)>,
    effects: [Effect; 1],
}

/// A function of the shell that collects a key and what a command prints, and fails where it prints nothing: within the words of
/// another command nothing would notice.
pub(crate) const COLLECTOR: &str =
    r#"literal() { v=$("${@:2}") && test -n "$v" && literals+=("--from-literal=$1=$v"); }"#;

impl NewSecret {
    /// A Secret with these keys.
    pub fn new(namespace: &str, name: &str, keys: Vec<(String, Source)>) -> Self {
        let made = keys.iter();
        let made = made.map(|(key, source)| (key.clone(), Some(source.clone())));
        let effect = Effect {
            object: ObjectRef::new(Kind::Secret, namespace, name),
            what: What::Made(made.collect()),
        };
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            keys,
            effects: [effect],
        }
    }

    /// Returns its effect.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// The command that makes it, with the functions of the shell that it uses. It is a shell of its own: a group in braces would
    /// not end the others where a part of it fails.
    pub(crate) fn made(&self) -> Made {
        let create = Kubectl::new(&self.namespace, ["create", "secret", "generic", &self.name]);
        let (command, collects) = match &self.keys[..] {
            [] => (create.to_string(), false),
            [(key, source)] => {
                let (key, value) = (shell::quote(key), self.read(source));
                let make = format!("{create} --from-literal={key}=\"$v\"");
                let command = format!("(v=$({value}) && test -n \"$v\" && {make})");
                (command, false)
            }
            keys => {
                // One below the other, so that a person can check each key and where its value is from.
                let keys = keys.iter().map(|(key, source)| {
                    let value = self.read(source);
                    let words = match value.contains('|') {
                        true => shell::command(["eval", &value]),
                        false => value,
                    };
                    format!("  literal {} {words} &&\n", shell::quote(key))
                });
                let keys: String = keys.collect();
                let command = format!("(\n  literals=()\n{keys}  {create} \"${{literals[@]}}\")");
                (command, true)
            }
        };
        let mut sources = self.keys.iter().map(|(_, source)| source);
        Made {
            command,
            collects,
            reads: sources.any(|source| source.shortly(&self.namespace).is_some()),
        }
    }

    fn read(&self, source: &Source) -> String {
        let shortly = source.shortly(&self.namespace);
        shortly.unwrap_or_else(|| source.to_string())
    }
}

/// A command that makes a Secret.
pub(crate) struct Made {
    pub(crate) command: String,
    /// Whether it uses [`reader`].
    pub(crate) reads: bool,
    /// Whether it uses [`COLLECTOR`].
    pub(crate) collects: bool,
}

/// The command as it is typed, with all that it needs.
impl fmt::Display for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = self.made();
        let functions = [
            made.reads.then(|| reader(&self.namespace)),
            made.collects.then(|| COLLECTOR.to_owned()),
        ];
        let functions: Vec<_> = functions.into_iter().flatten().collect();
        match functions.is_empty() {
            true => f.write_str(&made.command),
            false => write!(f, "({}\n{})", functions.join("\n"), made.command),
        }
    }
}
