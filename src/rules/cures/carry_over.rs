//! Commands that bring a credential's old value to where the new manifest reads it, without showing it.

use crate::{
    credentials::sources::{Reading, Source},
    facts::Facts,
    finding::Command,
    object::{Kind, ObjectRef},
    shell,
};

/// Where a command finds an old value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Old<'a> {
    /// The workload that reads it.
    pub(crate) workload: &'a ObjectRef,
    /// How it does.
    pub(crate) reading: &'a Reading,
}

impl Old<'_> {
    /// A command that prints the value.
    pub(crate) fn plain(self) -> String {
        match &self.reading.source {
            Source::Key { secret, key } => plain(&self.workload.namespace, secret, key),
            Source::Inline(_) => self.inline(),
        }
    }

    /// A command that prints the value's base64 in one line.
    fn encoded(self) -> String {
        match &self.reading.source {
            Source::Key { secret, key } => encoded(&self.workload.namespace, secret, key),
            Source::Inline(_) => format!("{} | base64 | tr -d '\\n'", self.inline()),
        }
    }

    fn inline(self) -> String {
        let Reading {
            container,
            variable,
            ..
        } = self.reading;
        let path = format!(
            "jsonpath={{.spec.template.spec.containers[?(@.name==\"{container}\")].env[?(@.name==\"{variable}\")].value}}"
        );
        let kind = self.workload.kind.kubectl();
        shell::kubectl(
            &self.workload.namespace,
            ["get", &kind, &self.workload.name, "-o", &path],
        )
    }
}

/// A command that prints the value of a Secret's key.
pub(crate) fn plain(namespace: &str, secret: &str, key: &str) -> String {
    format!("{} | base64 --decode", encoded(namespace, secret, key))
}

fn encoded(namespace: &str, secret: &str, key: &str) -> String {
    let path = format!("jsonpath={}", shell::data_jsonpath(key));
    shell::kubectl(namespace, ["get", "secret", secret, "-o", &path])
}

/// What a key of a new Secret is to hold.
#[derive(Clone)]
pub(crate) enum Content {
    /// What this command prints.
    Printed(String),
    /// Anything: nothing knows an old value.
    Fresh,
    /// What only a person knows.
    Asked,
}

/// Makes a Secret with these keys, or adds them to the one that is there.
pub(crate) fn fill(
    facts: &Facts,
    namespace: &str,
    secret: &str,
    keys: &[(String, Content)],
) -> Command {
    let keys: Vec<_> = keys
        .iter()
        .map(|(key, content)| (key.as_str(), content.clone()))
        .collect();
    match facts.named(Kind::Secret, namespace, secret) {
        Some(_) => add(namespace, secret, &keys),
        None => create(namespace, secret, &keys),
    }
}

/// Creates a Secret with these keys.
pub(crate) fn create(namespace: &str, secret: &str, keys: &[(&str, Content)]) -> Command {
    let mut line = shell::kubectl(namespace, ["create", "secret", "generic", secret]);
    // One below the other, so that a person can check each key and where its value is from.
    let separator = if keys.len() > 1 { " \\\n  " } else { " " };
    for (key, content) in keys {
        line += &format!("{separator}--from-literal={}=", shell::quote(key));
        line += &match content {
            Content::Printed(command) => format!("\"$({command})\""),
            Content::Fresh => "\"$(openssl rand -hex 16)\"".to_owned(),
            Content::Asked => "'<its value>'".to_owned(),
        };
    }
    command(line, keys)
}

/// A line to paste as it is, unless somebody has to fill in a value.
fn command(line: String, keys: &[(&str, Content)]) -> Command {
    match keys
        .iter()
        .any(|(_, content)| matches!(content, Content::Asked))
    {
        true => Command::Manual(line),
        false => Command::Shell(line),
    }
}

/// Adds keys to a Secret that is there.
fn add(namespace: &str, secret: &str, keys: &[(&str, Content)]) -> Command {
    let encoded: Vec<_> = keys
        .iter()
        .map(|(key, content)| {
            let command = match content {
                Content::Printed(command) => command.as_str(),
                Content::Fresh => "openssl rand -hex 16",
                Content::Asked => "echo -n '<its value>'",
            };
            (*key, format!("{command} | base64 | tr -d '\\n'"))
        })
        .collect();
    command(patching(namespace, secret, &encoded), keys)
}

/// Sets keys of a Secret that is there to old values.
pub(crate) fn patch(namespace: &str, secret: &str, keys: &[(&str, Old<'_>)]) -> Command {
    let encoded: Vec<_> = keys
        .iter()
        .map(|(key, old)| (*key, old.encoded()))
        .collect();
    Command::Shell(patching(namespace, secret, &encoded))
}

fn patching(namespace: &str, secret: &str, encoded: &[(&str, String)]) -> String {
    let words = ["patch", "secret", secret, "-p"];
    format!("{} {}", shell::kubectl(namespace, words), data(encoded))
}

/// `{"data":{"KEY":"…"}}` as one word, each value printed by a command.
fn data(keys: &[(&str, String)]) -> String {
    let mut word = String::new();
    for (index, (key, command)) in keys.iter().enumerate() {
        let open = if index == 0 { "{\"data\":{" } else { "\"," };
        let key = serde_json::Value::from(*key);
        word += &shell::quote(&format!("{open}{key}:\""));
        word += &format!("\"$({command})\"");
    }
    word + &shell::quote("\"}}")
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
            reading(Source::Inline("secret".to_owned())),
            reading(Source::Key {
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
            "kubectl -n prod patch secret new -p '{\"data\":{\"a\":\"'\"$(kubectl -n prod get secret old -o 'jsonpath={.data.password}')\"\
             '\",\"b\":\"'\"$(kubectl -n prod get statefulset db -o \
             'jsonpath={.spec.template.spec.containers[?(@.name==\"c\")].env[?(@.name==\"POSTGRES_PASSWORD\")].value}' \
             | base64 | tr -d '\\n')\"'\"}}'"
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
            created.text(),
            "kubectl -n prod create secret generic new \\\n  --from-literal='a b'=\"$(kubectl -n prod get secret old -o \
             'jsonpath={.data.password}' | base64 --decode)\" \\\n  --from-literal=c=\"$(openssl rand -hex 16)\""
        );
        assert!(matches!(
            create("prod", "new", &[("a", Content::Asked)]),
            Command::Manual(_)
        ));
    }
}
