//! A rule's result: a problem, why it matters here, and what to type now.

mod command;
pub mod guide;
mod kubectl;
mod rule_id;
pub mod shell;

pub use self::{
    command::{Command, Flag, Given, HereDocument, Typing},
    guide::Guide,
    kubectl::{Effect, Kubectl, Objects, What},
    rule_id::RuleId,
};

use crate::kubernetes::ObjectRef;

/// The effect of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Would refuse, but audit mode is on. The user is told.
    Audited,
    /// Would refuse, but somebody overrode it. The user is told.
    Overridden,
    /// The change is admitted and the user is told.
    Warn,
    /// The change is refused.
    Deny,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 4] = [
        Action::Warn,
        Action::Deny,
        Action::Audited,
        Action::Overridden,
    ];

    /// Returns the name that the configuration and metrics use.
    pub fn name(self) -> &'static str {
        match self {
            Action::Warn => "warn",
            Action::Deny => "deny",
            Action::Audited => "audited",
            Action::Overridden => "overridden",
        }
    }
}

/// One problem with a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// Whether this refuses the change.
    pub action: Action,
    /// One line: what would happen.
    pub title: String,
    /// The objects it is about.
    pub objects: Vec<ObjectRef>,
    /// The reasons, with the names and numbers of this cluster; a line each, indented lines are lists.
    pub why: Vec<String>,
    /// The steps to type, in this order.
    pub fixes: Vec<Fix>,
    /// The section of the product's documentation.
    pub guide: Option<Guide>,
}

impl Finding {
    /// Lets the change pass although this would refuse it, and says so.
    pub fn waive(&mut self, action: Action, because: &str) {
        if self.action == Action::Deny {
            self.action = action;
            self.title.insert_str(0, because);
        }
    }
}

/// Whether any finding refuses the change.
pub fn refuses(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.action == Action::Deny)
}

/// A name as a title begins with it.
pub(crate) fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

/// A step of a cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What the commands do.
    pub intro: String,
    /// The commands.
    pub commands: Vec<Command>,
    /// Whether this is an alternative to the step before it.
    pub instead: bool,
}

impl Fix {
    /// A step from its parts.
    pub fn new<C: Into<Command>>(
        intro: impl Into<String>,
        commands: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            intro: intro.into(),
            commands: commands.into_iter().map(Into::into).collect(),
            instead: false,
        }
    }

    /// A step for which there is nothing to type.
    pub fn say(intro: impl Into<String>) -> Self {
        Self::new(intro, [] as [Command; 0])
    }

    /// Another way to what the step before does.
    pub fn instead<C: Into<Command>>(
        intro: impl Into<String>,
        commands: impl IntoIterator<Item = C>,
    ) -> Self {
        Self::new(intro, commands).alternative()
    }

    /// The same as another way to what the step before does.
    pub fn alternative(self) -> Self {
        Self {
            instead: true,
            ..self
        }
    }
}
