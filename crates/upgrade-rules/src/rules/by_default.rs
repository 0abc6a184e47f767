//! How a rule counts where no configuration says otherwise, as its page has it.

use super::Rule;
use crate::{change::Gate, finding::Action};

impl Rule {
    /// The ways in which what it finds at a gate can count, the usual one first.
    pub fn actions(&self, gate: Gate) -> &'static [Action] {
        match gate {
            Gate::Release => self.release,
            Gate::Object => self.object,
        }
    }

    /// The page without its title, up to its table: what the rule is about.
    pub fn description(&self) -> &'static str {
        let text = self.page.split_once('\n').map_or("", |(_, text)| text);
        text.split("\n| | |").next().unwrap_or(text).trim()
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
