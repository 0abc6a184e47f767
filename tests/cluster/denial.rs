//! A refusal read as its reader would: which rules, what to paste, what to add to the command.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use harness::Output;
use serde_json::Value;

/// What a refused command printed.
#[derive(Debug)]
pub struct Denial {
    pub text: String,
    pub rules: Vec<String>,
    /// Lines to paste, in order.
    pub commands: Vec<String>,
    /// What to add to the Helm command.
    pub flags: Vec<String>,
}

impl Denial {
    /// Reads a refusal; panics where the output is none.
    pub fn of(output: &Output) -> Denial {
        assert!(!output.success(), "not refused: {}", output.report());
        let text = output.text();
        assert!(
            text.contains("denied the request"),
            "not the guard's: {}",
            output.report()
        );
        let mut denial = Denial {
            rules: Vec::new(),
            commands: Vec::new(),
            flags: Vec::new(),
            text: text.clone(),
        };
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(rule) = rule(line) {
                denial.rules.push(rule.to_owned());
            }
            let command = line.trim_start();
            if line.ends_with("<<'EOF'") {
                let document: Vec<_> = lines.by_ref().take_while(|line| *line != "EOF").collect();
                denial
                    .commands
                    .push(format!("{command}\n{}\nEOF", document.join("\n")));
            } else if command.starts_with("kubectl ") || command.starts_with("export ") {
                denial.commands.push(command.to_owned());
            } else if command.starts_with("--set") || command.starts_with("-f ") {
                denial
                    .flags
                    .push(command.trim_end_matches(" \\").to_owned());
            }
        }
        denial.rules.sort();
        denial
    }

    /// Asserts which rules refused, no more and no fewer.
    #[track_caller]
    pub fn assert_rules(&self, expected: &[&str]) -> &Self {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(self.rules, expected, "{}", self.text);
        self
    }

    /// Asserts that no value of these Secrets is in the text, encoded or not.
    #[track_caller]
    pub fn assert_tells_none_of(&self, secrets: &BTreeMap<String, Value>) {
        for (name, data) in secrets {
            for (key, value) in data.as_object().into_iter().flatten() {
                let encoded = value.as_str().unwrap_or_default();
                let plain = STANDARD.decode(encoded).unwrap();
                let plain = String::from_utf8_lossy(&plain);
                for told in [encoded, plain.trim()] {
                    assert!(
                        told.is_empty() || !self.text.contains(told),
                        "{key} of {name} is printed"
                    );
                }
            }
        }
    }

    /// The commands, then `upgrade` with the flags, as one script.
    pub fn cure(&self, upgrade: &str) -> String {
        let mut script = self.commands.join("\n");
        script.push('\n');
        script.push_str(upgrade);
        for flag in &self.flags {
            script.push(' ');
            script.push_str(flag);
        }
        script
    }
}

/// `1. Title      [rule-id]`
fn rule(line: &str) -> Option<&str> {
    line.split_once(". ")?.0.parse::<u32>().ok()?;
    line.strip_suffix(']')?
        .rsplit_once('[')
        .map(|(_, rule)| rule)
}
