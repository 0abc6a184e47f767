//! One thing to type: how it is printed, how it counts for who reads it, and what it changes.

use std::fmt;

use serde_json::Value;

use super::{Effect, Kubectl, NewSecret, SecretKeys, Source, shell};

/// One thing to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A call of kubectl, pasted as it is.
    Kubectl(Kubectl),
    /// Another line for a shell, pasted as it is.
    Shell(String),
    /// A variable of the shell that keeps what a command prints.
    Export {
        /// The variable.
        variable: String,
        /// The command.
        value: Source,
    },
    /// A Secret that is made of values from elsewhere.
    NewSecret(NewSecret),
    /// Keys of a Secret that is there are set to values from elsewhere.
    SecretKeys(SecretKeys),
    /// A command with its input, pasted as it is.
    HereDocument(HereDocument),
    /// Added to the `helm upgrade` that was refused; the record knows neither its repository nor its files.
    HelmFlag(Flag),
    /// Another upgrade in place of the one that was refused, with a person's own chart and files.
    Upgrade(Upgrade),
    /// A command that makes something, and only where that is not there yet: pasted twice it does no harm.
    Once {
        /// A test for a shell that succeeds where it is there.
        there: String,
        /// The command.
        command: Box<Command>,
    },
    /// A person decides first whether to type it.
    Decide(Box<Command>),
    /// It stands behind a comment sign, so that nobody pastes it unread.
    Commented(Box<Command>),
    /// A person has to do or to fill in something, or there is no way on.
    Manual(String),
    /// A person is asked to do or to look at something.
    Ask(String),
}

/// How a command is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Pasted into a shell.
    Shell,
    /// Added to the Helm upgrade.
    HelmFlag,
    /// A person has to decide or to fill in something first.
    Manual,
}

impl Typing {
    /// Returns the name that machine-readable reports use.
    pub fn name(self) -> &'static str {
        match self {
            Typing::Shell => "shell",
            Typing::HelmFlag => "helmFlag",
            Typing::Manual => "manual",
        }
    }
}

impl Command {
    /// The text of the line or lines.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Returns how the command is used.
    pub fn typing(&self) -> Typing {
        match self {
            Command::Kubectl(_)
            | Command::Shell(_)
            | Command::Export { .. }
            | Command::NewSecret(_)
            | Command::SecretKeys(_)
            | Command::HereDocument(_) => Typing::Shell,
            Command::Once { command, .. } => command.typing(),
            Command::HelmFlag(_) => Typing::HelmFlag,
            Command::Upgrade(_)
            | Command::Decide(_)
            | Command::Commented(_)
            | Command::Manual(_)
            | Command::Ask(_) => Typing::Manual,
        }
    }

    /// Returns its effects on objects if it is pasted unchanged.
    pub fn effects(&self) -> &[Effect] {
        match self {
            Command::Kubectl(kubectl) => kubectl.effects(),
            Command::NewSecret(secret) => secret.effects(),
            Command::SecretKeys(keys) => keys.effects(),
            Command::Once { command, .. } => command.effects(),
            _ => &[],
        }
    }

    /// Whether it makes something that is not there yet.
    pub fn makes(&self) -> bool {
        match self {
            Command::Once { .. } => true,
            Command::Decide(command) => command.makes(),
            _ => false,
        }
    }

    /// The command without what is said of it.
    pub fn core(&self) -> &Command {
        match self {
            Command::Decide(command) | Command::Once { command, .. } => command.core(),
            other => other,
        }
    }

    /// The here-document in it, which has to stand at the beginning of its lines, or it would not end.
    pub fn here_document(&self) -> Option<&HereDocument> {
        match self.core() {
            Command::HereDocument(document) => Some(document),
            _ => None,
        }
    }

    /// The upgrade that it is.
    pub fn upgrade(&self) -> Option<&Upgrade> {
        match self.core() {
            Command::Upgrade(upgrade) => Some(upgrade),
            _ => None,
        }
    }

    /// The flag in it.
    pub fn flag(&self) -> Option<&Flag> {
        match self.core() {
            Command::HelmFlag(flag) => Some(flag),
            _ => None,
        }
    }

    /// The file that it writes only where there is none of that name.
    pub fn once_as_file(self, file: &str) -> Self {
        self.once(shell::command(["test", "-e", file]))
    }

