//! The guard's real program next to a cluster, with its webhooks registered.

mod endpoints;
pub mod http;
pub mod metrics;
mod probe;

use std::ffi::OsString;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;
use crate::pki::Authority;
use crate::ports::free_ports;
use crate::process::Run;
use crate::supervise::{Program, Supervised};
use crate::wait::wait_until;
pub use endpoints::{Endpoints, machine_address};
pub use probe::WebhookCalls;

const START: Duration = Duration::from_secs(30);

/// Options for starting a guard.
#[derive(Clone, Debug)]
pub struct GuardOptions {
    /// The program; `env!("CARGO_BIN_EXE_camunda-upgrade-guard")` in a test of the guard.
    pub binary: PathBuf,
    /// The kubeconfig; None: the administrator's.
    pub kubeconfig: Option<PathBuf>,
    /// The address to listen on; ports are chosen.
    pub address: IpAddr,
    /// Whether the certificate comes from what `args` say instead of from files.
    pub self_managed: bool,
    /// Further arguments for `serve`.
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Whether to wait until `/readyz` answers 200.
    pub wait_ready: bool,
    /// Whether to register the webhooks and wait until the API server calls them.
    pub register: bool,
    /// Objects whose dry-run CREATE reaches each webhook configuration; see [`GuardOptions::probes`].
    pub probes: String,
}

impl GuardOptions {
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            kubeconfig: None,
            address: Ipv4Addr::LOCALHOST.into(),
            self_managed: false,
            args: Vec::new(),
            env: Vec::new(),
            wait_ready: true,
            register: true,
            probes: probe::default_documents(),
        }
    }

    /// Sets other YAML documents by which to see that the webhooks are in effect. They are created as a dry run, in a
    /// namespace that enforces and in one that does not.
    #[must_use]
    pub fn probes(mut self, documents: &str) -> Self {
        self.probes = documents.to_owned();
        self
    }
}

/// A running guard. Its webhooks belong to the cluster: a second guard's webhooks of the same names replace them, so
/// tests that change the guard need a cluster of their own.
pub struct Guard<'c> {
    cluster: &'c Cluster,
    options: GuardOptions,
    authority: Authority,
    dir: PathBuf,
    listen: SocketAddr,
    admin: SocketAddr,
    process: Option<Supervised>,
    runs: usize,
    old_logs: String,
}

impl Cluster {
    /// Starts a guard and, by default, waits until it is ready and in effect.
    pub fn guard(&self, options: GuardOptions) -> Result<Guard<'_>> {
        Guard::start(self, options)
    }
}

impl<'c> Guard<'c> {
    pub fn start(cluster: &'c Cluster, options: GuardOptions) -> Result<Self> {
        let dir = cluster.scratch("guard")?;
        let authority = Authority::new("guard")?;
        fs::write(dir.join("ca.crt"), authority.pem())?;
        let [listen, admin] = free_ports()?.map(|port| SocketAddr::from((options.address, port)));
        let mut guard = Self {
            cluster,
            options,
            authority,
            dir,
            listen,
            admin,
            process: None,
            runs: 0,
            old_logs: String::new(),
        };
        guard.renew_certificate()?;
        guard.run()?;
        if guard.options.register {
            guard.register()?;
        }
        Ok(guard)
    }

