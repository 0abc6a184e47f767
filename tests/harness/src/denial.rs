//! Parses a refusal as its reader would: the rules, the commands to paste, the flags to add.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::process::{Output, Run};

/// The output of a refused command.
#[derive(Clone, Debug)]
pub struct Denial {
    pub text: String,
    /// The ids of the rules that refuse, sorted.
    pub rules: Vec<String>,
    /// Lines to paste, in order; a here-document is one of them.
    pub commands: Vec<String>,
    /// The flags to add to the Helm command.
    pub flags: Vec<String>,
}

impl Denial {
    /// Parses a refusal; any other output is an error.
    pub fn read(output: &Output) -> Result<Self> {
        let text = output.text();
        ensure!(!output.success(), "not refused: {}", output.report());
        ensure!(
            text.contains("denied the request"),
            "failed, but was not refused: {}",
            output.report()
        );
        Ok(Self::parse(text))
    }

    /// [`Denial::read`], for a test.
    ///
    /// # Panics
    /// When the output is no refusal.
    #[track_caller]
    pub fn of(output: &Output) -> Self {
        match Self::read(output) {
            Ok(denial) => denial.parsed_by_a_shell(),
            Err(error) => panic!("{error:#}"),
        }
    }

    /// Parses the refusal that `check` prints, without its warnings.
    ///
    /// # Panics
    /// When it refuses nothing.
    #[track_caller]
    pub fn of_check(output: &Output) -> Self {
        assert_eq!(output.code, Some(1), "{}", output.report());
        let refusal = output.stdout.split("\nWarning: ").next();
        Self::parse(refusal.unwrap_or_default().to_owned()).parsed_by_a_shell()
    }

    /// Asserts that a shell can parse the commands, which users are to paste.
    #[track_caller]
    fn parsed_by_a_shell(self) -> Self {
        let script = self.cure("helm upgrade camunda .");
        for script in [script, self.given_up()] {
            let parsed = Run::new("bash").args(["-n", "-c", &script]).output();
            match parsed.and_then(Output::ok) {
                Ok(_) => {}
                Err(error) => panic!("{error:#}: {script}"),
            }
        }
        self
    }

    fn parse(text: String) -> Self {
        let (mut rules, mut commands, mut flags) = (Vec::new(), Vec::new(), Vec::new());
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            // The rest describes a way past the guard, not a cure.
            if line.starts_with("Whoever may override ") {
                break;
            }
            rules.extend(rule(line).map(str::to_owned));
            let command = line.trim_start();
            if line.ends_with("<<'EOF'") {
                // A reader without the program writes this file by hand instead of the other one.
                let command = command.replacen("-by-hand.yaml", ".yaml", 1);
                let document: Vec<_> = lines.by_ref().take_while(|line| *line != "EOF").collect();
                commands.push(format!("{command}\n{}\nEOF", document.join("\n")));
            } else if command.starts_with("kubectl ") || command.starts_with("export ") {
                let mut whole = command.to_owned();
                while whole.ends_with(" \\")
                    && let Some(more) = lines.next()
                {
                    whole = format!("{whole}\n{more}");
                }
                commands.push(whole);
            } else if command.starts_with("--set") || command.starts_with("-f ") {
                flags.push(command.trim_end_matches(" \\").to_owned());
            }
        }
        rules.sort();
        Self {
            text,
            rules,
            commands,
            flags,
        }
    }

    /// Asserts exactly which rules refused.
    ///
    /// # Panics
    /// When others did.
    #[track_caller]
    pub fn assert_rules(&self, expected: &[&str]) -> &Self {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(self.rules, expected, "{}", self.text);
        self
    }

    /// Asserts that no value of these Secrets' data is in the text, encoded or not.
    ///
    /// # Panics
    /// When one is, or when the data is not base64.
    #[track_caller]
    pub fn assert_tells_none_of(&self, secrets: &BTreeMap<String, Value>) {
        assert_tells_none_of(&self.text, secrets);
    }

    /// Returns the same refusal with another text.
    #[must_use]
    pub fn with_text(&self, text: String) -> Self {
        Self {
            text,
            ..self.clone()
        }
    }

    /// Returns the commands, then `upgrade` with the flags, as one script.
    pub fn cure(&self, upgrade: &str) -> String {
        format!("{}\n{}", self.commands.join("\n"), self.with_flags(upgrade))
    }

    /// Returns the commands that a person decides on, such as those that give up data, without the `#` that keeps them from being pasted
    /// with the others.
    pub fn given_up(&self) -> String {
        let way_past = self.text.split("\nWhoever may override ").next();
        let lines = way_past.unwrap_or_default().lines();
        let commands = lines.filter_map(|line| line.trim_start().strip_prefix("# "));
        let is_command = |it: &&str| it.starts_with("kubectl ") || it.starts_with("[ ");
        let commands: Vec<_> = commands.filter(is_command).collect();
        commands.join("\n")
    }

    /// Returns a Helm command with the flags, one on each line.
    pub fn with_flags(&self, upgrade: &str) -> String {
        self.flags.iter().fold(upgrade.to_owned(), |command, flag| {
            format!("{command} \\\n  {flag}")
        })
    }
}

/// Asserts that no value of these Secrets' data is in a text, encoded or not.
///
/// # Panics
/// When one is, or when the data is not base64.
#[track_caller]
pub fn assert_tells_none_of(text: &str, secrets: &BTreeMap<String, Value>) {
    for (name, data) in secrets {
        for (key, value) in data.as_object().into_iter().flatten() {
            let encoded = value.as_str().unwrap_or_default();
            let decoded = STANDARD.decode(encoded);
            let Ok(plain) = decoded else {
                panic!("{key} of {name} is not base64");
            };
            let plain = String::from_utf8_lossy(&plain);
            for told in [encoded, plain.trim()] {
                assert!(
                    told.is_empty() || !text.contains(told),
                    "{key} of {name} is printed"
                );
            }
        }
    }
}

/// `1. Title      [rule-id]`
fn rule(line: &str) -> Option<&str> {
    line.split_once(". ")?.0.parse::<u32>().ok()?;
    line.strip_suffix(']')?
        .rsplit_once('[')
        .map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_from_top_to_bottom() {
        let stderr = "Error: admission webhook denied the request: upgrade is refused: 2 problems.\n\n\
            1. One      [rule-b]\n   Why.\n   Do:\n     kubectl get pods\n   or:\nkubectl apply -f - <<'EOF'\n{}\nEOF\n\n\
            2. Two      [rule-a]\n   Keep:\n     export A=$(kubectl get x)\n   and add:\n     --set a=\"$A\" \\\n     --set b=1\n";
        let output = Output {
            command: "helm upgrade".to_owned(),
            code: Some(1),
            stdout: String::new(),
            stderr: stderr.to_owned(),
        };
        let denial = Denial::of(&output);
        denial.assert_rules(&["rule-a", "rule-b"]);
        assert_eq!(
            denial.cure("helm upgrade a b"),
            "kubectl get pods\nkubectl apply -f - <<'EOF'\n{}\nEOF\nexport A=$(kubectl get x)\n\
             helm upgrade a b \\\n  --set a=\"$A\" \\\n  --set b=1"
        );
        assert!(
            Denial::read(&Output {
                code: Some(0),
                ..output
            })
            .is_err()
        );
    }
}
