//! How a rule counts where no configuration says otherwise, as its page has it.

use super::Rule;
use crate::{change::Gate, finding::Action};

impl Rule {
    /// The ways in which what it finds at a gate can count, the usual one first; none where it does not look.
    pub fn actions(&self, gate: Gate) -> Vec<Action> {
        let starts: &[&str] = match gate {
            // One rule looks at releases only where it is asked to.
            Gate::Release => &["| Helm release |", "| `check --server-dry-run` |"],
            Gate::Object => &["| single object |"],
        };
        let cell = |line: &'static str| starts.iter().find_map(|it| line.strip_prefix(it));
        let rows = self.page.lines();
        let mut actions = Vec::new();
        for cell in rows.filter_map(cell) {
            for word in cell.split(|c: char| !c.is_ascii_alphabetic()) {
                let action = [Action::Deny, Action::Warn]
                    .into_iter()
                    .find(|action| action.name() == word);
                if let Some(action) = action.filter(|action| !actions.contains(action)) {
                    actions.push(action);
                }
            }
        }
        actions
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

    #[test]
    fn what_depends_counts_both_ways() {
        let rule = |id| RULES.iter().find(|rule| rule.id == id).unwrap();
        let checked = rule("not-checked");
        assert_eq!(checked.actions(Gate::Release), [Action::Deny]);
        assert_eq!(checked.actions(Gate::Object), [Action::Warn]);
        let depends = rule("connectors-secret-missing").actions(Gate::Release);
        assert_eq!(depends, [Action::Deny, Action::Warn]);
        assert_eq!(rule("downgrade").actions(Gate::Object), []);
    }
}
