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

impl Release<'_> {
    /// Runs a command as the administrator, in the release's namespace.
    pub fn guard(&self, args: &[&str]) -> Output {
        let namespace = ["-n", &self.namespace];
        guard_as(self.cluster.kubeconfig(), &[args, &namespace[..]].concat())
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
