//! The guard's command line, as a person types it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use harness::{Output, Run};

use crate::{release::Release, stage::BINARY};

/// Runs a command as whoever a kubeconfig names.
pub fn guard_as(kubeconfig: &Path, args: &[&str]) -> Output {
    let run = Run::new(BINARY).args(args).env("KUBECONFIG", kubeconfig);
    run.output().unwrap()
}

/// Asserts how a command ended and what it said among other things.
#[track_caller]
pub fn says(output: &Output, code: i32, text: &str) {
    assert_eq!(output.code, Some(code), "{}", output.report());
    assert!(
        words(&output.text()).contains(&words(text)),
        "{}",
        output.report()
    );
}

/// The same text wherever its lines end.
pub fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Release<'_> {
    /// Runs a command as the administrator, in the release's namespace.
    pub fn guard(&self, args: &[&str]) -> Output {
        let namespace = ["-n", &self.namespace];
        guard_as(self.cluster.kubeconfig(), &[args, &namespace[..]].concat())
    }

    /// Runs a command on a terminal, where a person answers what it asks.
    pub fn guard_on_terminal(&self, command: &str, answer: &str) -> Output {
        let command = format!("{BINARY} {command} -n {}", &*self.namespace);
        Run::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env("KUBECONFIG", self.cluster.kubeconfig())
            // Colours have tests of their own.
            .env("NO_COLOR", "1")
            .input(answer)
            .output()
            .unwrap()
    }

    /// Runs a command until it has printed a line that begins so, and kills it then.
    pub fn guard_killed(&self, args: &[&str], at: &str) {
        let mut command = Command::new(BINARY)
            .args(args)
            .args(["-n", &self.namespace])
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(command.stdout.take().unwrap()).lines();
        let seen = lines.map_while(Result::ok).any(|line| line.starts_with(at));
        command.kill().unwrap();
        command.wait().unwrap();
        assert!(seen, "no line begins with {at:?}");
    }
}
