//! How text is shown: on a terminal to its width and with colours, elsewhere with neither.

#[cfg(unix)]
use std::os::fd::AsFd as AsHandle;
#[cfg(windows)]
use std::os::windows::io::AsHandle;

use anstream::{AutoStream, ColorChoice, stream::RawStream};
use clap::builder::styling::{AnsiColor, Style};

use crate::terminal::{Role, Text};

/// The most columns of a line of words: longer ones are hard to read.
const WIDEST: usize = 120;
/// The fewest columns that words are wrapped to.
const NARROWEST: usize = 30;

/// How text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The columns of the terminal, if it is one.
    pub width: Option<usize>,
    /// Whether there are colours.
    pub colour: bool,
}

impl Look {
    /// Looks at where text goes: the width is the terminal's; `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` count.
    pub fn of(out: &(impl RawStream + AsHandle)) -> Look {
        let size = out
            .is_terminal()
            .then(|| terminal_size::terminal_size_of(out));
        // A terminal that does not know its size says 0.
        let columns = size.flatten().map(|(columns, _)| usize::from(columns.0));
        let columns = columns.filter(|columns| *columns > 0);
        Look {
            width: columns.map(|columns| columns.clamp(NARROWEST, WIDEST)),
            colour: AutoStream::choice(out) == ColorChoice::Always,
        }
    }

    /// Returns a text with the colours of its roles. Its characters are printable already, so only these act on a terminal.
    pub fn paint(self, text: &Text) -> String {
        if !self.colour {
            return text.to_string();
        }
        let mut painted = String::new();
        for line in text.lines() {
            for piece in line {
                let style = style(piece.role());
                painted += &format!("{style}{}{style:#}", piece.text());
            }
            painted.push('\n');
        }
        painted
    }
}

/// The 16 colours follow the terminal's theme, light or dark.
fn style(role: Role) -> Style {
    match role {
        Role::Prose => Style::new(),
        Role::Heading => Style::new().bold(),
        Role::Refusal => AnsiColor::Red.on_default().bold(),
        Role::Warning => AnsiColor::Yellow.on_default().bold(),
        Role::Clean => AnsiColor::Green.on_default().bold(),
        Role::Command => AnsiColor::Cyan.on_default(),
        Role::Faint => Style::new().dimmed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_act_on_a_terminal() {
        let mut text = Text::new(80);
        text.verbatim(Role::Refusal, "a\u{1b}[31mb");
        text.verbatim(Role::Prose, "c");
        let coloured = Look {
            width: None,
            colour: true,
        };
        assert_eq!(
            coloured.paint(&text),
            "\u{1b}[1m\u{1b}[31ma\u{fffd}[31mb\u{1b}[0m\nc\n"
        );
        assert_eq!(Look::default().paint(&text), "a\u{fffd}[31mb\nc\n");
    }
}
