//! Commands that bring a credential's old value to where the new manifest reads it, without showing it.

use crate::{
    change::Facts,
    finding::{Command, Fix, Kubectl, NewSecret, SecretKeys, Source},
    knowledge::credentials::env_source::{self, Reading},
    kubernetes::{Kind, Object, ObjectRef},
};

/// The place where a command finds an old value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Old<'a> {
    /// The workload that reads it.
    pub(crate) workload: &'a ObjectRef,
    /// How the workload reads it.
    pub(crate) reading: &'a Reading,
}

impl Old<'_> {
    /// A command that prints the value.
    pub(crate) fn plain(self) -> Source {
        match &self.reading.source {
            env_source::Source::Key { secret, key } => {
                Source::secret(&self.workload.namespace, secret, key)
            }
            env_source::Source::Inline(_) => Source::Variable {
                workload: self.workload.clone(),
                container: self.reading.container.clone(),
                variable: self.reading.variable.clone(),
            },
        }
    }
}

/// The value that a key of a Secret must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The output of this command.
    Printed(Source),
    /// Any value: no old value exists.
    Fresh,
    /// A value that only a person knows.
    Asked,
}

/// Creates a Secret with these keys, or adds them to an existing one. Asks separately for values that only a person knows.
pub(crate) fn fill(
    facts: &Facts,
    namespace: &str,
    secret: &str,
    keys: &[(String, Content)],
) -> Vec<Fix> {
    let live = facts.named(Kind::Secret, namespace, secret);
    if live.is_some_and(Object::has_controller) {
        return vec![at_its_source(secret, keys)];
    }
    let (asked, known): (Vec<_>, Vec<_>) = keys
        .iter()
        .map(|(key, content)| (key.as_str(), content.clone()))
        .partition(|(_, content)| *content == Content::Asked);
    let mut fixes = Vec::new();
    let with = match known
        .iter()
        .any(|(_, it)| matches!(it, Content::Printed(_)))
    {
        _ if known.is_empty() => "",
        true => " with the values that are in use now",
        false => "; nothing knows these values yet, so any will do",
    };
    let command = match live {
        Some(_) => add(namespace, secret, &known),
        None => create(namespace, secret, &known),
    };
    let verb = match live {
        Some(_) => "Fill",
        None => "Make",
    };
    if live.is_none() || !known.is_empty() {
        fixes.push(Fix::new(
            format!("{verb} Secret {secret}{with}:"),
            [command],
        ));
    }
    if !asked.is_empty() {
        let asks = asked
            .iter()
            .map(|(key, _)| Command::SecretKeys(SecretKeys::asked(namespace, secret, key)));
        fixes.push(Fix::new(
            "Only you know what follows: each line asks for one value without showing it, and writes nothing where none is typed (bash or zsh):",
            asks,
        ));
    }
    fixes
}

/// Tells the user to set the keys at the controller's source: the controller would revert changes to the Secret.
fn at_its_source(secret: &str, keys: &[(String, Content)]) -> Fix {
    let lines = keys.iter().map(|(key, content)| {
        Command::Manual(match content {
            Content::Printed(command) => format!("{key}: what this prints: {command}"),
            Content::Fresh => format!("{key}: any value"),
            Content::Asked => format!("{key}: only you know its value"),
        })
    });
    Fix::new(
        format!(
            "A controller keeps Secret {secret}, so give it these keys where it takes them from:"
        ),
        lines,
    )
}

/// Creates a Secret with these keys, unless it is there.
pub(crate) fn create(namespace: &str, secret: &str, keys: &[(&str, Content)]) -> Command {
    let keys = keys.iter();
    let keys = keys.filter_map(|(key, content)| Some(((*key).to_owned(), printed(content)?)));
    let new = NewSecret::new(namespace, secret, keys.collect());
    let look = ["get", "secret", secret, "-o", "name"];
    let look = Kubectl::new(namespace, look);
    Command::NewSecret(new).once(format!("{look} >/dev/null 2>&1"))
}

