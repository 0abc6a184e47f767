//! The remaining work, as a person reads it before saying yes.

use std::fmt;

use crate::{
    finding::Fix,
    kubernetes::Access,
    terminal::{Role, Text},
    volume_move::Step,
};

/// Steps in their order, and what they are about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The purpose of the plan.
    pub heading: String,
    /// The claims and volumes, a line each.
    pub about: Vec<String>,
    /// Elastic's StatefulSet.
    pub statefulset: String,
    /// Notes to read first.
    pub notes: Vec<String>,
    /// The remaining steps; empty if everything is done.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The steps as refusals and plans have theirs.
    pub fn fixes(&self, namespace: &str) -> Vec<Fix> {
        let steps = self.steps.iter();
        steps.map(|step| step.fix(namespace)).collect()
    }

    /// The requests that its steps make.
    pub fn accesses(&self, namespace: &str) -> Vec<Access> {
        let steps = self.steps.iter();
        let mut accesses: Vec<_> = steps.flat_map(|step| step.accesses(namespace)).collect();
        accesses.sort();
        accesses.dedup();
        accesses
    }
}

/// Without a terminal's width.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(None).fmt(f)
    }
}

impl Plan {
    /// The plan for people; without a width, each sentence is a line.
    pub fn text(&self, width: Option<usize>) -> Text {
        let mut text = Text::new(width.unwrap_or(usize::MAX));
        text.wrapped(Role::Heading, &self.heading, 2);
        for line in &self.about {
            text.wrapped(Role::Prose, line, 2);
        }
        for note in &self.notes {
            text.wrapped(Role::Warning, &format!("Note: {note}"), 6);
        }
        if !self.steps.is_empty() {
            text.verbatim(Role::Heading, "Steps:");
        }
        for (number, step) in (1..).zip(&self.steps) {
            text.wrapped(Role::Prose, &format!("  {number}. {step}"), 3);
        }
        text
    }
}
