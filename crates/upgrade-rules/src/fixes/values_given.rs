//! Shows what a user gave.

use crate::{
    change::Change,
    finding::{Command, Fix, shell},
};

/// Shows how to look up the running release's values.
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
