//! A report for a terminal: the webhook's message, and details that it has no room for.

use clap::builder::styling::{AnsiColor, Style};

use super::{Outcome, Report, printable};
use crate::{
    denial::{self, Part},
    finding::Finding,
};

const REFUSAL: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const CLEAN: Style = AnsiColor::Green.on_default().bold();

/// A line without its line end, and its style.
type Line = (Option<Style>, String);

pub(super) fn print(report: &Report, colour: bool) -> String {
    let mut text = String::new();
    for (style, line) in lines(report) {
        match style.filter(|_| colour) {
            Some(style) => text += &format!("{style}{line}{style:#}"),
            None => text += &line,
        }
        text.push('\n');
    }
    text
}

fn lines(report: &Report) -> Vec<Line> {
    let denied = report.denied();
    let mut lines = match denial::message(&report.change, &report.findings) {
        Some(message) => refusal(report, &printable(&message), &denied),
        None => {
            let style = match report.outcome() {
                Outcome::Clean => CLEAN,
                _ => WARNING,
            };
            let headline = wrapped(&report.headline(), "", 2);
            headline
                .into_iter()
                .map(|line| (Some(style), line))
                .collect()
        }
    };
    for finding in report.warned() {
        lines.push((None, String::new()));
        let heading = wrapped(&denial::heading("Warning: ", finding), "", 9);
        lines.extend(heading.into_iter().map(|line| (Some(WARNING), line)));
        lines.extend(body(finding, &denied).into_iter().map(|line| (None, line)));
    }
    if !report.notes.is_empty() {
        lines.push((None, String::new()));
    }
    for note in &report.notes {
        let wrapped = wrapped(&format!("Note: {note}"), "", 6);
        lines.extend(wrapped.into_iter().map(|line| (None, line)));
    }
    lines
}

/// Returns the webhook's message with the headline and the findings' titles highlighted.
fn refusal(report: &Report, message: &str, denied: &[&Finding]) -> Vec<Line> {
    let numbered = (1..).zip(denied);
    let headings = numbered.map(|(number, it)| denial::heading(&format!("{number}. "), it));
    let first = |text: String| printable(text.lines().next().unwrap_or_default());
    let mut titles = std::iter::once(report.headline())
        .chain(headings)
        .map(first)
        .peekable();
    let lines = message.lines().map(|line| {
        let title = titles.next_if(|title| title == line);
        (title.map(|_| REFUSAL), line.to_owned())
    });
    lines.collect()
}

fn body(finding: &Finding, denied: &[&Finding]) -> Vec<String> {
    let told = denial::outline(finding, denied).into_iter();
    told.flat_map(|told| match told {
        Part::Why(line) => wrapped(line, "   ", 0),
        Part::Under(number) => wrapped(&denial::under(number), "   ", 0),
        Part::Guide(guide) => wrapped(&format!("Guide: {guide}"), "   ", 0),
        Part::Fix(fix) => {
            let commands = denial::indented(fix);
            let lines = commands.iter().flat_map(|text| lines_of(text));
            let intro = wrapped(&fix.intro, "   ", 0);
            intro.into_iter().chain(lines).collect()
        }
    })
    .collect()
}

fn lines_of(text: &str) -> Vec<String> {
    printable(text).lines().map(str::to_owned).collect()
}

fn wrapped(text: &str, indent: &str, hanging: usize) -> Vec<String> {
    let lines = lines_of(text).into_iter();
    lines
        .flat_map(|line| denial::wrap(&format!("{indent}{line}"), hanging))
        .collect()
}
