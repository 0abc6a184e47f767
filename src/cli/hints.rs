//! One hint for what was mistyped: the likeliest.

use clap::{
    Error,
    error::{ContextKind, ContextValue},
};

/// Leaves the best of an error's hints.
pub(super) fn with_one_hint(mut error: Error) -> Error {
    let kinds = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ];
    let mut hinted = false;
    for kind in kinds {
        let Some(best) = best(&error, kind) else {
            continue;
        };
        match hinted {
            true => error.remove(kind),
            false => error.insert(kind, ContextValue::String(best)),
        };
        hinted = true;
    }
    if hinted {
        // How to pass it as a value.
        error.remove(ContextKind::Suggested);
    }
    error
}

/// Returns clap's best suggestion, which is its last.
pub(super) fn best(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(meant) => Some(meant.clone()),
        ContextValue::Strings(meant) => meant.last().cloned(),
        _ => None,
    }
}
