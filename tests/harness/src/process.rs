//! Runs a command to its end, with a deadline, and captures its output.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The result of a command.
#[derive(Clone, Debug)]
pub struct Output {
    pub command: String,
    /// The exit code; None if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Returns itself if the command succeeded, else an error with the whole output.
    pub fn ok(self) -> Result<Self> {
        if self.success() {
            return Ok(self);
        }
        bail!("{}", self.report())
    }

    /// Returns itself if the command failed, else an error with the whole output.
    pub fn refused(self) -> Result<Self> {
        if !self.success() {
            return Ok(self);
        }
        bail!("expected to fail: {}", self.report())
    }

    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| self.report())
    }

    /// Returns the whole output, stdout first.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    pub fn report(&self) -> String {
        let end = match self.code {
            Some(code) => format!("exit status {code}"),
            None => "killed by a signal".into(),
        };
        format!(
            "`{}`: {end}\n--- stdout\n{}\n--- stderr\n{}",
            self.command, self.stdout, self.stderr
        )
    }
}

/// Makes Go programs collect garbage less often: they end before they need the memory that it would free.
pub(crate) const SELDOM_COLLECTED: (&str, &str) = ("GOGC", "400");

/// A command to be run.
pub struct Run {
    command: Command,
    input: Option<String>,
    timeout: Duration,
    shown: bool,
}

impl Run {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.env(SELDOM_COLLECTED.0, SELDOM_COLLECTED.1);
        Self {
            command,
            input: None,
            timeout: Duration::from_secs(120),
            shown: false,
        }
    }

    pub fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub fn current_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.input = Some(text.into());
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Also copies the command's stdout to ours while it runs.
    pub fn shown(mut self) -> Self {
        self.shown = true;
        self
    }

    /// Runs the command. An error means that it could not be run or did not end in time; a command that fails is an
    /// `Ok` with its code.
    pub fn output(mut self) -> Result<Output> {
        let words: Vec<OsString> = std::iter::once(self.command.get_program())
            .chain(self.command.get_args())
            .map(OsStr::to_owned)
            .collect();
        let command = words
            .iter()
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ");
        let stdin = match self.input {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        };
        let mut child = self
            .command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("running `{command}`"))?;

        let writer = child.stdin.take().zip(self.input).map(|(mut stdin, text)| {
            // A command that does not read its input to the end is no error of ours.
            thread::spawn(move || drop(stdin.write_all(text.as_bytes())))
        });
        let stdout = read_to_end(child.stdout.take(), self.shown);
        let stderr = read_to_end(child.stderr.take(), false);
        let deadline = Instant::now() + self.timeout;
        let stdout = receive(&stdout, deadline);
        let stderr = receive(&stderr, deadline);
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill")
                .args(["-s", "KILL", "--", &group])
                .status();
            let _ = child.wait();
            bail!("`{command}` did not end within {:?}", self.timeout);
        };
        let status = child.wait()?;
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        Ok(Output {
            command,
            code: status.code(),
            stdout,
            stderr,
        })
    }
}

fn read_to_end(
    mut pipe: Option<impl Read + Send + 'static>,
    shown: bool,
) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut buffer = [0; 8192];
        while let Some(Ok(count @ 1..)) = pipe.as_mut().map(|pipe| pipe.read(&mut buffer)) {
            bytes.extend_from_slice(&buffer[..count]);
            if shown {
                let mut stdout = std::io::stdout();
                let _ = stdout.write_all(&buffer[..count]);
                let _ = stdout.flush();
            }
        }
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn receive(receiver: &mpsc::Receiver<String>, deadline: Instant) -> Option<String> {
    receiver
        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        .ok()
}
