//! Text for people: lines of pieces, wrapped to a width. Each piece has a role, which a terminal may show by a colour.

use std::fmt;

use textwrap::{
    WordSeparator,
    core::{Fragment, display_width},
    wrap_algorithms::wrap_first_fit,
};

use super::printable;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Sentences, and whatever is nothing else.
    #[default]
    Prose,
    /// A heading.
    Heading,
    /// What is refused.
    Refusal,
    /// What only warns.
    Warning,
    /// What is well.
    Clean,
    /// What is typed; it is never wrapped, or it could not be pasted.
    Command,
    /// What is seldom looked for, such as a rule's id.
    Faint,
}

/// Characters of one role, on one line; none of them does more than to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    role: Role,
    text: String,
}

impl Piece {
    /// Creates a piece; line ends in it become spaces.
    pub fn new(role: Role, text: &str) -> Piece {
        Piece {
            role,
            text: printable(text).replace('\n', " "),
        }
    }

    /// Creates a piece of a sentence.
    pub fn prose(text: &str) -> Piece {
        Piece::new(Role::Prose, text)
    }

    /// Creates a command in a sentence.
    pub fn command(text: &str) -> Piece {
        Piece::new(Role::Command, text)
    }

    /// What it is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its characters.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Lines for a terminal, a file or an answer. Displayed, they are without roles, each with its line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    width: usize,
    lines: Vec<Vec<Piece>>,
}

impl Text {
    /// Creates a text without lines; what is no command is wrapped to `width` columns.
    pub fn new(width: usize) -> Text {
        Text {
            width,
            lines: Vec::new(),
        }
    }

    /// The most columns of a line that is no command.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The lines.
    pub fn lines(&self) -> &[Vec<Piece>] {
        &self.lines
    }

    /// Adds an empty line.
    pub fn blank(&mut self) {
        self.lines.push(Vec::new());
    }

    /// Adds lines as they are.
    pub fn verbatim(&mut self, role: Role, text: &str) {
        for line in printable(text).lines() {
            self.lines.push(vec![Piece::new(role, line)]);
        }
    }

    /// Adds lines, each wrapped at spaces; what goes on is indented by `hanging` more than the first word.
    pub fn wrapped(&mut self, role: Role, text: &str, hanging: usize) {
        for line in printable(text).lines() {
            let words = line.trim_start_matches(' ');
            let indent = line.len() - words.len();
            self.flowing(indent, hanging, &[Piece::new(role, words)]);
        }
    }

    /// Adds one line of pieces, wrapped like that.
    pub fn flowing(&mut self, indent: usize, hanging: usize, pieces: &[Piece]) {
        let words = words(pieces);
        let goes_on = indent + hanging;
        let room = [indent, goes_on].map(|indent| self.width.saturating_sub(indent) as f64);
        let mut indent = indent;
        for words in wrap_first_fit(&words, &room) {
            let mut line = Vec::new();
            push(&mut line, Role::Prose, &" ".repeat(indent));
            let mut gap = 0;
            for word in words {
                let between = match (line.last(), word.pieces.first()) {
                    (Some(before), Some(after)) if before.role == after.role => after.role,
                    _ => Role::Prose,
                };
                push(&mut line, between, &" ".repeat(gap));
                for piece in &word.pieces {
                    push(&mut line, piece.role, &piece.text);
                }
                gap = word.gap;
            }
            self.lines.push(line);
            indent = goes_on;
        }
    }

    /// Adds a title with something faint at the right end of its last line.
    pub fn title(&mut self, role: Role, title: &str, hanging: usize, end: &str) {
        self.flowing(0, hanging, &[Piece::new(role, title)]);
        let end = Piece::new(Role::Faint, end);
        let room = self.width.saturating_sub(display_width(&end.text));
        let mut line = match self.lines.last() {
            Some(last) if width_of(last) + 2 <= room => self.lines.pop().unwrap_or_default(),
            _ => Vec::new(),
        };
        let gap = room.saturating_sub(width_of(&line));
        push(&mut line, Role::Prose, &" ".repeat(gap));
        line.push(end);
        self.lines.push(line);
    }

