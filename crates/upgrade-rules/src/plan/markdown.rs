//! A plan for a ticket: a checklist with commands to copy.

use std::fmt::Write;

use super::{Plan, Step, text::known};
use crate::{
    denial::one_line,
    finding::{Command, Fix},
};

impl Plan {
    /// Formats the plan as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", plain(&self.title()));
        for note in &self.notes {
            line(&mut text, &format!("\n> {}", plain(note)));
        }
        for (number, hop) in (1..).zip(&self.hops) {
            line(
                &mut text,
                &format!("\n## {number}. {}\n", plain(&hop.title())),
            );
            line(&mut text, &format!("**{}**\n", hop.down()));
            for note in hop.notes() {
                line(&mut text, &format!("{}\n", plain(&note)));
            }
            for know in &hop.know {
                line(&mut text, &format!("* {}", plain(&known(know))));
            }
            for know in &hop.know {
                fixes(&mut text, &know.fixes);
            }
            for step in &hop.steps {
                self::step(&mut text, step);
            }
            if !hop.back.is_empty() {
                line(&mut text, "\n### The way back");
                fixes(&mut text, &hop.back);
            }
        }
        line(&mut text, "\n## From wherever it stands, plan again");
        fence(&mut text, &mut vec![self.again()]);
        text
    }
}

fn step(text: &mut String, step: &Step) {
    line(
        text,
        &format!("\n- [ ] **{}. {}**", step.number, plain(&step.title)),
    );
    if !step.why.is_empty() {
        line(text, "");
    }
    let mut listed = false;
    for why in &step.why {
        // What the terminal has indented is a list.
        let is_item = why.starts_with("  ");
        if is_item != listed {
            line(text, "");
        }
        listed = is_item;
        let bullet = if is_item { "* " } else { "" };
        line(text, &format!("{bullet}{}", plain(why)));
    }
    let mut block: Vec<String> = Vec::new();
    for command in &step.commands {
        match command {
            Command::Ask(ask) | Command::Manual(ask) => {
                fence(text, &mut block);
                line(text, &format!("\n{}", plain(ask)));
            }
            command => block.push(command.text()),
        }
    }
    fence(text, &mut block);
    fixes(text, &step.instead);
}

fn fixes(text: &mut String, fixes: &[Fix]) {
    for fix in fixes {
        line(text, &format!("\n{}", plain(&fix.intro)));
        let mut commands = fix.commands.iter().map(Command::text).collect();
        fence(text, &mut commands);
    }
}

/// A block of commands, between more backticks than any of them has.
fn fence(text: &mut String, commands: &mut Vec<String>) {
    if commands.is_empty() {
        return;
    }
    let code = std::mem::take(commands).join("\n");
    let longest = code.split(|c| c != '`').map(str::len).max();
    let ticks = "`".repeat(longest.unwrap_or_default().max(2) + 1);
    line(text, &format!("\n{ticks}sh\n{code}\n{ticks}"));
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

/// One line in which nothing means something to Markdown.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in one_line(text).chars() {
        if "\\`*_<>[]|#".contains(c) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}
