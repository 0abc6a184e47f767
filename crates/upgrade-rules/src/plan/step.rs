//! The steps of a plan, one after the other.

use crate::finding::{Command, Fix, Moment, RuleId, What};

/// One step of a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number in the whole plan, from 1.
    pub number: usize,
    /// The step in a few words.
    pub title: String,
    /// Its place in the hop.
    pub moment: Moment,
    /// The reasons, a line each.
    pub why: Vec<String>,
    /// What is typed, done or decided, in order.
    pub commands: Vec<Command>,
    /// Other ways to the same, for whoever can't go this one.
    pub instead: Vec<Fix>,
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
    pub(super) fn new<C: Into<Command>>(
        moment: Moment,
        title: impl Into<String>,
        commands: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            number: 0,
            title: title.into(),
            moment,
            why: Vec::new(),
            commands: commands.into_iter().map(Into::into).collect(),
            instead: Vec::new(),
        }
    }

    /// Whether it ends pods; a StatefulSet that is deleted alone leaves them at work.
    pub(super) fn ends_pods(&self) -> bool {
        let effects = self.commands.iter().flat_map(Command::effects);
        let mut effects = effects.map(|effect| &effect.what);
        self.moment == Moment::Stop
            && effects.any(|what| matches!(what, What::Scaled(0) | What::Deleted))
    }

    /// Adds reasons to the step.
    pub(super) fn because(mut self, why: Vec<String>) -> Self {
        self.why = why;
        self
    }
}
