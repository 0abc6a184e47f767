//! Helm operations that failed or were cut off.

use crate::{
    finding::{Command, shell},
    gather::Recorded,
    helm::release::Status,
    scan::Problem,
};

/// Reports the newest revision if it failed or is still pending.
pub(super) fn unfinished(recorded: &Recorded) -> Option<Problem> {
    let (release, namespace) = (&recorded.release, &recorded.namespace);
    let newest = recorded.newest()?;
    let history = shell::command(["helm", "history", release, "-n", namespace]);
    let title = format!("Revision {} is {}", newest.number, newest.status);
    let running = recorded.running();
    match newest.status {
        Status::Failed => Some(Problem {
            rule: None,
            stops: false,
            title,
            why: vec!["Part of it may have been applied.".to_owned()],
            objects: Vec::new(),
            cure: vec![Command::Shell(history)],
            documentation: None,
        }),
        status if status.is_pending() => {
            let back = running.map(|running| {
                let revision = running.number.to_string();
                let words = ["helm", "rollback", release, &revision, "-n", namespace];
                Command::Shell(shell::command(words))
            });
            Some(Problem {
                rule: None,
                stops: true,
                title,
                why: vec![
                    "Where no helm is at work on it, it was cut off, and Helm refuses every other upgrade until it is rolled back."
                        .to_owned(),
                ],
                objects: Vec::new(),
                cure: vec![back.unwrap_or(Command::Shell(history))],
                documentation: None,
            })
        }
        _ => None,
    }
}
