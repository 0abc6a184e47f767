//! Redacts URLs: `https://USER:PASSWORD@host/way?QUERY`.

/// Returns a URL with digests for its user and its query; the rest unchanged. None if the text is not a URL.
pub(super) fn redacted(text: &str, digest: impl Fn(&str) -> String) -> Option<String> {
    let at = text.find("://")? + "://".len();
    let (scheme, rest) = text.split_at(at);
    // jdbc:sqlserver://host;password=… has its parameters after a semicolon.
    let end = rest.find(['?', '#', ';']).unwrap_or(rest.len());
    let (place, query) = rest.split_at(end);
    let (user, place) = match place.rsplit_once('@') {
        Some((user, place)) => (format!("{}@", digest(user)), place),
        None => (String::new(), place),
    };
    let harmless = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._/:[],{}".contains(c))
    };
    if !harmless(scheme) || !harmless(place) {
        return None;
    }
    let query = query.chars().next().map(|mark| {
        let rest = &query[mark.len_utf8()..];
        format!("{mark}{}", digest(rest))
    });
    Some(format!(
        "{scheme}{user}{place}{}",
        query.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_query_go() {
        let redacted = |text| redacted(text, |_| "x".to_owned());
        for (text, expected) in [
            (
                "https://elastic:hunter2@es:9200/a",
                Some("https://x@es:9200/a"),
            ),
            ("https://hunter2@es:9200", Some("https://x@es:9200")),
            (
                "jdbc:postgresql://db:5432/m?user=a&password=hunter2&ssl=true",
                Some("jdbc:postgresql://db:5432/m?x"),
            ),
            (
                "jdbc:sqlserver://db:1433;password=hunter2",
                Some("jdbc:sqlserver://db:1433;x"),
            ),
            ("https://es:9200", Some("https://es:9200")),
            ("somebody@example.com", None),
            ("psql postgresql://u:hunter2@db -f a", None),
        ] {
            assert_eq!(redacted(text).as_deref(), expected, "{text}");
        }
    }
}
