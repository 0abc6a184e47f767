//! `explain`: what a rule is about, on a terminal.

use std::ffi::OsStr;

use clap::{
    Arg, Args, Command, Error,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{NAME, print};
use crate::{mutations::MUTATIONS, rules::RULES};

/// Which rule.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The id that a refusal prints in brackets; without one, all rules are listed
    #[arg(value_name = "RULE", value_parser = PageOfRule, hide_possible_values = true)]
    rule: Option<&'static str>,
}

impl ExplainArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.rule {
            None => print(list()),
            Some(page) => print(page),
        }
    }
}

/// A rule or mutation with its page.
struct Explained {
    id: &'static str,
    summary: &'static str,
    page: &'static str,
}

/// Returns the rules and the mutations.
fn explained() -> impl Iterator<Item = Explained> {
    let rules = RULES.iter().map(|rule| (rule.id, rule.summary, rule.page));
    let mutations = MUTATIONS.iter().map(|it| (it.id, it.summary, it.page));
    rules.chain(mutations).map(|(id, summary, page)| Explained {
        id: id.name(),
        summary,
        page,
    })
}

fn list() -> String {
    let width = explained().map(|it| it.id.len()).max().unwrap_or(0);
    explained()
        .map(|it| format!("{:width$}  {}\n", it.id, it.summary))
        .collect()
}

/// Parses a rule's id into its page, so that shells can complete ids and mistyped ones get a suggestion.
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
        if let Some(found) = explained().find(|it| it.id == id) {
            return Ok(found.page);
        }
        let ids = PossibleValuesParser::new(explained().map(|it| it.id));
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
        let values = explained().map(|it| PossibleValue::new(it.id).help(it.summary));
        Some(Box::new(values))
    }
}

/// Returns clap's suggestion.
fn nearest(error: &Error) -> Option<&str> {
    match error.get(ContextKind::SuggestedValue)? {
        ContextValue::String(meant) => Some(meant),
        ContextValue::Strings(meant) => meant.first().map(String::as_str),
        _ => None,
    }
}
