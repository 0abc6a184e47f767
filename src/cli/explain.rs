//! `explain`: what a rule is about, on a terminal.

use std::io::Write;

use anyhow::{Context, bail};
use clap::Args;

use crate::rules::RULES;

/// Which rule.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The id that a refusal prints in brackets; without one, all rules are listed
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

impl ExplainArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let text = match self.rule.as_deref() {
            None => list(),
            Some(id) => page(id.trim_matches(['[', ']', '`']))?,
        };
        std::io::stdout()
            .write_all(text.as_bytes())
            .context("writing to standard output")
    }
}

fn list() -> String {
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    RULES
        .iter()
        .map(|rule| format!("{:width$}  {}\n", rule.id, rule.summary))
        .collect()
}

fn page(id: &str) -> anyhow::Result<String> {
    match RULES.iter().find(|rule| rule.id == id) {
        Some(rule) => Ok(rule.page.to_owned()),
        None => bail!("there is no rule {id}; camunda-upgrade-guard explain lists them all"),
    }
}
