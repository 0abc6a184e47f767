//! Runs a script as if the cluster's administrator pasted it into a terminal.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::Cluster;
use crate::helm::{Helm, HelmCli};
use crate::process::{Output, Run};

const BIN: &str = ".bin";

/// A bash in which `kubectl` and `helm` are the cluster's, and all other programs the machine's.
pub struct Shell {
    path: OsString,
    kubeconfig: PathBuf,
    folders: [(&'static str, PathBuf); 4],
    home: PathBuf,
    timeout: Duration,
}

impl Cluster {
    /// Returns a shell of the administrator, in a new empty folder.
    pub fn shell(&self, helm: Helm) -> Result<Shell> {
        Shell::new(self, helm, self.kubeconfig())
    }
}

impl Shell {
    /// Returns a shell with a kubeconfig's user.
    pub fn new(cluster: &Cluster, helm: Helm, kubeconfig: &Path) -> Result<Self> {
        let home = cluster.scratch("shell")?;
        let bin = home.join(BIN);
        fs::create_dir(&bin)?;
        symlink(&cluster.binaries().kubectl, bin.join("kubectl"))?;
        symlink(helm.binary(cluster.binaries()), bin.join("helm"))?;
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(bin).chain(std::env::split_paths(&inherited));
        let cli = HelmCli::new(cluster.binaries(), helm, Some(kubeconfig), &home);
        Ok(Self {
            path: std::env::join_paths(folders).context("PATH")?,
            kubeconfig: kubeconfig.into(),
            folders: cli.folders(),
            home,
            timeout: Duration::from_secs(180),
        })
    }

    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Returns the folder that scripts start in.
    pub fn dir(&self) -> &Path {
        &self.home
    }

    /// Runs the lines as a terminal would: a failed one does not stop the next, and the result is that of the last.
    pub fn paste(&self, script: &str) -> Result<Output> {
        self.bash(&["-c", script])
    }

    /// Runs the lines up to the first that fails.
    pub fn run(&self, script: &str) -> Result<Output> {
        self.bash(&["-euo", "pipefail", "-c", script])
    }

    /// Runs the lines up to the first that fails, and prints their output, errors included, while they run.
    pub fn show(&self, script: &str) -> Result<Output> {
        let script = format!("exec 2>&1\n{script}");
        self.command(&["-euo", "pipefail", "-c", &script])
            .shown()
            .output()
    }

    /// Only parses the lines, and fails on a syntax error.
    pub fn check_syntax(&self, script: &str) -> Result<Output> {
        self.bash(&["-n", "-c", script])
    }

    /// Puts a program on the path, under this name.
    pub fn install(&self, name: &str, program: &Path) -> Result<()> {
        symlink(program, self.home.join(BIN).join(name))
            .with_context(|| format!("linking to {}", program.display()))
    }

    /// Puts a script in the place of a program on the path; it is made of where the program is.
    pub fn replace(&self, name: &str, script: impl FnOnce(&Path) -> String) -> Result<()> {
        let program = self.home.join(BIN).join(name);
        let script = script(&fs::canonicalize(&program)?);
        fs::remove_file(&program)?;
        fs::write(&program, script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    fn bash(&self, args: &[&str]) -> Result<Output> {
        self.command(args).output()
    }

    fn command(&self, args: &[&str]) -> Run {
        let mut command = Run::new("bash")
            .args(["--noprofile", "--norc"])
            .args(args)
            .current_dir(&self.home)
            .timeout(self.timeout)
            .env("PATH", &self.path)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.home)
            .env_remove("BASH_ENV");
        for (name, folder) in &self.folders {
            command = command.env(name, folder);
        }
        command
    }
}
