//! The steps of a plan, one after the other.

use crate::finding::{Command, Fix, RuleId, What};

/// One step of a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number in the whole plan, from 1.
    pub number: usize,
    /// The step in a few words.
    pub title: String,
    /// Its place in the hop.
    pub part: Part,
    /// The reasons, a line each.
    pub why: Vec<String>,
    /// The acts, in order.
    pub acts: Vec<Act>,
    /// Other ways to the same, for whoever can't go this one.
    pub instead: Vec<Fix>,
}

/// The parts of a hop, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Decisions, and repairs by hand.
    Decide,
    /// Preparations while everything runs.
    Prepare,
    /// Backups.
    BackUp,
    /// What only the upgrade completes: stops of components, StatefulSets that are deleted.
    Stop,
    /// The upgrade.
    Upgrade,
    /// Until it is through.
    Wait,
    /// Cleanup after the upgrade.
    CleanUp,
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A command that runs as it stands.
    Run(Command),
    /// Something that only a person can do or look at.
    Ask(String),
    /// Something without which there is no way on, and that nobody can say yes to beforehand.
    Decide(String),
    /// A command for which a variable has to be set, and what to do where it is not.
    With {
        /// The variable.
        variable: &'static str,
        /// The command.
        command: Command,
        /// What to do without the variable.
        otherwise: String,
    },
    /// A file that is written unless it is there, by a command.
    File {
        /// Its name.
        name: String,
        /// The command.
        write: Command,
    },
}

/// Something to know about a hop for which nothing is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Know {
    /// The rule that knows it, for `explain`.
    pub rule: RuleId,
    /// The note in one line.
    pub title: String,
    /// More of it.
    pub why: Vec<String>,
    /// Commands for those whom it concerns.
    pub fixes: Vec<Fix>,
}

impl Step {
    /// A step without a number yet.
    pub(super) fn new(part: Part, title: impl Into<String>, acts: Vec<Act>) -> Self {
        Self {
            number: 0,
            title: title.into(),
            part,
            why: Vec::new(),
            acts,
            instead: Vec::new(),
        }
    }

    /// Whether it ends pods; a StatefulSet that is deleted alone leaves them at work.
    pub(super) fn ends_pods(&self) -> bool {
        let effects = self.acts.iter().flat_map(|act| match act {
            Act::Run(Command::Kubectl(call)) => call.effects(),
            _ => &[],
        });
        let mut effects = effects.map(|effect| &effect.what);
        self.part == Part::Stop
            && effects.any(|what| matches!(what, What::Scaled(0) | What::Deleted))
    }

    /// Adds reasons to the step.
    pub(super) fn because(mut self, why: Vec<String>) -> Self {
        self.why = why;
        self
    }
}
