//! A rule's result: a problem, why it matters here, and what to type now.

mod command;
pub mod guide;
mod kubectl;
mod page;
mod rule_id;
mod secret_keys;
mod serialized;
pub mod shell;
mod source;

pub(crate) use self::source::{COLLECTOR, reader};
pub use self::{
    command::{Command, Flag, Given, HereDocument, Inputs, Typing, Upgrade},
    guide::{Guide, Reference},
    kubectl::{Effect, Kubectl, Objects, What},
    rule_id::RuleId,
    secret_keys::SecretKeys,
    source::{NewSecret, Source},
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
    pub guide: Reference,
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
    /// When it is done.
    pub moment: Moment,
}

/// When a step is done, or why it stands apart from the others.
///
/// A plan has them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// A person decides or does something for which there is no command.
    Decide,
    /// Before the upgrade, on the cluster.
    Before,
    /// Before anything stops: a backup that the product's guide demands.
    BackUp,
    /// What only the upgrade completes: stops of components, StatefulSets that are deleted.
    Stop,
    /// With the upgrade: its command, or values files and flags for it.
    With,
    /// In place of the upgrade.
    Instead,
    /// Until the upgrade is through, and looks whether it is.
    Verify,
    /// Cleanup after the upgrade.
    After,
    /// Another way to what the step before it does.
    Alternative,
    /// It gives something up, so nobody may type it unread.
    OnPurpose,
}

impl Moment {
    /// Returns the name that machine-readable reports use.
    pub fn name(self) -> &'static str {
        match self {
            Moment::Decide => "decide",
            Moment::Before => "before",
            Moment::BackUp => "backUp",
            Moment::Stop => "stop",
            Moment::With => "with",
            Moment::Instead => "instead",
            Moment::Verify => "verify",
            Moment::After => "after",
            Moment::Alternative => "alternative",
            Moment::OnPurpose => "onPurpose",
        }
    }

    /// Whether it is one of the steps that cure a finding.
    pub fn cures(self) -> bool {
        !matches!(self, Moment::Alternative | Moment::OnPurpose)
    }

    /// The moment for commands: what is to be typed where.
    fn of(commands: &[Command]) -> Self {
        let manual = |command: &Command| matches!(command, Command::Manual(_));
        let upgrade = |command: &Command| matches!(command, Command::Upgrade(_));
        let flag = |command: &Command| command.flag().is_some();
        match commands {
            all if all.iter().all(manual) => Moment::Decide,
            all if all.iter().any(upgrade) => Moment::Instead,
            all if all.iter().all(flag) => Moment::With,
            _ => Moment::Before,
        }
    }
}

impl Fix {
    /// A step from its parts; its commands tell when it is done.
    pub fn new<C: Into<Command>>(
        intro: impl Into<String>,
        commands: impl IntoIterator<Item = C>,
    ) -> Self {
        let commands: Vec<_> = commands.into_iter().map(Into::into).collect();
        Self {
            intro: intro.into(),
            moment: Moment::of(&commands),
            commands,
        }
    }

    /// A step for which there is nothing to type.
    pub fn say(intro: impl Into<String>) -> Self {
        Self::new(intro, [] as [Command; 0])
    }

    /// The same step at another moment.
    pub fn at(self, moment: Moment) -> Self {
        Self { moment, ..self }
    }

    /// Another way to what the step before does.
    pub fn alternative<C: Into<Command>>(
        intro: impl Into<String>,
        commands: impl IntoIterator<Item = C>,
    ) -> Self {
        Self::new(intro, commands).at(Moment::Alternative)
    }

    /// A step that gives something up.
    pub fn on_purpose<C: Into<Command>>(
        intro: impl Into<String>,
        commands: impl IntoIterator<Item = C>,
    ) -> Self {
        Self::new(intro, commands).at(Moment::OnPurpose)
    }

    /// Whether a person has to decide before it is done.
    pub fn decides(&self) -> bool {
        let decides =
            |command: &Command| matches!(command, Command::Decide(_) | Command::Manual(_));
        self.moment == Moment::Decide || self.commands.iter().any(decides)
    }
}
