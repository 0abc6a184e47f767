//! Gives the chart a credential's old value: a variable that is read from where it is, and a flag that uses it.

use serde_json::{Map, Value};

use super::carry_over::FRESH;

use crate::{
    camunda::{Credential, Held},
    finding::{Command, Flag, Kubectl, Source, shell},
    helm::values::set,
};

/// A key of a Secret that holds the old value.
#[derive(Clone, Copy, Debug)]
pub struct OldKey<'a> {
    pub namespace: &'a str,
    pub secret: &'a str,
    pub key: &'a str,
    pub value: &'a [u8],
}

/// The variable with a value which nothing knows yet, and the flag that gives it.
pub fn fresh(value: &str, credential: &Credential) -> (Read, Flag) {
    let variable = variable(credential);
    let flag = Flag::set_variable(value, &variable);
    let value = Source::Command(FRESH.to_owned());
    (Read { variable, value }, flag)
}

/// A variable of the shell, and the command that prints its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub(crate) variable: String,
    pub(crate) value: Source,
}

impl Read {
    /// Returns the command to type.
    pub fn export(&self) -> Command {
        Command::Export {
            variable: self.variable.clone(),
            value: self.value.clone(),
        }
    }
}

/// The variable that is read, and the flag that gives the value to the chart under the key `value`.
///
/// Nothing notices that a command within the words of another one has failed, so that each is read before.
pub fn supply(value: &str, credential: &Credential, old: OldKey<'_>) -> (Read, Flag) {
    let variable = variable(credential);
    if !is_plain(old.value) {
        let file = printed(old.namespace, old.secret, &[(value, old.key)]);
        let flag = Flag::Printed(format!("printf %s \"${variable}\""));
        let value = Source::Command(file);
        return (Read { variable, value }, flag);
    }
    let flag = Flag::set_variable(value, &variable);
    let value = Source::secret(old.namespace, old.secret, old.key);
    (Read { variable, value }, flag)
}

/// `--set-string` takes commas, backslashes and braces for its own, and `$(…)` swallows line ends at the end.
pub fn is_plain(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_graphic() && !b",\\{}\"".contains(byte))
}

/// A values file that kubectl writes from keys of a Secret, each under its dotted value key, so that neither the shell's nor
/// Helm's quoting changes the values.
pub fn from_secret(namespace: &str, secret: &str, values: &[(&str, &str)]) -> Flag {
    Flag::Printed(printed(namespace, secret, values))
}

fn printed(namespace: &str, secret: &str, values: &[(&str, &str)]) -> String {
    let mut tree = Map::new();
    for (value, key) in values {
        set(&mut tree, value, (*key).into());
    }
    let words = ["get", "secret", secret, "-o"];
    format!(
        "{} go-template={}",
        Kubectl::new(namespace, words),
        shell::quote(&template(&Value::Object(tree)))
    )
}

/// Spaces keep the braces of the JSON apart from those of the template.
fn template(tree: &Value) -> String {
    match tree {
        Value::Object(below) => {
            let below: Vec<_> = below
                .iter()
                .map(|(key, value)| format!("\"{key}\":{}", template(value)))
                .collect();
            format!("{{ {} }}", below.join(", "))
        }
        key => format!("{{{{index .data {key} | base64decode | printf \"%q\"}}}}"),
    }
}

fn variable(credential: &Credential) -> String {
    let name = credential.name.to_uppercase().replace('-', "_");
    match credential.held {
        Held::Client => format!("{name}_SECRET"),
        Held::Keycloak | Held::Database => format!("{name}_PASSWORD"),
    }
}

/// A plain sh has no process substitution.
pub fn shells(flags: &[Flag]) -> &'static str {
    match flags.iter().any(|flag| matches!(flag, Flag::Printed(_))) {
        true => ", in bash or zsh",
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_the_command_line_would_change_take_the_other_way() {
        assert!(is_plain(b"aB3$x'y"));
        for value in [
            &b"a,b"[..],
            b"a\\b",
            b"{a}",
            b"line\n",
            b"a b",
            b"\xff",
            b"a\"b",
        ] {
            assert!(!is_plain(value), "{value:?}");
        }
    }

    #[test]
    fn several_values_come_in_one_file() {
        assert_eq!(
            from_secret("prod", "rescued", &[("a.b", "x.y"), ("a.c-d", "z")]).to_string(),
            "-f <(kubectl -n prod get secret rescued -o go-template='{ \"a\":{ \
             \"b\":{{index .data \"x.y\" | base64decode | printf \"%q\"}}, \
             \"c-d\":{{index .data \"z\" | base64decode | printf \"%q\"}} } }')"
        );
    }
}
