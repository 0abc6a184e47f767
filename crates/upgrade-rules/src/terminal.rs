//! Text that is fit for a terminal: names and values come from users, and a character in them may move the cursor, start an escape
//! sequence or turn the order of what follows.

mod table;
mod text;

pub use self::text::{Piece, Role, Text, padded};

use std::fmt::Write;

/// Whether a terminal shows a character as itself, or does something because of it.
pub fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            // Format characters: joiners, directions, invisible operators, tags.
            '\u{ad}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0001}'..='\u{e007f}')
}

/// The text with a mark in the place of each character that is not shown; lines and tabs stay.
pub fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c if is_shown(c) => c,
        _ => char::REPLACEMENT_CHARACTER,
    };
    text.chars().map(shown).collect()
}

/// JSON that says the same with escapes in the place of such characters, which stand only in its texts.
pub fn escaped_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || is_shown(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_or_turns_gets_through() {
        let text = "a\u{1b}[2Jb\u{202e}c\u{200b}d\u{9b}e\u{7f}";
        assert_eq!(
            printable(text),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}"
        );
        assert_eq!(printable("a\n\tb\r"), "a\n\tb\u{fffd}");
    }

    #[test]
    fn json_says_the_same() {
        let value = serde_json::json!({"a\u{202e}b": "c\u{9b}\u{e0041}d\te\u{1b}"});
        let escaped = escaped_json(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(printable(&escaped), escaped);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            value
        );
    }

    #[test]
    fn letters_of_any_language_stay() {
        for text in ["größer", "日本語", "עברית", "a – b …"] {
            assert_eq!(printable(text), text);
        }
    }
}
