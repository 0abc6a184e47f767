//! Words and commands for a shell, quoted so that they can be pasted.

use std::fmt::Write;

use crate::terminal;

/// The guard's own program, as it is typed.
pub const PROGRAM: &str = "camunda-upgrade-guard";

/// Quotes a word for a POSIX shell; plain words stay as they are.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A command line from its words, each quoted where it must be.
pub fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for word in words {
        let separator = if line.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(line, "{separator}{}", quote(word));
    }
    line
}

/// A text that stays one line, as in a comment, with the spaces that it begins with.
pub fn on_one_line(text: &str) -> String {
    let text = text.trim_end().chars();
    let shown = |c| if terminal::is_shown(c) { c } else { ' ' };
    text.map(shown).collect()
}

/// The way to a key of a Secret's data in kubectl's JSONPath.
pub fn data_jsonpath(key: &str) -> String {
    format!("{{.data.{}}}", jsonpath_key(key))
}

/// A key in kubectl's JSONPath, dots escaped.
pub fn jsonpath_key(key: &str) -> String {
    key.replace('.', r"\.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_bare() {
        assert_eq!(quote("data-camunda-zeebe-0"), "data-camunda-zeebe-0");
        assert_eq!(quote("rebind-to=prod/data-0"), "rebind-to=prod/data-0");
    }

    #[test]
    fn everything_else_is_quoted() {
        assert_eq!(quote(""), "''");
        assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(
            command([
                "kubectl",
                "-n",
                "prod",
                "get",
                "secret",
                "a",
                "-o",
                "jsonpath={.data.x}"
            ]),
            "kubectl -n prod get secret a -o 'jsonpath={.data.x}'"
        );
        assert_eq!(data_jsonpath("tls.key"), r"{.data.tls\.key}");
        assert_eq!(on_one_line("  a\nb\r "), "  a b");
    }
}
