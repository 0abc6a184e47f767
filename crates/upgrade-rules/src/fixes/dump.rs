//! The backup of a bundled PostgreSQL.

use crate::finding::{Command, Kubectl, shell};

/// Bitnami's image knows its own user and database, under names and in ways that differ between versions.
const DUMP: &str = r#"PGPASSWORD="${POSTGRES_PASSWORD:-$(cat "$POSTGRES_PASSWORD_FILE")}" pg_dump -h 127.0.0.1 -U "$POSTGRES_USER" "${POSTGRES_DATABASE:-$POSTGRES_DB}""#;

/// Writes the database of a StatefulSet into a file.
pub(crate) fn to_file(namespace: &str, statefulset: &str, file: &str) -> String {
    let pod = format!("{statefulset}-0");
    let words = ["exec", &pod, "--", "sh", "-c", DUMP];
    let dump = Kubectl::new(namespace, words);
    format!("{dump} > {}", shell::quote(file))
}

/// The same, unless the file is there: a database that is stopped by then would leave an empty one.
pub(crate) fn once(namespace: &str, statefulset: &str, file: &str) -> Command {
    let part = format!("{file}.part");
    let (dump, whole) = (
        to_file(namespace, statefulset, &part),
        shell::command(["test", "-s", &part]),
    );
    let there = shell::command(["test", "-s", file]);
    let moved = shell::command(["mv", &part, file]);
    // A group in braces would go on where a part of it fails.
    Command::Shell(format!("({dump} && {whole} && {moved})")).once(there)
}
