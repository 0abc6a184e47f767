//! What may be a secret, told by the name that it goes under.

const SECRET: [&str; 5] = ["password", "passwd", "secret", "token", "credential"];
/// Ends of names that stand for where a secret is, not for the secret.
const NAMES: [&str; 5] = ["key", "name", "file", "files", "path"];

/// Whether a text under this name is a secret or has one in a line of its own.
pub(crate) fn holds_secret(name: &str, text: &str) -> bool {
    if text.is_empty() || is_reference(text) {
        return false;
    }
    if speaks_of_secret(name) {
        return !name.to_lowercase().starts_with("existing") && !names_a_place(name);
    }
    text.contains('\n')
        && text.lines().any(|line| {
            let assigned = line.split_once([':', '=']);
            assigned.is_some_and(|(name, value)| {
                let value = value.trim().trim_matches(['"', '\'']);
                speaks_of_secret(name) && !value.is_empty() && !value.starts_with("${")
            })
        })
}

/// Whether a name has a word for secrets in it.
pub(crate) fn speaks_of_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// Whether a name is that of a file, a key or an object.
pub(crate) fn names_a_place(name: &str) -> bool {
    let name = name.to_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}

/// Whether a text only says where the value comes from.
pub(crate) fn is_reference(text: &str) -> bool {
    text.starts_with("${") || text.starts_with("$(")
}
