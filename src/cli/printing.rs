//! What goes to standard output and to standard error. No character of a name or a value does more than to be shown.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use anyhow::Context;

use crate::{
    look::Look,
    terminal::{Piece, Role, Text, printable},
};

/// How long a command is silent before it says what it waits for.
const SILENCE: Duration = Duration::from_secs(1);

/// Prints to standard output; fails once nobody reads it, so that nothing more is done either.
pub(super) fn print(text: impl AsRef<str>) -> anyhow::Result<()> {
    put(&printable(text.as_ref()))
}

/// Prints what people read, made for the width of the terminal if standard output is one.
pub(super) fn show(text: impl FnOnce(Option<usize>) -> Text) -> anyhow::Result<()> {
    let look = Look::of(&io::stdout());
    put(&look.paint(&text(look.width)))
}

/// Prints a line of pieces.
pub(super) fn show_line(pieces: &[Piece]) -> anyhow::Result<()> {
    show(|_| line(pieces))
}

fn put(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.context("writing to standard output")
}

/// A line that is not wrapped, since it may hold a command.
fn line(pieces: &[Piece]) -> Text {
    let mut text = Text::new(usize::MAX);
    text.flowing(0, 0, pieces);
    text
}

/// Prints to standard error.
pub(super) fn tell(text: impl fmt::Display) {
    tell_behind(&[], &text.to_string());
}

/// Prints to standard error behind a word that says what it is: `note: …`.
pub(super) fn tell_as(role: Role, word: &str, text: impl fmt::Display) {
    let word = Piece::new(role, &format!("{word}:"));
    tell_behind(&[word, Piece::prose(" ")], &text.to_string());
}

/// Prints why a command failed.
pub(super) fn complain(error: &anyhow::Error) {
    tell_as(Role::Refusal, "error", format_args!("{error:#}"));
}

/// Prints to standard error; what other programs said keeps its lines.
fn tell_behind(start: &[Piece], said: &str) {
    let mut lines = said.splitn(2, '\n');
    let first = Piece::prose(lines.next().unwrap_or_default());
    let mut text = line(&[start, &[first]].concat());
    text.verbatim(Role::Prose, lines.next().unwrap_or_default());
    put_aside(&text);
}

fn put_aside(text: &Text) {
    let look = Look::of(&io::stderr());
    // Nothing is left to do where nobody can be told.
    let _ = io::stderr().write_all(look.paint(text).as_bytes());
}

/// A wait; once it is dropped nothing is said of it any more.
pub(super) struct Waiting {
    _over: Option<Sender<()>>,
}

/// Says what is waited for once that takes a second, where somebody looks on.
pub(super) fn waiting_for(what: impl fmt::Display) -> Waiting {
    if !io::stderr().is_terminal() {
        return Waiting { _over: None };
    }
    let what = format!("{what}…");
    let (over, waiting) = mpsc::channel();
    thread::spawn(move || {
        if waiting.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
            put_aside(&line(&[Piece::new(Role::Faint, &what)]));
        }
    });
    Waiting { _over: Some(over) }
}
