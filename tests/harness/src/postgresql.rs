//! A PostgreSQL for Helm's SQL storage, from Debian's package.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::binaries::found_or_skip;
use crate::cluster::Cluster;
use crate::ports::free_ports;
use crate::process::Run;
use crate::supervise::{Program, Supervised};
use crate::wait::wait_until;

/// Where Debian has a folder for each major version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Debian's user and group `nobody`: PostgreSQL does not run as root.
const NOBODY: u32 = 65534;

/// A server on a port of 127.0.0.1 that lets everybody in. It ends when dropped, and no later than its cluster.
pub struct Postgresql {
    server: Supervised,
    port: u16,
    // Dropped after the server that uses it.
    _data: tempfile::TempDir,
}

impl Cluster {
    /// Starts an empty PostgreSQL; None, with a message, where it is not installed.
    ///
    /// # Panics
    /// When it is not installed and `CI` is set.
    pub fn postgresql_or_skip(&self) -> Option<Result<Postgresql>> {
        let missing = || "PostgreSQL is missing: apt-get install postgresql".to_owned();
        let programs = found_or_skip(programs().ok_or_else(missing))?;
        Some(Postgresql::start(self, &programs))
    }
}

impl Postgresql {
    fn start(cluster: &Cluster, programs: &Path) -> Result<Self> {
        let data = tempfile::Builder::new().prefix("guard-sql-").tempdir()?;
        let as_nobody = fs::metadata("/proc/self")?.uid() == 0;
        if as_nobody {
            chown(data.path(), Some(NOBODY), Some(NOBODY))?;
        }
        let prefix: &[&str] = match as_nobody {
            true => &[
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ],
            false => &["env"],
        };
        let program = |name: &str| programs.join(name).display().to_string();
        let folder = data.path().display().to_string();
        Run::new(prefix[0])
            .args(&prefix[1..])
            .args([
                &program("initdb"),
                "--no-sync",
                "--auth=trust",
                "--username=helm",
            ])
            .args(["--encoding=UTF8", "--locale=C", "--pgdata", &folder])
            .current_dir(data.path())
            .output()?
            .ok()?;
        let [port] = free_ports()?;
        let words = prefix[1..].iter().copied().map(str::to_owned);
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "fsync=off".to_owned(),
        ];
        let settings = settings
            .into_iter()
            .flat_map(|setting| ["-c".to_owned(), setting]);
        let words = words.chain([program("postgres"), "-D".to_owned(), folder]);
        let run = Program::new(Path::new(prefix[0]));
        let run = words.chain(settings).fold(run, Program::arg);
        let mut started = Self {
            server: cluster.supervise(&cluster.unique("postgresql"), &run)?,
            port,
            _data: data,
        };
        started.wait(&program("pg_isready"))?;
        Ok(started)
    }

    fn wait(&mut self, pg_isready: &str) -> Result<()> {
        let port = self.port.to_string();
        wait_until("PostgreSQL", Duration::from_secs(60), || {
            let ended = self.server.ended()?;
            ensure!(ended.is_none(), "{}", self.server.log_tail(20));
            let asked = Run::new(pg_isready).args(["-h", "127.0.0.1", "-p", &port]);
            Ok(asked.output()?.success().then_some(()))
        })
    }

    /// The variables with which Helm keeps its records here.
    pub fn helm(&self) -> [(&'static str, String); 2] {
        let database = format!(
            "postgresql://helm@127.0.0.1:{}/postgres?sslmode=disable",
            self.port
        );
        [
            ("HELM_DRIVER", "sql".to_owned()),
            ("HELM_DRIVER_SQL_CONNECTION_STRING", database),
        ]
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        // A killed server leaves shared memory behind.
        if self.server.signal("INT").is_ok() {
            let _ = self.server.wait(Duration::from_secs(20));
        }
    }
}

/// The folder with the newest version's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let installed = folders.filter(|bin| bin.join("initdb").is_file());
    installed.max()
}
