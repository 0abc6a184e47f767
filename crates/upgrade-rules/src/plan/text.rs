//! A plan for a terminal.

use std::fmt;

use super::{Hop, Know, Plan, Step};
use crate::{
    denial::one_line,
    finding::{Command, Fix, shell::on_one_line},
    terminal::{Piece, Role, Text},
};

impl Plan {
    /// Returns the plan's title.
    pub fn title(&self) -> String {
        if let Some(id) = self.restores() {
            return format!(
                "Release {} in namespace {}: restore backup {id} on chart {}",
                self.release, self.namespace, self.to
            );
        }
        let hops = match self.hops.len() {
            1 => "one upgrade".to_owned(),
            count => format!("{count} upgrades"),
        };
        format!(
            "Release {} in namespace {}: from chart {} to {}, in {hops}",
            self.release, self.namespace, self.from, self.to
        )
    }
}

impl Hop {
    /// Returns the hop's title.
    pub fn title(&self) -> String {
        let [from, to] = &self.application;
        if let Some(id) = self.restores {
            return match self.from == self.to {
                true => format!("Backup {id} on chart {} (Camunda {to})", self.to),
                false => format!(
                    "Backup {id} on chart {} (Camunda {to}), in place of chart {} (Camunda {from})",
                    self.to, self.from
                ),
            };
        }
        match from == to {
            true => format!("Chart {} to {} (Camunda {to})", self.from, self.to),
            false => format!(
                "Chart {} to {} (Camunda {from} to {to})",
                self.from, self.to
            ),
        }
    }

    /// Returns a line about the downtime: its first and last step.
    pub fn down(&self) -> String {
        match self.downtime {
            Some([first, last]) if first == last => format!("Downtime during step {first}."),
            Some([first, last]) => format!("Downtime from step {first} until step {last} is done."),
            None => "No downtime but for what has only one pod: it is replaced.".to_owned(),
        }
    }
}

impl Hop {
    /// Returns what is to be known before it begins: how long it takes.
    pub fn notes(&self) -> Vec<String> {
        let stops = self.downtime.is_some() && !self.starting.is_empty();
        let lasts = stops.then(|| {
            format!(
                "It takes as long as these take to start, and to {} their data: {}.",
                match self.restores {
                    Some(_) => "restore",
                    None => "migrate",
                },
                self.starting.join(", ")
            )
        });
        lasts.into_iter().collect()
    }
}

/// Without a terminal's width; `{:#}` is the same.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(None).fmt(f)
    }
}

impl Plan {
    /// The plan for people; without a width, each sentence is a line.
    pub fn text(&self, width: Option<usize>) -> Text {
        let mut text = Text::new(width.unwrap_or(usize::MAX));
        text.wrapped(Role::Heading, &format!("{}.", one_line(&self.title())), 2);
        for note in &self.notes {
            text.wrapped(Role::Prose, &format!("Note: {}", one_line(note)), 6);
        }
        for (number, hop) in (1..).zip(&self.hops) {
            text.blank();
            let title = format!("{number}. {}", one_line(&hop.title()));
            text.wrapped(Role::Heading, &title, 3);
            for note in [hop.down()].into_iter().chain(hop.notes()) {
                text.wrapped(Role::Prose, &format!("   {}", one_line(&note)), 0);
            }
            for know in &hop.know {
                let know_it = format!("   Know: {}", known(know));
                text.wrapped(Role::Prose, &know_it, 6);
                tell_fixes(&mut text, &know.fixes);
            }
            for step in &hop.steps {
                tell_step(&mut text, step);
            }
            if !hop.back.is_empty() {
                text.blank();
                text.verbatim(Role::Heading, "   The way back");
                tell_fixes(&mut text, &hop.back);
            }
        }
        text.blank();
        let again = Piece::command(&self.again());
        let wherever = Piece::prose("From wherever it stands, plan again: ");
        text.flowing(0, 2, &[wherever, again]);
        text
    }
}

/// Something to know, in a line, with its rule.
pub(super) fn known(know: &Know) -> String {
    let why = match know.why.is_empty() {
        true => String::new(),
        false => format!(". {}", know.why.join(" ")),
    };
    one_line(&format!("{}{why} [{}]", know.title, know.rule))
}

fn tell_step(text: &mut Text, step: &Step) {
    text.blank();
    let number = format!("{}. ", step.number);
    let title = format!("   {number}{}", one_line(&step.title));
    text.wrapped(Role::Heading, &title, number.len());
    for line in &step.why {
        text.wrapped(Role::Prose, &format!("      {}", on_one_line(line)), 0);
    }
    for command in &step.commands {
        let told = |text: &mut Text, role, line: &str| {
            text.wrapped(role, &format!("      {}", one_line(line)), 0);
        };
        match command {
            Command::Ask(line) => told(text, Role::Prose, line),
            Command::Manual(line) => told(text, Role::Warning, line),
            command => tell_command(text, command),
        }
    }
    tell_fixes(text, &step.instead);
}

fn tell_fixes(text: &mut Text, fixes: &[Fix]) {
    for fix in fixes {
        text.wrapped(Role::Prose, &format!("      {}", one_line(&fix.intro)), 0);
        for command in &fix.commands {
            tell_command(text, command);
        }
    }
}

/// A here-document has to be pasted as it stands, at the beginning of the line.
fn tell_command(text: &mut Text, command: &Command) {
    let indent = match command.here_document() {
        Some(_) => "",
        None => "        ",
    };
    for line in command.text().lines() {
        text.verbatim(Role::Command, &format!("{indent}{line}"));
    }
}
