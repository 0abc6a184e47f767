//! `rules`: the table of rules.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::print;
use crate::{
    change::Gate,
    mutations::MUTATIONS,
    rules::{RULES, Rule},
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
        print(match self.output {
            ListFormat::Text => text(),
            ListFormat::Json => json()?,
            ListFormat::Markdown => markdown(),
        })
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

fn text() -> String {
    let mut rows = vec![["RULE", "RELEASE", "OBJECT", "STOPS"].map(str::to_owned)];
    rows.extend(RULES.iter().map(|rule| {
        let [release, object] = counts(rule).map(|counts| counts.join(", "));
        [
            rule.id.to_string(),
            release,
            object,
            rule.summary.to_owned(),
        ]
    }));
    rows.extend(MUTATIONS.iter().map(|mutation| {
        let [id, summary] = [mutation.id.name(), mutation.summary];
        [id, "", SETS, summary].map(str::to_owned)
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let [id, release, object] = [0, 1, 2].map(width);
    let lines = rows.iter().map(|row| {
        format!(
            "{:id$}  {:release$}  {:object$}  {}\n",
            row[0], row[1], row[2], row[3]
        )
    });
    lines.collect()
}

fn json() -> anyhow::Result<String> {
    let rules = RULES.iter().map(|rule| {
        let [release, object] = counts(rule);
        json!({
            "id": rule.id,
            "release": release,
            "object": object,
            "summary": rule.summary,
            "yieldsTo": rule.yields_to(),
            "guide": rule.guide.map(|guide| guide.section),
            "guideAddress": rule.guide.map(|guide| guide.address()),
        })
    });
    let mutations = MUTATIONS.iter().map(|mutation| {
        json!({"id": mutation.id, "release": [], "object": [SETS], "summary": mutation.summary})
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
