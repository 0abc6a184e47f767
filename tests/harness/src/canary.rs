//! Secret marks that tests put into records and search for in all output.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Returns the part that all canaries share, plain and in base64 at each offset.
fn marks() -> Vec<String> {
    let mut marks = vec!["CANARY".to_owned()];
    for before in ["", "x", "xx"] {
        let encoded = STANDARD.encode(format!("{before}CANARY-0"));
        // The first letters depend on what stands before, the last ones on what comes after.
        let certain = &encoded[before.len() + usize::from(!before.is_empty())..encoded.len() - 4];
        marks.push(certain.to_owned());
    }
    marks
}

/// Asserts that a text holds no canary.
///
/// # Panics
/// When it does.
#[track_caller]
pub fn assert_silent(what: &str, text: &str) {
    for mark in marks() {
        if let Some(at) = text.find(&mark) {
            let before: String = text[..at].chars().rev().take(200).collect();
            let before: String = before.chars().rev().collect();
            let after: String = text[at..].chars().take(80).collect();
            panic!("{what}: {mark} in: {before}{after}");
        }
    }
}
