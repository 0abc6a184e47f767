//! Runs kubectl as a given user.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process::{Output, Run};

/// kubectl with a kubeconfig.
#[derive(Clone, Debug)]
pub struct Kubectl {
    binary: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Kubectl {
    pub fn new(binary: &Path, kubeconfig: &Path, home: &Path) -> Self {
        Self {
            binary: binary.into(),
            kubeconfig: kubeconfig.into(),
            home: home.into(),
        }
    }

    #[must_use]
    pub fn with_kubeconfig(&self, kubeconfig: &Path) -> Self {
        Self {
            kubeconfig: kubeconfig.into(),
            ..self.clone()
        }
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs `kubectl ARGS…`.
    ///
    /// # Panics
    /// When kubectl cannot be run, or does not end.
    pub fn run<I, S>(&self, args: I) -> Output
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        finish(self.command(args))
    }

    /// Runs `kubectl ARGS…` with a text on its standard input.
    ///
    /// # Panics
    /// When kubectl cannot be run, or does not end.
    pub fn run_with_input<I, S>(&self, args: I, input: &str) -> Output
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        finish(self.command(args).input(input))
    }

    pub fn apply(&self, documents: &str) -> Result<Output> {
        self.run_with_input(["apply", "-f", "-"], documents).ok()
    }

    fn command<I, S>(&self, args: I) -> Run
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Run::new(&self.binary)
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.home)
    }
}

fn finish(command: Run) -> Output {
    match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{error:#}"),
    }
}
