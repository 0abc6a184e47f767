//! Where a command finds a value that nobody is shown.

use std::fmt;

use super::{Kubectl, shell};

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
            } => {
                let path = format!("jsonpath={}", shell::data_jsonpath(key));
                let get = Kubectl::new(namespace, ["get", "secret", name, "-o", &path]);
                write!(f, "{get} | base64 --decode")
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
}

impl NewSecret {
    /// The command with each value as `read` has it.
    pub(crate) fn made(&self, read: &mut dyn FnMut(&Source) -> String) -> String {
        let words = ["create", "secret", "generic", &self.name];
        let mut line = Kubectl::new(&self.namespace, words).to_string();
        // One below the other, so that a person can check each key and where its value is from.
        let separator = if self.keys.len() > 1 { " \\\n  " } else { " " };
        for (key, source) in &self.keys {
            let key = shell::quote(key);
            line += &format!("{separator}--from-literal={key}=\"$({})\"", read(source));
        }
        line
    }
}

/// The command as it is typed.
impl fmt::Display for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.made(&mut Source::to_string))
    }
}
