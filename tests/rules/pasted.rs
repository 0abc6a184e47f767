//! What is printed, pasted into a shell.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Command as Process, Stdio},
};

use camunda_upgrade_guard::finding::{Command, Finding, Typing};

/// What came of it.
#[derive(Debug)]
pub struct Pasted {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a script in bash, with a `kubectl` that prints each of its arguments on a line of its own, and something to read.
pub fn pasted(script: &str, typed: &str) -> Pasted {
    let folder = tempfile::tempdir().unwrap();
    let kubectl = folder.path().join("kubectl");
    fs::write(&kubectl, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut bash = Process::new("bash")
        .args(["-c", script])
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever does not read it closes it.
    drop(bash.stdin.take().unwrap().write_all(typed.as_bytes()));
    let output = bash.wait_with_output().unwrap();
    Pasted {
        success: output.status.success(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Asserts that a shell can read all that is to be typed, and that nothing of it is to be filled in.
#[track_caller]
pub fn assert_pastable(finding: &Finding) {
    for command in finding.fixes.iter().flat_map(|fix| &fix.commands) {
        let line = match command {
            Command::HelmFlag(flag) => format!("helm upgrade {flag}"),
            command if command.typing() == Typing::Manual => continue,
            command => command.text(),
        };
        let read = Process::new("bash")
            .args(["-n", "-c", &line])
            .output()
            .unwrap();
        assert!(read.status.success(), "{line}: {read:?}");
        // Redirections have a space before them, and process substitution a bracket behind.
        for placeholder in ["'<its", "<your", "<the ", "YOUR_", "CHANGE_ME", "TODO"] {
            assert!(!line.contains(placeholder), "{line}");
        }
    }
}

/// The line that asks for a value.
pub fn ask(namespace: &str, secret: &str, key: &str) -> String {
    format!(
        "(printf %s '{key}: ' >&2; IFS= read -rs value && echo >&2 && \
         case $value in (''|*[[:space:]]*|'<'*'>') false;; esac && \
         kubectl -n {namespace} patch secret {secret} -p '{{\"data\":{{\"{key}\":\"'\"$(printf %s \"$value\" | base64 | tr -d '\\n')\"'\"}}}}' \
         || {{ echo 'Nothing was written to Secret {secret}.' >&2; exit 1; }})"
    )
}
