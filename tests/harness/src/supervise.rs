//! Processes and folders that never outlive the test process, however that ends.
//!
//! A test process can be killed with SIGKILL, so nothing here depends on our code running at the end. Each program
//! runs under a small shell that reads a pipe whose other end only we hold: when that end is closed, the shell kills
//! the program. A last shell, the reaper, reads a second pipe that we and all the other shells hold, so it wakes when
//! all of us have ended, and removes the folder.

use std::ffi::OsString;
use std::fs;
use std::io::{PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::SELDOM_COLLECTED;
use crate::wait::wait_until;

/// Runs a program as long as the pipe on standard input is held; each line in it is the name of a signal for the program. Its
/// own id goes into the file that is named first.
pub(crate) const KEEPER: &str = r#"
exec 3<&0
pidfile=$1; shift
"$@" </dev/null 3<&- &
child=$!
echo "$child" >"$pidfile"
{ while read -r signal <&3; do kill -s "$signal" "$child"; done; kill -s KILL "$child"; } </dev/null 2>/dev/null &
watcher=$!
exec 3<&-
wait "$child"; status=$?
kill -s KILL "$watcher"
exit "$status"
"#;

/// Becomes a program whose output goes to the file that is named first.
const LOGGED: &str = r#"exec "$@" >>"$0" 2>&1"#;

// The host-path provisioner puts its volumes outside the folder. etcd's files name every one of them, even if its
// object was deleted long ago, and can be read when nothing runs any more.
const REAPER: &str = r#"
cat >/dev/null
for log in "$1"/etcd/member/wal/*.wal; do
    [ -f "$log" ] && tr -s '\000' '\n' <"$log" | grep -ao '/tmp/hostpath_pv/[0-9a-f]\{8\}-[0-9a-f-]\{27\}'
done | sort -u | while read -r volume; do rm -rf "$volume"; done
# Only where nobody else has volumes.
rmdir /tmp/hostpath_pv 2>/dev/null
# Processes of a namespace that is about to end may hold them for a moment.
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$1"
    left=$(find /sys/fs/cgroup -maxdepth 2 -type d -name "${1##*/}")
    [ -z "$left" ] || find $left -depth -type d -exec rmdir {} +
    [ ! -e "$1" ] && [ -z "$left" ] && break
    sleep 0.2
done
"#;

/// A temporary folder and its processes; all are removed when this is dropped or our process ends.
pub struct Nest {
    dir: PathBuf,
    alive: Option<PipeWriter>,
    reaper: Child,
}

impl Nest {
    pub fn new(prefix: &str) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .context("making a temporary folder")?
            .keep();
        let (reader, alive) = std::io::pipe()?;
        let reaper = shell(REAPER)
            .arg(&dir)
            .stdin(reader)
            .stdout(Stdio::null())
            .spawn()
            .context("starting the shell that tidies up")?;
        Ok(Self {
            dir,
            alive: Some(alive),
            reaper,
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts a program whose output goes to `NAME.log` in the folder.
    pub fn start(&self, name: &str, command: &Program) -> Result<Supervised> {
        let log = self.dir.join(format!("{name}.log"));
        let pid_file = self.dir.join(format!("{name}.pid"));
        let _ = fs::remove_file(&pid_file);
        let alive = self.alive.as_ref().context("the nest is being closed")?;
        let mut keeper = shell(KEEPER)
            .arg(&pid_file)
            .args(["sh", "-c", LOGGED])
            .arg(&log)
            .args(&command.words)
            .envs(command.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(alive.try_clone()?)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let orders = keeper.stdin.take();
        Ok(Supervised {
            name: name.to_owned(),
            program: command.clone(),
            keeper,
            orders,
            log,
            pid_file,
        })
    }

    /// Starts a program that was killed again, with the same command line.
    pub fn start_again(&self, killed: &mut Supervised) -> Result<()> {
        *killed = self.start(&killed.name, &killed.program)?;
        Ok(())
    }
}

impl Drop for Nest {
    fn drop(&mut self) {
        self.alive = None;
        let _ = self.reaper.wait();
    }
}

/// A command line and its additional environment variables.
#[derive(Clone, Debug, Default)]
pub struct Program {
    words: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Program {
    pub fn new(path: &Path) -> Self {
        Self {
            words: vec![path.into()],
            env: vec![SELDOM_COLLECTED]
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.words.push(arg.into());
        self
    }

    #[must_use]
    pub fn flag(self, name: &str, value: impl Into<OsString>) -> Self {
        let mut word = OsString::from(format!("--{name}="));
        word.push(value.into());
        self.arg(word)
    }

    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }
}

/// A program that is killed when this is dropped.
pub struct Supervised {
    name: String,
    program: Program,
    keeper: Child,
    orders: Option<ChildStdin>,
    log: PathBuf,
    pid_file: PathBuf,
}

impl Supervised {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command line with which it was started.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Returns the exit status; None while the program runs.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.keeper.try_wait()?)
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&mut self, signal: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("already stopped")?;
        writeln!(orders, "{signal}").with_context(|| format!("{} has ended", self.name))
    }

    pub fn wait(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        wait_until(&what, timeout, || Ok(self.keeper.try_wait()?))
    }

    /// Kills the program and waits for its end.
    pub fn kill(&mut self) {
        self.orders = None;
        let _ = self.keeper.wait();
    }

    pub fn pid(&self) -> Result<u32> {
        let text = fs::read_to_string(&self.pid_file)?;
        text.trim().parse().context("a process id")
    }

    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn log_tail(&self, lines: usize) -> String {
        let log = self.log();
        let all: Vec<&str> = log.lines().collect();
        let from = all.len().saturating_sub(lines);
        format!(
            "--- end of the log of {}\n{}",
            self.name,
            all[from..].join("\n")
        )
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a shell in its own process group, so that Ctrl-C in a terminal reaches us and not the cleanup.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "sh"])
        .stderr(Stdio::null())
        .process_group(0);
    command
}
