//! `explain`: what a rule or a word is about, on a terminal.

mod glossary;
mod markdown;

use std::{ffi::OsStr, io};

use clap::{
    Arg, Args, Command, Error,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ErrorKind},
};

use super::{NAME, hints, print, show};
use crate::{denial, look::Look, mutations::MUTATIONS, rules::RULES, terminal::Text};

/// What is to be explained.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The id that a refusal prints in brackets, override, glossary or one of its words; without one, all rules are listed
    #[arg(value_name = "RULE", value_parser = PageParser, hide_possible_values = true)]
    page: Option<String>,
}

impl ExplainArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let look = Look::of(&io::stdout());
        // In a file or a pipe the page is what it is in the documentation.
        let is_shown = look.width.is_some() || look.colour;
        match self.page {
            None if is_shown => show(list),
            None => print(raw_list()),
            Some(page) if is_shown => {
                show(|width| markdown::render(&page, width.unwrap_or(denial::WIDTH)))
            }
            Some(page) => print(page),
        }
    }
}

/// Pages that are about no rule.
const OTHERS: [(&str, &str, &str); 1] = [(
    "override",
    "how to go ahead against a refusal, once and for a reason",
    include_str!("../../docs/override.md"),
)];

/// A rule, a mutation or something else with its page.
struct Explained {
    id: &'static str,
    summary: &'static str,
    page: String,
}

/// Returns the rules, the mutations and the other pages.
fn explained() -> impl Iterator<Item = Explained> {
    let rules = RULES
        .iter()
        .map(|rule| (rule.id.name(), rule.summary, rule.page));
    let mutations = MUTATIONS
        .iter()
        .map(|it| (it.id.name(), it.summary, it.page));
    let pages = rules.chain(mutations).chain(OTHERS);
    let pages = pages.map(|(id, summary, page)| Explained {
        id,
        summary,
        page: page.to_owned(),
    });
    pages.chain([Explained {
        id: "glossary",
        summary: "the words of the documentation",
        page: glossary::page(),
    }])
}

/// Returns the pages that are listed, and the words of the glossary.
fn known() -> impl Iterator<Item = Explained> {
    let words = glossary::WORDS.iter().map(|word| Explained {
        id: word.word,
        summary: "a word of the glossary",
        page: word.page(),
    });
    let listed: Vec<_> = explained().map(|it| it.id).collect();
    explained().chain(words.filter(move |it| !listed.contains(&it.id)))
}

fn list(width: Option<usize>) -> Text {
    let mut text = Text::new(width.unwrap_or(denial::WIDTH));
    let all: Vec<_> = explained().collect();
    let ids: Vec<_> = all.iter().map(|it| it.id).collect();
    let summaries: Vec<_> = all.iter().map(|it| it.summary.to_owned()).collect();
    text.lists(&ids, &[summaries]);
    text
}

fn raw_list() -> String {
    let width = explained().map(|it| it.id.len()).max().unwrap_or(0);
    explained()
        .map(|it| format!("{:width$}  {}\n", it.id, it.summary))
        .collect()
}

/// Parses what is to be explained into its page, so that shells can complete ids and mistyped ones get a suggestion.
#[derive(Clone)]
struct PageParser;

impl TypedValueParser for PageParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, Error> {
        let typed = value.to_string_lossy();
        let id = typed.trim_matches(['[', ']', '`']);
        if let Some(found) = known().find(|it| it.id == id) {
            return Ok(found.page);
        }
        let nearest = |ids: Vec<&'static str>| {
            let ids = PossibleValuesParser::new(ids);
            let near = ids.parse_ref(command, arg, OsStr::new(id)).err()?;
            hints::best(&near, ContextKind::SuggestedValue)
        };
        let meant = nearest(explained().map(|it| it.id).collect());
        let meant = meant.or_else(|| nearest(known().map(|it| it.id).collect()));
        let instead = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("{NAME} rules lists them all"),
        };
        let message = format!("there is no rule {id}; {instead}\n");
        Err(Error::raw(ErrorKind::InvalidValue, message).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = known().map(|it| PossibleValue::new(it.id).help(it.summary));
        Some(Box::new(values))
    }
}
