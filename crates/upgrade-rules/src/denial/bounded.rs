//! Answers that stay short, whatever a record holds: the API server passes them on, and logs and reports keep them.

use super::{Beyond, WIDTH, counted, headline, looking, on_purpose};
use crate::{
    change::Change,
    finding::{Finding, Fix},
    terminal::{Role, Text},
};

/// The longest refusal, in bytes; of all that Camunda's charts lead to, the longest has a third of it.
pub const LONGEST_MESSAGE: usize = 64 * 1024;

/// The longest name or sentence in a refusal that is cut short, in characters.
const LONGEST_LINE: usize = 400;

/// What the problems and the ways past them may take of a refusal that is cut short.
const ROOM: usize = LONGEST_MESSAGE / 2;

/// A refusal whose full text is too long: its problems by their titles, and the command that tells the rest.
pub(super) fn in_brief(change: &Change, denied: &[&Finding], beyond: &Beyond) -> String {
    let mut text = Text::new(WIDTH);
    text.verbatim(Role::Refusal, &cut(&headline(change, denied), LONGEST_LINE));
    text.blank();
    let told = "The whole answer is too long to be sent. What is to be typed and why is told by:";
    text.wrapped(Role::Prose, told, 0);
    text.verbatim(Role::Command, &cut(&looking(change), LONGEST_MESSAGE / 16));
    text.blank();
    text.verbatim(Role::Heading, "WHY");
    let mut room = ROOM;
    for (number, finding) in (1..).zip(denied) {
        let title = cut(&finding.title, LONGEST_LINE);
        let title = format!("{number}. {title} [{}]", finding.rule);
        let why = finding.why.first().map(|why| cut(why, LONGEST_LINE));
        let why = why.unwrap_or_default();
        let Some(left) = room.checked_sub(2 * (title.len() + why.len())) else {
            let more = counted(denied.len() + 1 - number, "more problem");
            text.verbatim(Role::Prose, &format!("and {more}"));
            break;
        };
        room = left;
        text.wrapped(Role::Refusal, &title, 3);
        text.wrapped(Role::Prose, &format!("   {why}"), 0);
    }
    for note in &beyond.notes {
        text.blank();
        text.wrapped(Role::Prose, &cut(note, LONGEST_LINE), 0);
    }
    let is_short =
        |way: &&Fix| way.commands.iter().map(|it| it.text().len()).sum::<usize>() < ROOM / 4;
    let ways: Vec<_> = beyond.ways.iter().filter(is_short).take(2).collect();
    if !ways.is_empty() {
        text.blank();
        on_purpose(&mut text, &ways);
    }
    text.to_string()
}

/// Cuts a message off at the end of a line, and says so.
pub fn bounded(message: String) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message;
    }
    let rest = "\n… and more, which is too long for one answer.";
    let mut ends = (0..=LONGEST_MESSAGE - rest.len()).rev();
    let end = ends.find(|end| message.is_char_boundary(*end));
    let kept = &message[..end.unwrap_or_default()];
    let whole = kept
        .rfind('\n')
        .filter(|end| *end > 0)
        .unwrap_or(kept.len());
    format!("{}{rest}", &kept[..whole])
}

/// Cuts a text off after so many characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        denial::{message_with, warnings},
        finding::{Action, Command, RuleId, guide},
    };

    fn finding(number: usize, length: usize) -> Finding {
        let long = "word ".repeat(length / 5);
        Finding {
            rule: RuleId::Downgrade,
            action: Action::Deny,
            title: format!("Problem {number} {long}"),
            objects: Vec::new(),
            why: vec![long.clone(), format!("  {long}")],
            fixes: vec![Fix::new(
                format!("Do {number}:"),
                [Command::Shell(format!("echo {number} {long}"))],
            )],
            guide: guide::UPGRADING,
        }
    }

    fn message(findings: &[Finding]) -> String {
        let change = Change {
            release: "camunda".to_owned(),
            namespace: "prod".to_owned(),
            ..Change::default()
        };
        let way = Fix::on_purpose("Give up:", [Command::Shell("echo past".to_owned())]);
        let beyond = Beyond {
            notes: vec!["A note.".to_owned()],
            ways: vec![way],
        };
        message_with(&change, findings, &beyond).unwrap_or_default()
    }

    #[test]
    fn whatever_is_found_the_message_stays_short() {
        for (count, length) in [
            (3, 100),
            (5000, 20),
            (3, 100_000),
            (400, 4000),
            (1, 5_000_000),
        ] {
            let findings: Vec<_> = (0..count).map(|n| finding(n, length)).collect();
            let message = message(&findings);
            assert!(message.len() <= LONGEST_MESSAGE, "{count} {length}");
            let is_whole = count * length < 1000;
            assert_eq!(message.contains("\nTYPE THIS"), is_whole, "{message}");
            let check = "\ncamunda-upgrade-guard check camunda -n prod";
            assert_eq!(message.contains(check), !is_whole, "{message}");
            for told in ["1. Problem 0 ", "A note.", "echo past"] {
                assert!(message.contains(told), "{told}: {message}");
            }
            assert_eq!(
                message.contains("more problems\n"),
                count > 100,
                "{message}"
            );
        }
    }

    #[test]
    fn many_warnings_are_counted() {
        let warned = |count| {
            let mut findings: Vec<_> = (0..count).map(|n| finding(n, 1000)).collect();
            for finding in &mut findings {
                finding.action = Action::Warn;
            }
            warnings(&Change::default(), &findings)
        };
        assert_eq!(warned(50).len(), 50);
        let many = warned(5000);
        assert_eq!(many.len(), 51);
        assert!(many[50].starts_with("4950 more warnings: camunda-upgrade-guard check"));
    }

    #[test]
    fn a_message_is_cut_at_the_end_of_a_line() {
        let short = "a\n".repeat(LONGEST_MESSAGE / 2);
        assert_eq!(bounded(short.clone()), short);
        let long = bounded(format!("{short}ü"));
        assert!(long.len() <= LONGEST_MESSAGE);
        assert!(long.ends_with("a\n… and more, which is too long for one answer."));
        let line = bounded("ü".repeat(LONGEST_MESSAGE));
        assert!(line.len() <= LONGEST_MESSAGE && line.contains("ü\n… and more"));
    }

    #[test]
    fn a_text_is_cut_after_a_character() {
        assert_eq!(cut("üü", 2), "üü");
        assert_eq!(cut("üüü", 2), "üü…");
    }
}
