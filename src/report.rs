//! What judging a change comes to, for everything that prints it but an AdmissionResponse.

use crate::{
    change::{Change, Operation},
    finding::{Action, Finding},
    release::Release,
    rules::NOT_CHECKED,
};

/// A change and what was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was judged.
    pub change: Change,
    /// What the rules found, as it counts, in the rules' order.
    pub findings: Vec<Finding>,
    /// The file that the change was read from; `-` is standard input.
    pub source: String,
    /// What else the reader should know, a line each.
    pub notes: Vec<String>,
}

/// What a report comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing refuses; warnings are allowed.
    Clean,
    /// At least one rule refuses.
    Refused,
    /// Nothing refuses, but not every rule could judge.
    Unchecked,
}

impl Outcome {
    /// As the machine-readable formats have it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Clean => "clean",
            Outcome::Refused => "refused",
            Outcome::Unchecked => "unchecked",
        }
    }

    /// The exit code of `check`.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Clean => 0,
            Outcome::Refused => 1,
            Outcome::Unchecked => 3,
        }
    }
}

impl Report {
    /// What was found of a change.
    pub fn new(change: Change, findings: Vec<Finding>, source: &str) -> Self {
        Self {
            change,
            findings,
            source: source.to_owned(),
            notes: Vec::new(),
        }
    }

    /// A release in which there is no Camunda, which no rule is about.
    pub fn of_others(release: &Release, source: &str) -> Self {
        let change = Change {
            operation: Operation::of(release.info.status).unwrap_or_default(),
            release: release.name.clone(),
            namespace: release.namespace.clone(),
            ..Change::default()
        };
        let mut report = Self::new(change, Vec::new(), source);
        let note = "There is no Camunda in it, so no rule is about it.";
        report.notes.push(note.to_owned());
        report
    }

    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        let unchecked = |finding: &&Finding| finding.rule == NOT_CHECKED;
        let mut others = self.findings.iter().filter(|it| !unchecked(it));
        if others.any(|finding| finding.action == Action::Deny) {
            Outcome::Refused
        } else if self.findings.iter().any(|finding| unchecked(&finding)) {
            Outcome::Unchecked
        } else {
            Outcome::Clean
        }
    }
}