    /// Returns the URL for reviews.
    pub fn url(&self) -> String {
        format!("https://{}", self.listen)
    }

    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Returns the authority that signs the guard's certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    pub fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    pub fn certificate_files(&self) -> (PathBuf, PathBuf) {
        (self.dir.join("tls.crt"), self.dir.join("tls.key"))
    }

    /// Replaces the certificate and its key by new ones.
    pub fn renew_certificate(&self) -> Result<()> {
        let (certificate, key) = self.certificate_files();
        let pair = self.authority.server(&["127.0.0.1", "localhost"])?;
        pair.write(&certificate, &key)
    }

    pub fn pid(&self) -> Result<u32> {
        self.process.as_ref().context("not running")?.pid()
    }

    /// Returns the whole log, earlier runs included.
    pub fn log(&self) -> String {
        let log = self.process.as_ref().map(Supervised::log);
        format!("{}{}", self.old_logs, log.unwrap_or_default())
    }

    /// Returns status and body of an answer from the admin port.
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        http::get(self.admin, path)
    }

    pub fn ready(&self) -> bool {
        matches!(self.get("/readyz"), Ok((200, _)))
    }

    pub fn metrics(&self) -> Result<String> {
        match self.get("/metrics")? {
            (200, text) => Ok(text),
            (status, text) => bail!("/metrics answered {status}: {text}"),
        }
    }

    /// Returns the sum of a metric's samples with these labels; 0 if there is none.
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
        Ok(metrics::sum(&self.metrics()?, name, labels))
    }

    /// Ends the guard with SIGKILL. The webhooks stay registered.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
            self.old_logs += &process.log();
        }
    }

    /// Ends the guard with SIGTERM, and waits for its end.
    pub fn terminate(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let process = self.process.as_mut().context("not running")?;
        process.signal("TERM")?;
        let status = process.wait(timeout)?;
        self.kill();
        Ok(status)
    }

    /// Starts the guard again at the same address after [`Guard::kill`] or [`Guard::terminate`].
    pub fn start_again(&mut self) -> Result<()> {
        self.kill();
        self.run()
    }

    /// Registers the guard's webhooks and waits until the API server calls them.
    pub fn register(&self) -> Result<()> {
        let documents = self.webhooks()?;
        probe::register(self.cluster, &documents, &self.options.probes)
            .with_context(|| format!("the guard said:\n{}", self.log()))
    }

    /// Returns the output of `camunda-upgrade-guard webhooks` for this guard.
    pub fn webhooks(&self) -> Result<String> {
        let url = self.url();
        let args = ["webhooks", "--url", &url, "--ca"];
        let output = Run::new(&self.options.binary)
            .args(args)
            .args([self.ca_file()])
            .output()?
            .ok()?;
        Ok(output.stdout)
    }

    fn run(&mut self) -> Result<()> {
        let program = self.program();
        self.runs += 1;
        let folder = self.dir.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{folder}/run-{}", self.runs);
        let process = self
            .process
            .insert(self.cluster.supervise(&name, &program)?);
        if !self.options.wait_ready {
            return Ok(());
        }
        let admin = self.admin;
        let outcome = wait_until("the guard to be ready", START, || {
            if let Some(status) = process.ended()? {
                return Ok(Some(Err(anyhow::anyhow!("the guard ended: {status}"))));
            }
            match http::get(admin, "/readyz")? {
                (200, _) => Ok(Some(Ok(()))),
                (status, text) => bail!("/readyz answered {status}: {text}"),
            }
        });
        outcome.flatten().with_context(|| process.log_tail(40))
    }

    fn program(&self) -> Program {
        let (certificate, key) = self.certificate_files();
        let kubeconfig = self.options.kubeconfig.as_deref();
        let kubeconfig: &Path = kubeconfig.unwrap_or(self.cluster.kubeconfig());
        let mut options: Vec<(&str, OsString)> = vec![
            ("--listen", self.listen.to_string().into()),
            ("--admin-listen", self.admin.to_string().into()),
            ("--kubeconfig", kubeconfig.into()),
        ];
        if !self.options.self_managed {
            options.push(("--tls-cert", certificate.into()));
            options.push(("--tls-key", key.into()));
        }
        let mut program = Program::new(&self.options.binary).arg("serve");
        for (name, value) in options {
            program = program.arg(name).arg(value);
        }
        for arg in &self.options.args {
            program = program.arg(arg);
        }
        program = program.env("CAMUNDA_UPGRADE_GUARD_LOG_FORMAT", "text");
        for (name, value) in &self.options.env {
            program = program.env(name, value);
        }
        program
    }
}
