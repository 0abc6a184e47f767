//! Values that stand where a credential was to be filled in.

/// A value that is no real credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Placeholder {
    /// `changeme`, with which development clusters are really run.
    Usual,
    /// Words that ask for the value.
    Words,
    /// An empty value.
    Empty,
}

/// Letters and digits alone, as people spell them.
const WORDS: [&str; 6] = ["changeme", "replaceme", "changeit", "todo", "tbd", "fixme"];
/// The usual placeholder passwords that some installations really use, in this very spelling.
const USUAL: [&str; 2] = ["changeme", "changeit"];
/// No `<text>` of somebody's is longer.
const LONGEST: usize = 64;

impl Placeholder {
    /// Returns the kind of placeholder that a value is, if it is one.
    pub(crate) fn of(value: &[u8]) -> Option<Placeholder> {
        let Ok(text) = str::from_utf8(value) else {
            return None;
        };
        let text = text.trim();
        if text.is_empty() {
            return Some(Placeholder::Empty);
        }
        if USUAL.contains(&text) {
            return Some(Placeholder::Usual);
        }
        let plain = |text: &str| {
            let plain = |c: char| c.is_alphanumeric() || " _-.'".contains(c);
            text.len() <= LONGEST && text.chars().all(plain)
        };
        let within = text
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix('>'));
        if within.is_some_and(|within| !within.is_empty() && plain(within)) {
            return Some(Placeholder::Words);
        }
        let letters: String = text
            .chars()
            .filter(|c| !" _-.".contains(*c))
            .collect::<String>()
            .to_lowercase();
        (plain(text) && WORDS.contains(&letters.as_str())).then_some(Placeholder::Words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_to_be_filled_in_is_no_credential() {
        for words in [
            "<its value>",
            "<your-password>",
            "<Ihr Passwort>",
            "CHANGE_ME",
            "change-me",
            "ChangeMe",
            "TODO",
            "todo",
            "REPLACE_ME",
            "<its value>\n",
        ] {
            let found = Placeholder::of(words.as_bytes());
            assert_eq!(found, Some(Placeholder::Words), "{words}");
        }
        assert_eq!(Placeholder::of(b"changeme"), Some(Placeholder::Usual));
        for empty in ["", " ", "\n"] {
            assert_eq!(Placeholder::of(empty.as_bytes()), Some(Placeholder::Empty));
        }
        for real in [
            "aB3$x<y>",
            "<Configuration/>",
            "<a><b>",
            "todo-list-4711",
            "demo",
            "<>",
            "-----BEGIN PRIVATE KEY-----\nTODO\n",
        ] {
            assert_eq!(Placeholder::of(real.as_bytes()), None, "{real}");
        }
        assert_eq!(Placeholder::of(b"\xff"), None);
    }
}
