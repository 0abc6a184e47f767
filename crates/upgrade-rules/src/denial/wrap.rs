//! Wraps lines that are too long for a terminal.

use super::WIDTH;

/// Wraps a line at spaces; continuation lines are indented by `hanging` more than the first word.
pub fn wrap(line: &str, hanging: usize) -> Vec<String> {
    wrap_to(WIDTH, line, hanging)
}

/// The same to another width.
pub(super) fn wrap_to(most: usize, line: &str, hanging: usize) -> Vec<String> {
    if line.chars().count() <= most {
        return vec![line.to_owned()];
    }
    let words = line.trim_start();
    let indent = line.chars().count() - words.chars().count();
    let mut lines = Vec::new();
    let mut current = " ".repeat(indent);
    let mut width = indent;
    let mut empty = true;
    for word in words.split(' ') {
        let length = word.chars().count();
        if !empty && width + 1 + length > most {
            lines.push(current.trim_end().to_owned());
            current = " ".repeat(indent + hanging);
            width = indent + hanging;
            empty = true;
        }
        // Column-aligning spaces are dropped at a line's end.
        if empty && word.is_empty() {
            continue;
        }
        if !empty {
            current.push(' ');
            width += 1;
        }
        current.push_str(word);
        width += length;
        empty = false;
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_below_its_first_word() {
        let words = "claim ".repeat(30);
        let line = format!("  {}", words.trim_end());
        let lines = wrap(&line, 2);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{lines:?}");
        assert!(lines[0].starts_with("  claim") && lines[1].starts_with("    claim"));
        let rejoined: Vec<_> = lines.iter().map(|line| line.trim()).collect();
        assert_eq!(rejoined.join(" "), words.trim_end());
    }

    #[test]
    fn short_lines_and_long_words_stay_whole() {
        assert_eq!(wrap("  a:  b", 0), ["  a:  b"]);
        let word = "x".repeat(2 * WIDTH);
        assert_eq!(wrap(&format!("a {word} b"), 0), ["a", &word, "b"]);
    }
}