    /// The same only where a test fails.
    pub fn once(self, there: String) -> Self {
        Command::Once {
            there,
            command: Box::new(self),
        }
    }

    /// The same, for somebody who decides first.
    pub fn decide(self) -> Self {
        Command::Decide(Box::new(self))
    }

    /// The same behind a comment sign.
    pub fn commented(self) -> Self {
        Command::Commented(Box::new(self))
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Kubectl(kubectl) => kubectl.fmt(f),
            Command::Shell(text) | Command::Manual(text) | Command::Ask(text) => f.write_str(text),
            Command::Upgrade(upgrade) => upgrade.fmt(f),
            Command::Export { variable, value } => write!(f, "export {variable}=$({value})"),
            Command::NewSecret(secret) => secret.fmt(f),
            Command::SecretKeys(keys) => keys.fmt(f),
            Command::HereDocument(document) => document.fmt(f),
            Command::HelmFlag(flag) => flag.fmt(f),
            Command::Decide(command) | Command::Once { command, .. } => command.fmt(f),
            Command::Commented(command) => write!(f, "# {command}"),
        }
    }
}

impl From<Kubectl> for Command {
    fn from(kubectl: Kubectl) -> Self {
        Command::Kubectl(kubectl)
    }
}

impl From<Flag> for Command {
    fn from(flag: Flag) -> Self {
        Command::HelmFlag(flag)
    }
}

/// A `helm upgrade`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The chart's version, unless the chart is a person's own.
    pub version: Option<String>,
    /// Whether it may be the first revision.
    pub install: bool,
    /// Its chart and values files.
    pub inputs: Inputs,
    /// How long Helm waits for what it waits for, such as `60m`.
    pub timeout: Option<&'static str>,
    /// Files first, as Helm puts the flags over them anyway.
    pub flags: Vec<Flag>,
}

/// The chart and the values files of an upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// Only their owner knows them: a shell takes them from CHART and VALUES.
    Variables {
        /// Whether values are given at all.
        values: bool,
    },
    /// They are known.
    Named {
        /// The chart, as Helm takes it.
        chart: String,
        /// The values files.
        files: Vec<String>,
    },
}

impl Upgrade {
    /// A line for a shell that ends it where a variable is not set.
    pub fn needs(&self) -> Option<String> {
        const CHART: &str = "\"${CHART:?set it to the chart that you gave helm, such as camunda/camunda-platform}\"";
        const VALUES: &str =
            "\"${VALUES:?set it to the values files that you gave helm, with commas between}\"";
        match self.inputs {
            Inputs::Variables { values: true } => Some(format!(": {CHART} \\\n  {VALUES}")),
            Inputs::Variables { values: false } => Some(format!(": {CHART}")),
            Inputs::Named { .. } => None,
        }
    }
}

impl fmt::Display for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let install: &[&str] = if self.install { &["--install"] } else { &[] };
        let words = [&["helm", "upgrade"], install, &[self.release.as_str()]].concat();
        write!(f, "{} ", shell::command(words))?;
        match &self.inputs {
            Inputs::Variables { .. } => f.write_str("\"$CHART\"")?,
            Inputs::Named { chart, .. } => f.write_str(&shell::quote(chart))?,
        }
        if let Some(version) = &self.version {
            write!(f, " --version {}", shell::quote(version))?;
        }
        write!(f, " -n {}", shell::quote(&self.namespace))?;
        if let Some(timeout) = self.timeout {
            write!(f, " --timeout {timeout}")?;
        }
        match &self.inputs {
            Inputs::Variables { values: true } => f.write_str(" -f \"$VALUES\"")?,
            Inputs::Variables { values: false } => {}
            Inputs::Named { files, .. } => {
                for file in files {
                    write!(f, " \\\n  -f {}", shell::quote(file))?;
                }
            }
        }
        let file = |flag: &&Flag| !matches!(flag, Flag::Value { .. });
        let (files, values): (Vec<_>, Vec<_>) = self.flags.iter().partition(file);
        for flag in files.into_iter().chain(values) {
            write!(f, " \\\n  {flag}")?;
        }
        Ok(())
    }
}

/// A command and the text that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HereDocument {
    /// The command, such as `cat > FILE`.
    pub command: String,
    /// The text of the here-document, without the last line end.
    pub text: String,
}

