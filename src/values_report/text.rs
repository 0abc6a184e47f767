//! The report for a terminal.

use super::{Group, Report, key};
use crate::{
    convert::{Kind, Outcome},
    denial,
    look::Look,
    terminal::{Piece, Role, Text},
};

pub(super) fn print(report: &Report<'_>, look: Look) -> String {
    let mut text = Text::new(look.width.unwrap_or(denial::WIDTH));
    for (hop, groups) in report.hops() {
        text.wrapped(Role::Heading, &report.hop(hop), 2);
        for group in &groups {
            self::group(&mut text, report, group);
        }
        text.blank();
    }
    let role = match report.outcome {
        Outcome::Clean => Role::Clean,
        Outcome::Stopped => Role::Refusal,
        Outcome::Undecided => Role::Warning,
    };
    text.wrapped(role, &report.headline(), 2);
    look.paint(&text)
}

fn group(text: &mut Text, report: &Report<'_>, group: &Group<'_>) {
    text.blank();
    let role = match group.kind {
        Kind::Obstacle => Role::Refusal,
        Kind::Decide | Kind::Ignored | Kind::Deprecated => Role::Warning,
        _ => Role::Prose,
    };
    text.wrapped(
        role,
        &format!("  {}: {}", group.kind.name(), group.reason),
        4,
    );
    for told in &group.told {
        let line = format!("{}{}", report.place(told), key(told));
        text.flowing(4, 4, &[Piece::prose(&line)]);
    }
}
