//! Gives the chart a credential's old value: a variable that is read from where it is, and a flag that uses it.

use super::carry_over::plain;

use crate::{
    camunda::{Credential, Held},
    finding::Command,
    shell,
};

/// A key of a Secret that holds the old value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OldKey<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) key: &'a str,
    pub(crate) value: &'a [u8],
}

/// A variable of the shell, and the command that prints its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) variable: String,
    pub(crate) command: String,
}

impl Read {
    /// What to type.
    pub(crate) fn export(&self) -> Command {
        Command::Shell(format!("export {}=$({})", self.variable, self.command))
    }
}

/// The variable that is read, where one is needed, and the flag that gives the value to the chart under the key `value`.
pub(crate) fn supply(
    value: &str,
    credential: &Credential,
    old: OldKey<'_>,
) -> (Option<Read>, Command) {
    if !is_plain(old.value) {
        return (None, Command::HelmFlag(from_file(value, old)));
    }
    let variable = variable(credential);
    let flag = Command::HelmFlag(format!("--set-string {value}=\"${variable}\""));
    let command = plain(old.namespace, old.secret, old.key);
    (Some(Read { variable, command }), flag)
}

/// `--set-string` takes commas, backslashes and braces for its own, and `$(…)` swallows line ends at the end.
pub(crate) fn is_plain(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_graphic() && !b",\\{}\"".contains(byte))
}

/// A values file that kubectl writes from the Secret, so that no quoting of a shell's or Helm's gets at the value.
fn from_file(value: &str, old: OldKey<'_>) -> String {
    let (open, close) = (
        value
            .split('.')
            .map(|part| format!("{{\"{part}\":"))
            .collect::<String>(),
        "}".repeat(value.split('.').count()),
    );
    // Spaces keep the braces of the JSON apart from those of the template.
    let open = open.replace("{", "{ ");
    let template = format!(
        "{open}{{{{index .data \"{}\" | base64decode | printf \"%q\"}}}} {}",
        old.key,
        close.replace('}', "} ")
    );
    let words = ["get", "secret", old.secret, "-o"];
    format!(
        "-f <({} go-template={})",
        shell::kubectl(old.namespace, words),
        shell::quote(template.trim_end())
    )
}

fn variable(credential: &Credential) -> String {
    let name = credential.name.to_uppercase().replace('-', "_");
    match credential.held {
        Held::Client => format!("{name}_SECRET"),
        Held::Keycloak | Held::Database => format!("{name}_PASSWORD"),
    }
}

/// A plain sh has no process substitution.
pub(crate) fn shells(flags: &[Command]) -> &'static str {
    match flags.iter().any(|flag| flag.text().starts_with("-f <(")) {
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
}
