//! A values file as lines, each of which knows where it stood in the user's file.

use super::Unreadable;

/// The most bytes of a values file.
const MAX_BYTES: usize = 4 * 1024 * 1024;

const BOM: char = '\u{feff}';

/// The lines of a file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    bom: bool,
    /// The line break of new lines: that of the first line.
    line_break: &'static str,
    pub(super) lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    line_break: &'static str,
    /// Its number in the user's file, from 1; none for a new line.
    pub(super) origin: Option<usize>,
}

impl Text {
    /// Splits a file into lines.
    pub(super) fn of(text: &str) -> Result<Text, Unreadable> {
        if text.len() > MAX_BYTES {
            return Err(Unreadable::TooLarge(MAX_BYTES));
        }
        let (bom, text) = match text.strip_prefix(BOM) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let (text, line_break) = match line.strip_suffix('\n') {
                None => (line, ""),
                Some(line) => match line.strip_suffix('\r') {
                    Some(line) => (line, "\r\n"),
                    None => (line, "\n"),
                },
            };
            if text.contains('\r') {
                return Err(Unreadable::CarriageReturn(number));
            }
            lines.push(Line {
                text: text.to_owned(),
                line_break,
                origin: Some(number),
            });
        }
        let first = lines.first().map(|line| line.line_break);
        Ok(Text {
            bom,
            line_break: first.filter(|it| !it.is_empty()).unwrap_or("\n"),
            lines,
        })
    }

    /// The text as a parser gets it: without a byte order mark, and with line feeds alone.
    pub(super) fn body(&self) -> String {
        let mut body = String::new();
        for line in &self.lines {
            body.push_str(&line.text);
            if !line.line_break.is_empty() {
                body.push('\n');
            }
        }
        body
    }

    /// The text as a file has it.
    pub(super) fn whole(&self) -> String {
        let mut whole = String::new();
        if self.bom {
            whole.push(BOM);
        }
        for line in &self.lines {
            whole.push_str(&line.text);
            whole.push_str(line.line_break);
        }
        whole
    }

    /// A line that the user's file does not have.
    pub(super) fn new_line(&self, text: String) -> Line {
        Line {
            text,
            line_break: self.line_break,
            origin: None,
        }
    }

    /// Takes lines out.
    pub(super) fn cut(&mut self, first: usize, last: usize) {
        self.lines.drain(first..=last);
    }

    /// Puts lines before the line `at`; each of them gets an end.
    pub(super) fn insert(&mut self, at: usize, mut lines: Vec<Line>) {
        let before = at.checked_sub(1).and_then(|at| self.lines.get_mut(at));
        for line in lines.iter_mut().chain(before) {
            if line.line_break.is_empty() {
                line.line_break = self.line_break;
            }
        }
        self.lines.splice(at..at, lines);
    }

    /// The number in the user's file of a line, or of the nearest one above it.
    pub(super) fn origin(&self, line: usize) -> Option<usize> {
        let lines = self.lines.get(..=line)?;
        lines.iter().rev().find_map(|line| line.origin)
    }
}

impl Line {
    /// How many spaces it begins with.
    pub(super) fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Whether it holds a comment alone, unless it belongs to a text.
    pub(super) fn is_comment(&self) -> bool {
        self.text.trim_start().starts_with('#')
    }

    /// Moves it to the right or to the left; fails where there is no room.
    #[must_use]
    pub(super) fn shift(&mut self, from: usize, to: usize) -> bool {
        if self.is_blank() {
            return true;
        }
        if to >= from {
            self.text.insert_str(0, &" ".repeat(to - from));
            return true;
        }
        let less = from - to;
        if self.indent() < less {
            return false;
        }
        self.text.drain(..less);
        true
    }
}
