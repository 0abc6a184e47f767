//! `explain`: what a rule is about, on a terminal.

use std::{ffi::OsStr, io::Write};

use anyhow::Context;
use clap::{
    Arg, Args, Command, Error,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::NAME;
use crate::rules::RULES;

/// Which rule.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The id that a refusal prints in brackets; without one, all rules are listed
    #[arg(value_name = "RULE", value_parser = PageOfRule, hide_possible_values = true)]
    rule: Option<&'static str>,
}

impl ExplainArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let text = match self.rule {
            None => list(),
            Some(page) => page.to_owned(),
        };
        std::io::stdout()
            .write_all(text.as_bytes())
            .context("writing to standard output")
    }
}

fn list() -> String {
    let width = RULES
        .iter()
        .map(|rule| rule.id.name().len())
        .max()
        .unwrap_or(0);
    RULES
        .iter()
        .map(|rule| format!("{:width$}  {}\n", rule.id, rule.summary))
        .collect()
}

/// Finds the page by the rule's id, so that shells can complete one and what is nearly one is recognised.
#[derive(Clone)]
struct PageOfRule;

impl TypedValueParser for PageOfRule {
    type Value = &'static str;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<&'static str, Error> {
        let typed = value.to_string_lossy();
        let id = typed.trim_matches(['[', ']', '`']);
        if let Some(rule) = RULES.iter().find(|rule| rule.id.name() == id) {
            return Ok(rule.page);
        }
        let ids = PossibleValuesParser::new(RULES.iter().map(|rule| rule.id.name()));
        let near = ids.parse_ref(command, arg, OsStr::new(id)).err();
        let meant = near.as_ref().and_then(|error| nearest(error));
        let instead = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("{NAME} rules lists them all"),
        };
        let message = format!("there is no rule {id}; {instead}\n");
        Err(Error::raw(ErrorKind::InvalidValue, message))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let rules = RULES.iter();
        Some(Box::new(rules.map(|rule| {
            PossibleValue::new(rule.id.name()).help(rule.summary)
        })))
    }
}

/// What clap would suggest.
fn nearest(error: &Error) -> Option<&str> {
    match error.get(ContextKind::SuggestedValue)? {
        ContextValue::String(meant) => Some(meant),
        ContextValue::Strings(meant) => meant.first().map(String::as_str),
        _ => None,
    }
}