/// Adds keys to a Secret that is there.
fn add(namespace: &str, secret: &str, keys: &[(&str, Content)]) -> Command {
    let keys = keys.iter();
    let keys = keys.filter_map(|(key, content)| Some(((*key).to_owned(), printed(content)?)));
    Command::SecretKeys(SecretKeys::new(namespace, secret, keys.collect()))
}

/// The command that prints a value which nothing knows yet.
pub(super) const FRESH: &str = "openssl rand -hex 16";

/// The command that prints what a key is to hold.
fn printed(content: &Content) -> Option<Source> {
    match content {
        Content::Printed(source) => Some(source.clone()),
        Content::Fresh => Some(Source::Command(FRESH.to_owned())),
        Content::Asked => None,
    }
}

/// Sets keys of a Secret that is there to old values.
pub(crate) fn patch(namespace: &str, secret: &str, keys: &[(&str, Old<'_>)]) -> Command {
    let keys = keys
        .iter()
        .map(|(key, old)| ((*key).to_owned(), old.plain()));
    Command::SecretKeys(SecretKeys::new(namespace, secret, keys.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_only_named() {
        let workload = ObjectRef::new(Kind::StatefulSet, "prod", "db");
        let reading = |source| Reading {
            container: "c".to_owned(),
            variable: "POSTGRES_PASSWORD".to_owned(),
            source,
        };
        let (inline, key) = (
            reading(env_source::Source::Inline("secret".to_owned())),
            reading(env_source::Source::Key {
                secret: "old".to_owned(),
                key: "password".to_owned(),
            }),
        );
        let old = |reading| Old {
            workload: &workload,
            reading,
        };
        assert_eq!(
            patch("prod", "new", &[("a", old(&key)), ("b", old(&inline))]).text(),
            "(v=$(kubectl -n prod get secret old -o 'jsonpath={.data.password}') && test -n \"$v\" && \
             kubectl -n prod patch secret new -p '{\"data\":{\"a\":\"'\"$v\"'\"}}' &&\n  \
             v=$(kubectl -n prod get statefulset db -o \
             'jsonpath={.spec.template.spec.containers[?(@.name==\"c\")].env[?(@.name==\"POSTGRES_PASSWORD\")].value}' \
             | base64 | tr -d '\\n') && test -n \"$v\" && kubectl -n prod patch secret new -p '{\"data\":{\"b\":\"'\"$v\"'\"}}')"
        );
        let created = create(
            "prod",
            "new",
            &[
                ("a b", Content::Printed(old(&key).plain())),
                ("c", Content::Fresh),
            ],
        );
        assert_eq!(
            created.text().lines().collect::<Vec<_>>(),
            [
                "(secret() { v=$(kubectl -n prod get secret \"$1\" -o \"jsonpath={.data.$2}\") && test -n \"$v\" && printf %s \"$v\" | base64 --decode; }",
                "literal() { v=$(\"${@:2}\") && test -n \"$v\" && literals+=(\"--from-literal=$1=$v\"); }",
                "(",
                "  literals=()",
                "  literal 'a b' secret old password &&",
                "  literal c openssl rand -hex 16 &&",
                "  kubectl -n prod create secret generic new \"${literals[@]}\"))",
            ]
        );
        let asked = fill(
            &Facts::default(),
            "prod",
            "new",
            &[("a".to_owned(), Content::Asked)],
        );
        let texts: Vec<_> = asked
            .iter()
            .flat_map(|fix| &fix.commands)
            .map(Command::text)
            .collect();
        assert_eq!(
            texts,
            [
                "kubectl -n prod create secret generic new",
                "(printf %s 'a: ' >&2; IFS= read -rs value && echo >&2 && \
                 case $value in (''|*[[:space:]]*|'<'*'>') false;; esac && \
                 kubectl -n prod patch secret new -p '{\"data\":{\"a\":\"'\"$(printf %s \"$value\" | base64 | tr -d '\\n')\"'\"}}' \
                 || { echo 'Nothing was written to Secret new.' >&2; exit 1; })",
            ]
        );
    }
}
