//! Decides by a value's name whether it may be a secret.

mod harmless;
mod withheld;

pub use self::harmless::{is_bare_reference, is_harmless, is_java_option, may_be_shown};
pub(crate) use self::{
    harmless::{is_plain, shown},
    withheld::withhold,
};

const SECRET: [&str; 5] = ["password", "passwd", "secret", "token", "credential"];
/// Ends of names that stand for where a secret is, not for the secret.
const NAMES: [&str; 5] = ["key", "name", "file", "files", "path"];

/// Whether a name contains a word for secrets.
pub(crate) fn speaks_of_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// Whether a name is that of a file, a key or an object.
pub fn names_a_place(name: &str) -> bool {
    let name = name.to_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}
