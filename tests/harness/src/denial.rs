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
    /// What is to be typed: one compound command; nothing where there is none.
    pub block: String,
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
        let rules = text.lines().filter_map(rule).map(str::to_owned);
        let mut rules: Vec<_> = rules.collect();
        rules.sort();
        Self {
            rules,
            block: block(&text).unwrap_or_default().to_owned(),
            text,
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

    /// Returns the block as whoever has decided all that it asks for pastes it, with its upgrade in the words of a test,
    /// which gives its own chart and values; where the block ends before the upgrade, that follows. Where no pod runs, no
    /// database can be dumped: the files are there already.
    pub fn cure(&self, upgrade: &str) -> String {
        let dumps = self.dumps();
        let dumped = dumps.iter().map(|file| format!("echo dumped > {file}"));
        let mut script: Vec<_> = dumped.collect();
        script.push(self.cure_on_a_node(upgrade));
        script.join("\n")
    }

    /// Returns the files that databases are dumped into.
    pub fn dumps(&self) -> Vec<String> {
        let lines = self.block.lines();
        let dumps = lines.filter_map(|line| line.strip_prefix("test -s "));
        let files = dumps.filter_map(|rest| rest.split_once(" || ("));
        files.map(|(file, _)| file.to_owned()).collect()
    }

    /// The same where the pods of databases run.
    pub fn cure_on_a_node(&self, upgrade: &str) -> String {
        let mut script = self.decided();
        let mut is_given = false;
        for line in self.block.lines() {
            let needs = line.starts_with(": \"${CHART:") || line.starts_with("  \"${VALUES:");
            if needs {
                continue;
            }
            match line.strip_prefix("helm upgrade ") {
                Some(own) => {
                    let goes_on = if own.ends_with('\\') { " \\" } else { "" };
                    script.push(format!("{upgrade}{goes_on}"));
                    is_given = true;
                }
                None => script.push(line.to_owned()),
            }
        }
        if !is_given {
            script.push(upgrade.to_owned());
        }
        script.join("\n")
    }

    /// The lines that say that all is decided.
    fn decided(&self) -> Vec<String> {
        let lines = self.block.lines();
        let asked = lines.filter_map(|line| line.strip_prefix("test \"${"));
        let names = asked.filter_map(|rest| rest.split_once(":-}\" = decided "));
        names
            .map(|(name, _)| format!("export {name}=decided"))
            .collect()
    }

    /// Returns the commands of other ways than the block's; a here-document is one of them.
    pub fn others(&self) -> Vec<String> {
        let why = self.text.split_once("\nWHY").map_or("", |(_, why)| why);
        let why = why.split("\nON PURPOSE").next().unwrap_or_default();
        let mut lines = why.lines();
        let mut commands = Vec::new();
        while let Some(line) = lines.next() {
            let command = line.trim_start();
            if line.ends_with("<<'EOF'") {
                let document: Vec<_> = lines.by_ref().take_while(|line| *line != "EOF").collect();
                commands.push(format!("{command}\n{}\nEOF", document.join("\n")));
            } else {
                // Some are behind a comment sign: what they come to is refused with the flags of the block.
                let command = command.strip_prefix("# ").unwrap_or(command);
                if ["kubectl ", "[ "]
                    .iter()
                    .any(|start| command.starts_with(start))
                {
                    commands.push(command.to_owned());
                }
            }
        }
        commands
    }

    /// Returns the flags of the upgrade that the block ends with, each as it is printed.
    pub fn flags(&self) -> Vec<String> {
        let upgrade = self.block.split_once("\nhelm upgrade ");
        let lines = upgrade.map_or("", |(_, upgrade)| upgrade).lines().skip(1);
        let flags = lines.filter_map(|line| line.strip_prefix("  "));
        flags
            .map(|flag| flag.trim_end_matches(" \\").to_owned())
            .collect()
    }

    /// Returns the block's calls of kubectl, each on one line.
    pub fn commands(&self) -> Vec<String> {
        let lines = self.block.lines();
        let calls = lines.filter(|line| line.starts_with("kubectl "));
        calls.map(str::to_owned).collect()
    }

    /// Returns what gives something up, without the `#` that keeps it from being pasted, and without the override.
    pub fn given_up(&self) -> String {
        let ways = self.text.split_once("\nON PURPOSE");
        let ways = ways.map_or("", |(_, ways)| ways);
        let ways = ways.split("\n# Whoever may override ").next();
        let lines = ways.unwrap_or_default().lines();
        let commands: Vec<_> = lines.filter_map(|line| line.strip_prefix("#   ")).collect();
        commands.join("\n")
    }
}

/// What stands below its heading, from the first bracket to the last.
fn block(text: &str) -> Option<&str> {
    let start = text.find("\n(set -euo pipefail\n")? + 1;
    let end = text[start..].find("\n)\n")?;
    Some(&text[start..start + end + 2])
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

/// `1. Title      [rule-id]`, or the last line of a long title.
fn rule(line: &str) -> Option<&str> {
    let (_, rule) = line.strip_suffix(']')?.rsplit_once("  [")?;
    let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    rule.chars().all(is_id).then_some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_from_top_to_bottom() {
        let stderr = "Error: admission webhook denied the request: upgrade is refused: One, and 1 more problem.\n\n\
            TYPE THIS     in bash or zsh\n(set -euo pipefail\n: \"${CHART:?set it}\" \\\n  \"${VALUES:?set it}\"\n\
            echo '1. Look'\nkubectl get pods\nhelm upgrade a \"$CHART\" \\\n  --set b=1\n)\n\n\
            WHY\n1. One      [rule-b]\n   Why.\n2. Two      [rule-a]\n\n\
            ON PURPOSE    each gives something up\n# Go\n#   kubectl get pvc\n# Whoever may override x:\n#   kubectl create\n";
        let output = Output {
            command: "helm upgrade".to_owned(),
            code: Some(1),
            stdout: String::new(),
            stderr: stderr.to_owned(),
        };
        let denial = Denial::of(&output);
        denial.assert_rules(&["rule-a", "rule-b"]);
        assert_eq!(
            denial.cure("helm upgrade mine ."),
            "(set -euo pipefail\necho '1. Look'\nkubectl get pods\nhelm upgrade mine . \\\n  --set b=1\n)"
        );
        assert_eq!(denial.given_up(), "kubectl get pvc");
        assert!(
            Denial::read(&Output {
                code: Some(0),
                ..output
            })
            .is_err()
        );
    }
}
