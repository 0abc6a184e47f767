//! The parts of a finding, in order, for the code that formats them.

use crate::finding::{Command, Finding, Fix, Guide};

/// A piece of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A line of why; indented lines are lists.
    Why(&'a str),
    /// The commands are already printed under this number.
    Under(usize),
    /// A step of the cure.
    Fix(&'a Fix),
    /// The section of the product's documentation.
    Guide(Guide),
}

/// `before` are the findings above: what one of them has told to type is not told again.
pub fn outline<'a>(finding: &'a Finding, before: &[&Finding]) -> Vec<Part<'a>> {
    let mut told: Vec<_> = finding.why.iter().map(|line| Part::Why(line)).collect();
    let mut above: Option<usize> = None;
    for fix in &finding.fixes {
        let shown = before.iter().position(|other| other.fixes.contains(fix));
        match shown {
            Some(index) => {
                if above.replace(index) != Some(index) {
                    told.push(Part::Under(index + 1));
                }
            }
            None => told.push(Part::Fix(fix)),
        }
    }
    told.extend(finding.guide.section().map(Part::Guide));
    told
}

/// The commands of a step as they are typed: flags of one `helm upgrade` go on over the ends of their lines.
pub fn typed(fix: &Fix) -> Vec<String> {
    let flag = |command: &Command| matches!(command, Command::HelmFlag(_));
    let last_flag = fix.commands.iter().rposition(flag);
    let numbered = fix.commands.iter().enumerate();
    numbered
        .map(|(index, command)| match command {
            Command::HelmFlag(flag) if Some(index) != last_flag => format!("{flag} \\"),
            other => other.text(),
        })
        .collect()
}

/// The same as blocks below a sentence; a here-document is not indented, or it would not end.
pub fn indented(fix: &Fix) -> Vec<String> {
    let typed = typed(fix).into_iter().zip(&fix.commands);
    typed
        .map(|(text, command)| match command.here_document() {
            Some(_) => text,
            None => block(&text),
        })
        .collect()
}

/// Lines below a sentence.
pub fn block(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("     {line}")).collect();
    lines.join("\n")
}
