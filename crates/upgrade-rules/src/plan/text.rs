//! A plan for a terminal.

use std::fmt;

use super::{Hop, Know, Plan, Step};
use crate::{
    denial::one_line,
    finding::{Command, Fix, shell::on_one_line},
};

impl Plan {
    /// Returns the plan's title.
    pub fn title(&self) -> String {
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
                "It takes as long as these take to start, and to migrate their data: {}.",
                self.starting.join(", ")
            )
        });
        lasts.into_iter().collect()
    }
}

/// For a terminal; `{:#}` is the same.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}.", self.title())?;
        for note in &self.notes {
            writeln!(f, "Note: {}", one_line(note))?;
        }
        for (number, hop) in (1..).zip(&self.hops) {
            writeln!(f, "\n{number}. {}", hop.title())?;
            writeln!(f, "   {}", hop.down())?;
            for note in hop.notes() {
                writeln!(f, "   {}", one_line(&note))?;
            }
            for know in &hop.know {
                writeln!(f, "   Know: {}", known(know))?;
                write_fixes(f, &know.fixes)?;
            }
            for step in &hop.steps {
                write_step(f, step)?;
            }
            if !hop.back.is_empty() {
                writeln!(f, "\n   The way back")?;
                write_fixes(f, &hop.back)?;
            }
        }
        Ok(())
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

fn write_step(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    writeln!(f, "\n   {}. {}", step.number, one_line(&step.title))?;
    for line in &step.why {
        writeln!(f, "      {}", on_one_line(line))?;
    }
    for command in &step.commands {
        match command {
            Command::Ask(text) | Command::Manual(text) => {
                writeln!(f, "      {}", one_line(text))?;
            }
            command => write_command(f, command)?,
        }
    }
    write_fixes(f, &step.instead)
}

fn write_fixes(f: &mut fmt::Formatter<'_>, fixes: &[Fix]) -> fmt::Result {
    for fix in fixes {
        writeln!(f, "      {}", one_line(&fix.intro))?;
        for command in &fix.commands {
            write_command(f, command)?;
        }
    }
    Ok(())
}

/// A here-document has to be pasted as it stands, at the beginning of the line.
fn write_command(f: &mut fmt::Formatter<'_>, command: &Command) -> fmt::Result {
    let indent = match command.here_document() {
        Some(_) => "",
        None => "        ",
    };
    for line in command.text().lines() {
        writeln!(f, "{indent}{line}")?;
    }
    Ok(())
}