    /// Adds another text's lines, each behind `sign`.
    pub fn behind(&mut self, sign: &Piece, text: Text) {
        for mut line in text.lines {
            line.insert(0, sign.clone());
            self.lines.push(line);
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            for piece in line {
                f.write_str(&piece.text)?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

/// Returns the text with spaces after it, so that it is this many columns wide.
pub fn padded(text: &str, columns: usize) -> String {
    let gap = columns.saturating_sub(display_width(text));
    format!("{text}{:gap$}", "")
}

fn width_of(line: &[Piece]) -> usize {
    line.iter().map(|piece| display_width(&piece.text)).sum()
}

fn push(line: &mut Vec<Piece>, role: Role, text: &str) {
    if text.is_empty() {
        return;
    }
    match line.last_mut().filter(|last| last.role == role) {
        Some(last) => last.text.push_str(text),
        None => line.push(Piece {
            role,
            text: text.to_owned(),
        }),
    }
}

/// What stays on one line.
#[derive(Debug, Default)]
struct Word {
    pieces: Vec<Piece>,
    /// The spaces after it.
    gap: usize,
}

impl Fragment for Word {
    fn width(&self) -> f64 {
        width_of(&self.pieces) as f64
    }

    fn whitespace_width(&self) -> f64 {
        self.gap as f64
    }

    fn penalty_width(&self) -> f64 {
        0.0
    }
}

/// Returns the words of the pieces; pieces without a space between them are one word.
fn words(pieces: &[Piece]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for piece in pieces {
        let found: Vec<_> = match piece.role {
            Role::Command => vec![(&*piece.text, 0)],
            _ => WordSeparator::AsciiSpace
                .find_words(&piece.text)
                .map(|word| (word.word, word.whitespace.len()))
                .collect(),
        };
        for (text, gap) in found {
            match words.last_mut() {
                Some(last) if last.gap == 0 || text.is_empty() => {
                    push(&mut last.pieces, piece.role, text);
                    last.gap += gap;
                }
                _ => {
                    let mut word = Word {
                        gap,
                        ..Word::default()
                    };
                    push(&mut word.pieces, piece.role, text);
                    words.push(word);
                }
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(width: usize, line: &str, hanging: usize) -> Vec<String> {
        let mut text = Text::new(width);
        text.wrapped(Role::Prose, line, hanging);
        text.to_string().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_long_line_goes_on_below_its_first_word() {
        let words = "claim ".repeat(30);
        let line = format!("  {}", words.trim_end());
        let lines = wrap(60, &line, 2);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| line.len() <= 60), "{lines:?}");
        assert!(lines[0].starts_with("  claim") && lines[1].starts_with("    claim"));
        let rejoined: Vec<_> = lines.iter().map(|line| line.trim()).collect();
        assert_eq!(rejoined.join(" "), words.trim_end());
    }

    #[test]
    fn short_lines_and_long_words_stay_whole() {
        assert_eq!(wrap(60, "  a:  b", 0), ["  a:  b"]);
        let word = "x".repeat(120);
        assert_eq!(wrap(60, &format!("a {word} b"), 0), ["a", &word, "b"]);
        assert_eq!(wrap(0, "  a b", 2), ["  a", "    b"]);
    }

    #[test]
    fn a_wide_letter_takes_two_columns() {
        assert_eq!(wrap(7, "日本 日本", 0), ["日本", "日本"]);
        assert_eq!(padded("日本", 6), "日本  ");
    }

    #[test]
    fn a_command_in_a_sentence_stays_on_one_line() {
        let mut text = Text::new(20);
        let command = Piece::command("helm list -n camunda --all");
        text.flowing(
            0,
            0,
            &[
                Piece::prose("Look at "),
                command,
                Piece::prose(", then go on."),
            ],
        );
        assert_eq!(
            text.to_string(),
            "Look at\nhelm list -n camunda --all,\nthen go on.\n"
        );
    }

    #[test]
    fn what_stands_at_the_end_of_a_title_is_below_what_is_too_long() {
        let mut text = Text::new(30);
        text.title(Role::Refusal, "1. Short", 3, "[rule]");
        text.title(
            Role::Refusal,
            "2. Much longer than one line is",
            3,
            "[rule]",
        );
        text.title(Role::Refusal, "3. Nearly as long as it is", 3, "[rule]");
        assert_eq!(
            text.to_string(),
            "1. Short                [rule]\n2. Much longer than one line\n   is                   [rule]\n\
             3. Nearly as long as it is\n                        [rule]\n"
        );
    }

    #[test]
    fn nothing_moves_the_cursor() {
        let mut text = Text::new(80);
        text.verbatim(Role::Command, "a\u{1b}[2Jb\r\nc");
        text.title(Role::Heading, "d\u{202e}e\nf", 0, "\u{7}");
        assert!(
            text.to_string()
                .starts_with("a\u{fffd}[2Jb\u{fffd}\nc\nd\u{fffd}e f ")
        );
        assert!(text.to_string().ends_with(" \u{fffd}\n"));
    }
}
