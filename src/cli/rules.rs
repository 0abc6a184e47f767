//! `rules`: the table of rules.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{print, show};
use crate::{
    change::Gate,
    finding::RuleId,
    mutations::MUTATIONS,
    report::Documented,
    rules::{RULES, Rule},
    terminal::Text,
};

/// How the table is printed.
#[derive(Args, Debug)]
pub struct RulesArgs {
    /// Format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: ListFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ListFormat {
    /// A table for a terminal
    #[default]
    Text,
    /// An array of objects
    Json,
    /// The table of docs/rules
    Markdown,
}

impl RulesArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.output {
            ListFormat::Text => show(text),
            ListFormat::Json => print(json()?),
            ListFormat::Markdown => print(markdown()),
        }
    }
}

/// The table's word for a mutation of a single object.
const SETS: &str = "set";

/// Returns how a rule counts by default, for a release and for a single object.
fn counts(rule: &Rule) -> [Vec<&'static str>; 2] {
    [Gate::Release, Gate::Object].map(|gate| {
        let actions = rule.actions(gate).iter();
        actions.map(|action| action.name()).collect()
    })
}

fn text(width: Option<usize>) -> Text {
    let rules = RULES.iter().map(|rule| {
        let [release, object] = counts(rule).map(|counts| counts.join(", "));
        let summary = rule.summary.to_owned();
        [rule.id.to_string(), release, object, summary]
    });
    let mutations = MUTATIONS.iter().map(|mutation| {
        let [id, summary] = [mutation.id.name(), mutation.summary];
        [id, "", SETS, summary].map(str::to_owned)
    });
    let rows: Vec<_> = rules.chain(mutations).collect();
    let mut text = Text::new(width.unwrap_or(usize::MAX));
    text.table(&["RULE", "RELEASE", "OBJECT", "STOPS"], &rows);
    text
}

/// A rule or mutation as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: RuleId,
    release: Vec<&'static str>,
    object: Vec<&'static str>,
    summary: &'static str,
    yields_to: &'static [RuleId],
    #[serde(flatten)]
    documented: Documented,
}

fn json() -> anyhow::Result<String> {
    let rules = RULES.iter().map(|rule| {
        let [release, object] = counts(rule);
        Listed {
            id: rule.id,
            release,
            object,
            summary: rule.summary,
            yields_to: rule.yields_to(),
            documented: Documented::of(rule.id, rule.guide),
        }
    });
    let mutations = MUTATIONS.iter().map(|mutation| Listed {
        id: mutation.id,
        release: Vec::new(),
        object: vec![SETS],
        summary: mutation.summary,
        yields_to: &[],
        documented: Documented::of(mutation.id, mutation.guide),
    });
    let rules: Vec<_> = rules.chain(mutations).collect();
    Ok(serde_json::to_string_pretty(&rules)? + "\n")
}

fn markdown() -> String {
    let head = "| rule | Helm release | single object | stops |\n|---|---|---|---|\n";
    let rows = RULES.iter().map(|rule| {
        let [release, object] = counts(rule).map(|counts| match &*counts {
            [] => " ".to_owned(),
            counts => format!(" {} ", counts.join(", ")),
        });
        format!(
            "| [`{0}`]({0}.md) |{release}|{object}| {1} |\n",
            rule.id, rule.summary
        )
    });
    let mutations = MUTATIONS.iter().map(|mutation| {
        format!(
            "| [`{0}`]({0}.md) | | {SETS} | {1} |\n",
            mutation.id, mutation.summary
        )
    });
    let rows = rows.chain(mutations);
    std::iter::once(head.to_owned()).chain(rows).collect()
}
