//! A rule's page, and the facts about it from the table.

use super::Rule;
use crate::{
    change::Gate,
    finding::{Action, Reference, RuleId},
};

impl Rule {
    /// The ways in which what it finds at a gate can count, the usual one first.
    pub fn actions(&self, gate: Gate) -> &'static [Action] {
        match gate {
            Gate::Release => self.release,
            Gate::Object => self.object.as_ref().map_or(&[], |object| object.actions),
        }
    }

    /// The page without its title, up to its table: what the rule is about.
    pub fn description(&self) -> &'static str {
        let text = self.page.split_once('\n').map_or("", |(_, text)| text);
        text.split("\n| Helm release |")
            .next()
            .unwrap_or(text)
            .trim()
    }

    /// The table on its page, in Markdown.
    pub fn table(&self) -> String {
        let [release, object] = [Gate::Release, Gate::Object].map(|gate| {
            self.actions(gate)
                .iter()
                .map(|action| action.name().to_owned())
                .collect()
        });
        let link = |rule: &RuleId| format!("[`{rule}`]({rule}.md)");
        let yields_to = self.yields_to().iter().map(link).collect();
        let guide = match self.guide {
            Reference::Section(guide) => format!("[{}]({})", guide.section, guide.address()),
            Reference::Nowhere(because) => format!("none: {because}"),
        };
        let [release, object, yields_to] = [release, object, yields_to].map(listed);
        format!(
            "| Helm release | single object | yields to | Camunda's guide |\n|---|---|---|---|\n\
             | {release} | {object} | {yields_to} | {guide} |\n"
        )
    }
}

fn listed(items: Vec<String>) -> String {
    match items.is_empty() {
        true => "–".to_owned(),
        false => items.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;

    #[test]
    fn every_page_says_how_its_rule_counts_and_what_it_is_about() {
        let none = |gate| {
            let rules = RULES.iter().filter(|rule| rule.actions(gate).is_empty());
            rules.map(|rule| rule.id).collect::<Vec<_>>()
        };
        let objects = none(Gate::Object);
        let nowhere = none(Gate::Release);
        assert!(
            nowhere.iter().all(|id| !objects.contains(id)),
            "{nowhere:?}"
        );
        let short: Vec<_> = RULES
            .iter()
            .filter(|rule| !rule.description().ends_with(|c: char| ".:)".contains(c)))
            .map(|rule| (rule.id, rule.description()))
            .collect();
        assert!(short.is_empty(), "{short:?}");
    }
}
