//! The servers under load: the guard's own program, and the same stack without a guard in it.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use axum::{
    Router,
    body::Body,
    http::{Uri, header},
    response::IntoResponse,
    routing::post,
};
use camunda_upgrade_guard::server::{Admin, BODY_LIMIT, ServerArgs, Shutdown};
use harness::{
    free_addresses,
    pki::Authority,
    supervise::{Nest, Program, Supervised},
    wait_until,
};
use http_body_util::{BodyExt, Limited};
use rustls::pki_types::ServerName;
use serde_json::Value;

use crate::{against, load::Client};

/// The program that is measured.
pub const GUARD: &str = env!("CARGO_BIN_EXE_camunda-upgrade-guard");

/// The first argument of this program when it is to be the bare server.
pub const BARE: &str = "bare";

/// What the bare server answers.
const ANSWER: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"allowed":true,"uid":"705ab4f5-6393-11e8-b7cc-42010a800002"}}"#;

/// From one tick of the kernel's clock for processes to the next.
const TICK: Duration = Duration::from_millis(10);

/// A folder with a certificate, and the processes that use it.
pub struct Place {
    nest: Nest,
    authority: Authority,
}

/// A running server.
pub struct Server {
    pub client: Client,
    /// The path that it serves, if it is not asked at ours.
    pub path: Option<String>,
    /// None: it runs elsewhere.
    process: Option<(u32, Supervised)>,
}

/// What a process holds in memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// At most, since it started.
    pub peak: u64,
}

impl Place {
    pub fn new() -> Result<Self> {
        let (nest, authority) = (Nest::new("guard-bench-")?, Authority::new("benchmark")?);
        let place = Self { nest, authority };
        place.exchange()?;
        Ok(place)
    }

    /// Has the servers of this place get another certificate.
    pub fn exchange(&self) -> Result<()> {
        let dir = self.nest.dir();
        let pair = self.authority.server(&["127.0.0.1"])?;
        pair.write(&dir.join("tls.crt"), &dir.join("tls.key"))
    }

    /// Writes a list of live objects for a guard to read.
    pub fn facts(&self, name: &str, list: &Value) -> Result<PathBuf> {
        let path = self.nest.dir().join(name);
        fs::write(&path, list.to_string())?;
        Ok(path)
    }

    /// The guard, with its facts from a file.
    pub fn guard(&self, name: &str, program: &Path, facts: &Path) -> Result<Server> {
        let program = Program::new(program).arg("serve");
        self.start(name, program.arg("--facts").arg(facts))
    }

    /// The same server with a handler that reads the body and says yes.
    pub fn bare(&self, name: &str) -> Result<Server> {
        self.start(name, Program::new(&std::env::current_exe()?).arg(BARE))
    }

    fn start(&self, name: &str, program: Program) -> Result<Server> {
        let [address, admin] = free_addresses()?;
        let program = program
            .arg("--listen")
            .arg(address.to_string())
            .arg("--admin-listen")
            .arg(admin.to_string())
            .arg("--tls-cert")
            .arg(self.nest.dir().join("tls.crt"))
            .arg("--tls-key")
            .arg(self.nest.dir().join("tls.key"));
        let mut process = self.nest.start(name, &program)?;
        let outcome = wait_until(name, Duration::from_secs(20), || {
            if let Some(status) = process.ended()? {
                return Ok(Some(Err(anyhow::anyhow!("{name} ended: {status}"))));
            }
            Ok(TcpStream::connect(address).ok().map(|_| Ok(())))
        });
        outcome.flatten().with_context(|| process.log_tail(20))?;
        let name = ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST));
        Ok(Server {
            client: Client::new(address, name, &self.authority.pem())?,
            path: None,
            process: Some((process.pid()?, process)),
        })
    }
}

impl Server {
    /// A webhook that runs already.
    pub fn elsewhere(uri: &Uri, authority: &str) -> Result<Self> {
        let (address, name) = against::place(uri)?;
        Ok(Self {
            client: Client::new(address, name, authority)?,
            path: Some(uri.path().to_owned()),
            process: None,
        })
    }

    /// What it holds; nothing of what runs elsewhere.
    pub fn memory(&self) -> Result<Memory> {
        let Some((pid, _)) = &self.process else {
            return Ok(Memory::default());
        };
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let line = line.with_context(|| format!("/proc/{pid}/status: no {name}"))?;
            let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
            Ok(kib * 1024)
        };
        Ok(Memory {
            resident: field("VmRSS:")?,
            peak: field("VmHWM:")?,
        })
    }

    /// How many files and connections it has open; none of what runs elsewhere.
    pub fn descriptors(&self) -> Result<usize> {
        match &self.process {
            Some((pid, _)) => Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count()),
            None => Ok(0),
        }
    }

    /// The processor time that it has taken so far; none of what runs elsewhere.
    pub fn cpu(&self) -> Result<Duration> {
        let Some((pid, _)) = &self.process else {
            return Ok(Duration::ZERO);
        };
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The program's name, which may hold spaces, ends with the last parenthesis.
        let Some((_, fields)) = stat.rsplit_once(')') else {
            bail!("/proc/{pid}/stat: {stat}");
        };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks =
            |at: usize| -> Result<u32> { Ok(fields.get(at).context("too few fields")?.parse()?) };
        Ok(TICK * (ticks(11)? + ticks(12)?))
    }
}

/// Runs the bare server until it is told to end.
pub async fn serve_bare(args: ServerArgs) -> Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let bound = args.bind().await?;
    let router = Router::new().fallback(post(answer));
    bound.serve(router, Admin::default(), shutdown).await;
    Ok(())
}

async fn answer(body: Body) -> impl IntoResponse {
    let read = Limited::new(body, BODY_LIMIT).collect().await;
    let answer = if read.is_ok() { ANSWER } else { "" };
    ([(header::CONTENT_TYPE, "application/json")], answer)
}
