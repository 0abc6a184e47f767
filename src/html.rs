//! Pages for a browser: one file each that loads nothing, for a light screen, a dark one and paper.

mod drawing;
mod planned;
mod rule_pages;
mod storage;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    denial,
    finding::{Fix, RuleId},
    terminal::printable,
};

pub use self::planned::{data, plan};
pub(crate) use self::{
    rule_pages::rule_pages,
    storage::{Sides, storage},
};

const STYLE: &str = include_str!("html/style.css");

/// Even if something were taken for markup, it could load and run nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// How good a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// Something has to be looked at.
    Warning,
    /// Something is refused.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Good => "verdict good",
            Tone::Warning => "verdict warning",
            Tone::Bad => "verdict bad",
        }
    }
}

/// A verdict in a word or two, and in a sentence.
pub(crate) struct Verdict<'a> {
    pub(crate) tone: Tone,
    pub(crate) word: &'a str,
    pub(crate) sentence: &'a str,
}

/// Returns a whole page, the verdict first.
pub(crate) fn page(command: &str, verdict: &Verdict<'_>, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "camunda-upgrade-guard " (env!("CARGO_PKG_VERSION")) };
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (verdict.sentence) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.command { "camunda-upgrade-guard " (command) }
                    p class=(verdict.tone.class()) { (verdict.word) }
                    h1 { (verdict.sentence) }
                }
                main { (body) }
            }
        }
    };
    // A parser of HTML takes these two for errors, although a terminal shows nothing in their place.
    let page = printable(&page.into_string());
    page.replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}") + "\n"
}

/// Returns a block of commands; a click selects all of it.
pub(crate) fn typed(text: &str) -> Markup {
    html! {
        pre.typed tabindex="0" { code { (text.trim_end_matches('\n')) } }
    }
}

/// Returns a block to read, not to copy.
pub(crate) fn quoted(text: &str) -> Markup {
    html! {
        pre tabindex="0" { code { (text) } }
    }
}

/// Returns a step with a box to tick.
pub(crate) fn step(title: &str, more: &Markup) -> Markup {
    html! {
        li {
            label { input type="checkbox"; " " (title) }
            (more)
        }
    }
}

/// Returns the commands of a fix, if it has any.
pub(crate) fn commands(fix: &Fix) -> Markup {
    html! {
        @if !fix.commands.is_empty() { (typed(&denial::typed(fix).join("\n"))) }
    }
}

/// Returns a rule's id with the way to its page.
pub(crate) fn rule(id: RuleId) -> Markup {
    html! {
        a.rule href={ "#rule-" (id) } { code { (id) } }
    }
}

/// Returns lines of reasons: paragraphs, and lists of those that are indented.
pub(crate) fn reasons<'a>(lines: impl IntoIterator<Item = &'a str>) -> Markup {
    let mut groups: Vec<(bool, Vec<&str>)> = Vec::new();
    for line in lines {
        let is_item = line.starts_with(' ');
        match groups.last_mut() {
            Some((true, items)) if is_item => items.push(line.trim()),
            _ if line.trim().is_empty() => {}
            _ => groups.push((is_item, vec![line.trim()])),
        }
    }
    html! {
        @for (is_list, lines) in groups {
            @if is_list {
                ul.names { @for line in lines { li { (line) } } }
            } @else {
                @for line in lines { p { (line) } }
            }
        }
    }
}
