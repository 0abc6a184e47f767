//! The remaining work, as a person reads it before saying yes.

use std::fmt;

use crate::{kubernetes::Access, volume_move::Step};

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
    /// The requests that its steps make.
    pub fn accesses(&self, namespace: &str) -> Vec<Access> {
        let steps = self.steps.iter();
        let mut accesses: Vec<_> = steps.flat_map(|step| step.accesses(namespace)).collect();
        accesses.sort();
        accesses.dedup();
        accesses
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.heading)?;
        for line in &self.about {
            writeln!(f, "{line}")?;
        }
        for note in &self.notes {
            writeln!(f, "Note: {note}")?;
        }
        if !self.steps.is_empty() {
            writeln!(f, "Steps:")?;
        }
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {}. {step}", index + 1)?;
        }
        Ok(())
    }
}
