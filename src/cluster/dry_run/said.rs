//! Removes quoted values from the API server's messages: it quotes a Job's whole template, passwords included.

use axum::http::StatusCode;

use crate::cluster::{
    ReadError,
    request::{Cause, Failure},
};

pub(super) fn of(failure: Failure) -> String {
    if failure.status != Some(StatusCode::UNPROCESSABLE_ENTITY) || failure.causes.is_empty() {
        return ReadError::from(failure).to_string();
    }
    let causes: Vec<_> = failure.causes.iter().map(one).collect();
    causes.join(", ")
}

fn one(cause: &Cause) -> String {
    let said = without_value(&cause.said);
    match cause.field.as_str() {
        "" | "<nil>" => said,
        field => format!("{field}: {said}"),
    }
}

/// Returns `Invalid value: "…": must be no more than 63 characters` without the value. Keeps numbers, and values that
/// can only be names.
fn without_value(said: &str) -> String {
    let Some((what, rest)) = said.split_once(": ") else {
        return said.to_owned();
    };
    let quotes = matches!(
        what,
        "Invalid value" | "Unsupported value" | "Duplicate value" | "Not found" | "Too long"
    );
    if !quotes || rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return said.to_owned();
    }
    let after = match rest.strip_prefix('"') {
        Some(_) if what != "Invalid value" && what != "Too long" => return said.to_owned(),
        Some(text) => after_quote(text),
        // The end of a larger value is found by its last bracket.
        None => rest
            .rfind("}: ")
            .max(rest.rfind("]: "))
            .and_then(|at| rest.get(at + 1..)),
    };
    match after.and_then(|after| after.strip_prefix(": ")) {
        Some(detail) => format!("{what}: {detail}"),
        None => what.to_owned(),
    }
}

/// Returns the rest of a text behind the closing quote of a Go string.
fn after_quote(text: &str) -> Option<&str> {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    text.get(end + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_the_users_is_repeated() {
        for (said, told) in [
            (
                r#"Invalid value: "CANARY: \"a\": b": a lowercase label: must start with a letter"#,
                "Invalid value: a lowercase label: must start with a letter",
            ),
            (
                r#"Invalid value: {"spec":{"env":[{"value":"CANARY: x"}]}}: field is immutable"#,
                "Invalid value: field is immutable",
            ),
            (
                r#"Invalid value: core.PodTemplateSpec{Env:[]core.EnvVar{Value:"CANARY: x"}}: field is immutable"#,
                "Invalid value: field is immutable",
            ),
            (
                r#"Invalid value: map[string]string{"a":"CANARY"}"#,
                "Invalid value",
            ),
        ] {
            assert_eq!(without_value(said), told);
        }
    }

    #[test]
    fn what_helps_is_told() {
        for said in [
            "Invalid value: 99999: must be between 1 and 65535, inclusive",
            r#"Duplicate value: "http""#,
            r#"Unsupported value: "Allways": supported values: "Always", "Never""#,
            "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
            "Required value",
        ] {
            assert_eq!(without_value(said), said);
        }
    }
}
