//! Shows what a user gave.

use crate::{
    change::Change,
    finding::{Command, Fix, shell},
};

/// Where the values of the running release are to be seen.
pub(crate) fn given(change: &Change, intro: &str) -> Fix {
    let words = [
        "helm",
        "get",
        "values",
        &change.release,
        "-n",
        &change.namespace,
    ];
    Fix::new(intro, [Command::Shell(shell::command(words))])
}
