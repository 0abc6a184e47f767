//! A report for a terminal: the webhook's message, details that it has no room for, and the verdict as the last line.

use super::{Outcome, Report};
use crate::{
    change::Operation,
    denial::{self, Beyond, Part},
    finding::Finding,
    look::Look,
    terminal::{Role, Text},
};

pub(super) fn print(report: &Report, look: Look) -> String {
    look.paint(&text(report, look.width))
}

fn text(report: &Report, width: Option<usize>) -> Text {
    let denied = report.denied();
    let (change, findings) = (&report.change, &report.findings);
    let mut text = denial::told(change, findings, &Beyond::default(), width).unwrap_or_else(|| {
        let mut text = Text::new(width.unwrap_or(denial::WIDTH));
        text.wrapped(role(report), &report.headline(), 2);
        text
    });
    for finding in report.warned() {
        text.blank();
        denial::heading(&mut text, Role::Warning, "Warning: ", finding);
        body(&mut text, finding, &denied);
    }
    if !report.notes.is_empty() {
        text.blank();
    }
    for note in &report.notes {
        text.wrapped(Role::Prose, &format!("Note: {note}"), 6);
    }
    text.blank();
    text.wrapped(role(report), &verdict(report), 2);
    text
}

/// How the headline and the verdict are shown.
fn role(report: &Report) -> Role {
    match report.outcome() {
        Outcome::Clean => Role::Clean,
        Outcome::Refused => Role::Refusal,
        Outcome::Unchecked => Role::Warning,
    }
}

/// The result in a few words, for who sees only the end.
fn verdict(report: &Report) -> String {
    let result = match (report.outcome(), report.change.operation) {
        (Outcome::Clean, Operation::Deployed) => "Nothing has to be cured",
        (Outcome::Refused, Operation::Deployed) => "To be cured",
        (Outcome::Clean, _) => "Not refused",
        (Outcome::Refused, _) => "Refused",
        (Outcome::Unchecked, _) => "Not everything was checked",
    };
    let counts = [
        (report.denied().len(), "problem"),
        (report.warned().len(), "warning"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts
        .map(|(count, what)| denial::counted(count, what))
        .collect();
    match &counts[..] {
        [] => format!("{result}."),
        counts => format!("{result}: {}.", counts.join(", ")),
    }
}

fn body(text: &mut Text, finding: &Finding, denied: &[&Finding]) {
    for told in denial::outline(finding, denied) {
        match told {
            Part::Why(line) => indented(text, line),
            Part::Under(number) => indented(text, &denial::under(number)),
            Part::Guide(guide) => indented(text, &format!("Guide: {guide}")),
            Part::Fix(fix) => denial::step(text, fix),
        }
    }
}

/// Adds lines below a heading.
fn indented(text: &mut Text, lines: &str) {
    for line in lines.lines() {
        text.wrapped(Role::Prose, &format!("   {line}"), 0);
    }
}
