//! Passwords inside of addresses: `https://user:password@host` and `?password=…`.

use regex_lite::{Captures, Regex};

/// The text with each such password replaced by what stands for it.
pub(super) fn without_passwords(text: &str, digest: impl Fn(&str) -> String) -> String {
    if !text.contains('@') && !text.to_lowercase().contains("password=") {
        return text.to_owned();
    }
    let patterns = [
        r"(://[^/\s:@\x22']*:)([^/\s@\x22']+)(@)",
        r"(?i)([?&;][\w.]*password=)([^&;\s\x22']+)()",
    ];
    patterns.iter().fold(text.to_owned(), |text, pattern| {
        let Ok(pattern) = Regex::new(pattern) else {
            return text;
        };
        let replaced = pattern.replace_all(&text, |found: &Captures<'_>| {
            format!("{}{}{}", &found[1], digest(&found[2]), &found[3])
        });
        replaced.into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_goes() {
        let redacted = |text| without_passwords(text, |_| "x".to_owned());
        for (text, expected) in [
            (
                "https://elastic:hunter2@es:9200/a",
                "https://elastic:x@es:9200/a",
            ),
            (
                "jdbc:postgresql://db:5432/m?user=a&password=hunter2&ssl=true",
                "jdbc:postgresql://db:5432/m?user=a&password=x&ssl=true",
            ),
            ("https://es:9200", "https://es:9200"),
            ("somebody@example.com", "somebody@example.com"),
            ("https://user@host:80/", "https://user@host:80/"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }
}