impl fmt::Display for HereDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, text } = self;
        // No line of the text itself may end it.
        let mut end = "EOF".to_owned();
        while text.lines().any(|line| line == end) {
            end.push('F');
        }
        write!(f, "{command} <<'{end}'\n{text}\n{end}")
    }
}

/// A flag of `helm upgrade`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// One value.
    Value {
        /// Its key, as the release's own files have it.
        key: String,
        /// The value.
        value: Given,
    },
    /// A values file.
    File(String),
    /// A values file that a command prints, for shells that can give it as one.
    Printed(String),
}

/// A value as a flag gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Given {
    /// Helm takes it for what it looks like.
    Typed(String),
    /// Helm takes it for a text.
    Text(String),
    /// A text that is in a variable of the shell.
    Variable(String),
    /// A text that the shell fills in, in its own quotes.
    Word(String),
}

impl Given {
    /// The value, where it stands in the open.
    pub fn open(&self) -> Option<Value> {
        match self {
            Given::Typed(text) => {
                Some(serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()))
            }
            Given::Text(text) => Some(text.as_str().into()),
            Given::Variable(_) | Given::Word(_) => None,
        }
    }
}

impl Flag {
    /// `--set KEY=VALUE`.
    pub fn set(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::value(key, Given::Typed(value.into()))
    }

    /// `--set-string KEY=VALUE`.
    pub fn set_string(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::value(key, Given::Text(value.into()))
    }

    /// `--set-string KEY="$VARIABLE"`.
    pub fn set_variable(key: impl Into<String>, variable: impl Into<String>) -> Self {
        Self::value(key, Given::Variable(variable.into()))
    }

    /// `--set-string KEY=WORD`, where the word is in quotes of its own.
    pub fn set_word(key: impl Into<String>, word: impl Into<String>) -> Self {
        Self::value(key, Given::Word(word.into()))
    }

    fn value(key: impl Into<String>, value: Given) -> Self {
        let key = key.into();
        Self::Value { key, value }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, value) = match self {
            Flag::Value { key, value } => (key, value),
            Flag::File(name) => return write!(f, "-f {}", shell::quote(name)),
            Flag::Printed(command) => return write!(f, "-f <({command})"),
        };
        match value {
            Given::Typed(value) => write!(f, "--set {}", shell::quote(&format!("{key}={value}"))),
            Given::Text(value) => {
                write!(
                    f,
                    "--set-string {}",
                    shell::quote(&format!("{key}={value}"))
                )
            }
            Given::Variable(name) => write!(f, "--set-string {key}=\"${name}\""),
            Given::Word(word) => write!(f, "--set-string {key}={word}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_here_document_ends_at_no_line_of_its_own() {
        let document = HereDocument {
            command: "cat > f".to_owned(),
            text: "a\nEOF\nb".to_owned(),
        };
        assert_eq!(document.to_string(), "cat > f <<'EOFF'\na\nEOF\nb\nEOFF");
        let command = Command::HereDocument(document).decide();
        assert_eq!(command.typing(), Typing::Manual);
        assert!(command.here_document().is_some());
    }

    #[test]
    fn flags_are_quoted_where_the_shell_fills_nothing_in() {
        for (flag, text) in [
            (Flag::set("a.b", "true"), "--set a.b=true"),
            (Flag::set_string("a", "it's"), r"--set-string 'a=it'\''s'"),
            (Flag::set_word("a", "\"$A\""), "--set-string a=\"$A\""),
            (
                Flag::File("my values.yaml".to_owned()),
                "-f 'my values.yaml'",
            ),
        ] {
            assert_eq!(Command::from(flag).text(), text);
        }
    }

    #[test]
    fn nothing_behind_a_comment_sign_has_an_effect() {
        use crate::{finding::Objects, kubernetes::Kind};
        let delete = Objects::new(Kind::PersistentVolumeClaim, "prod", ["a"]).delete();
        let command = Command::from(delete);
        assert_eq!(command.effects().len(), 1);
        let commented = command.commented();
        assert_eq!(
            commented.text(),
            "# kubectl -n prod delete pvc a --ignore-not-found"
        );
        assert!(commented.effects().is_empty());
    }
}
