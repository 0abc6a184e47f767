//! A guard with a certificate of its own, and clients for it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use camunda_upgrade_guard::metrics::Metrics;
use camunda_upgrade_guard::server::{
    Admin, Bound, Files, Limits, Readiness, ServerArgs, Shutdown, Stopped, Trigger, Whole,
};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, version};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::pki::{Pki, client_config};

/// Only a test that hangs gets here.
const HANGS: Duration = Duration::from_secs(60);

/// A running server.
pub struct Guard {
    pub pki: Pki,
    pub dir: TempDir,
    pub addr: SocketAddr,
    pub admin_addr: SocketAddr,
    pub metrics: Metrics,
    pub readiness: Readiness,
    pub trigger: Trigger,
    /// Each permit lets one request to `/hold` be answered.
    pub holding: Arc<Semaphore>,
    /// One permit for each request that came to `/hold`.
    arrived: Arc<Semaphore>,
    server: JoinHandle<Stopped>,
}

/// A connection that requests are sent on.
pub struct Http(SendRequest<Full<Bytes>>);

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

// === impl Guard ===

impl Guard {
    /// Starts a server on files of its own, its arguments changed as the test needs.
    pub async fn start(change: impl FnOnce(&mut ServerArgs)) -> Self {
        let (pki, dir) = (Pki::new(), TempDir::new().unwrap());
        pki.pair().write(dir.path());
        Self::start_on(pki, dir, change).await
    }

    /// Starts a server on the files in a folder.
    pub async fn start_on(pki: Pki, dir: TempDir, change: impl FnOnce(&mut ServerArgs)) -> Self {
        let mut args = args(dir.path());
        change(&mut args);
        let bound = args.bind().await.unwrap();
        let (addr, admin_addr) = (bound.local_addr(), bound.admin_addr());
        let (metrics, readiness) = (Metrics::new(), Readiness::new());
        let (trigger, shutdown) = Shutdown::by_hand();
        let (holding, arrived) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let server = tokio::spawn(serve(
            bound,
            router(Arc::clone(&holding), Arc::clone(&arrived)),
            Admin {
                metrics: metrics.clone(),
                readiness: readiness.clone(),
            },
            shutdown,
        ));
        Self {
            pki,
            dir,
            addr,
            admin_addr,
            metrics,
            readiness,
            trigger,
            holding,
            arrived,
            server,
        }
    }

    /// Sends a request that is in flight until there is a permit in `holding`.
    pub async fn hold(&self) -> JoinHandle<Answer> {
        let mut http = self.connect().await;
        let held = tokio::spawn(async move { http.get("/hold").await });
        self.one_arrived().await;
        held
    }

    /// Sends a body that is in memory until there is a permit in `holding`.
    pub async fn keep(&self, bytes: usize) -> JoinHandle<Answer> {
        let mut http = self.connect().await;
        let kept = tokio::spawn(async move { http.post("/keep", vec![b' '; bytes]).await });
        self.one_arrived().await;
        kept
    }

    async fn one_arrived(&self) {
        let arrived = hanging_is_failing(self.arrived.acquire()).await;
        arrived.unwrap().forget();
    }

    pub async fn connect(&self) -> Http {
        Http::over(self.connect_tls().await).await
    }

    pub async fn connect_tls(&self) -> TlsStream<TcpStream> {
        self.try_connect().await.unwrap()
    }

    pub async fn try_connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let config = client_config(&self.pki, &[&version::TLS13]);
        connect_with(config, self.addr).await
    }

    pub async fn admin(&self) -> Http {
        Http::over(TcpStream::connect(self.admin_addr).await.unwrap()).await
    }

    /// The value of the server's metric with this name and these labels.
    pub fn metric(&self, name: &str) -> String {
        let page = self.metrics.encode().unwrap();
        let prefix = format!("camunda_upgrade_guard_{name} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&prefix));
        value
            .unwrap_or_else(|| panic!("no {name} in\n{page}"))
            .to_owned()
    }

    /// Waits for the server's end.
    pub async fn stopped(self) -> Stopped {
        hanging_is_failing(self.server).await.unwrap()
    }
}

async fn serve(bound: Bound, router: Router, admin: Admin, shutdown: Shutdown) -> Stopped {
    bound.serve(router, admin, shutdown).await
}

/// Arguments for free ports, the files in a folder, and no delay.
pub fn args(dir: &Path) -> ServerArgs {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let file = |name: &str| -> PathBuf { dir.join(name) };
    ServerArgs {
        listen: loopback,
        files: Some(Files {
            cert: file("tls.crt"),
            key: file("tls.key"),
        }),
        admin_listen: loopback,
        drain_delay: Duration::ZERO,
        drain_timeout: HANGS,
        limits: Limits {
            reload_interval: Duration::from_millis(5),
            ..Limits::default()
        },
    }
}

fn router(holding: Arc<Semaphore>, arrived: Arc<Semaphore>) -> Router {
    let count = |Whole(body): Whole| async move { format!("{} bytes", body.len()) };
    let keep = {
        let (holding, arrived) = (Arc::clone(&holding), Arc::clone(&arrived));
        move |Whole(body): Whole| async move {
            arrived.add_permits(1);
            holding.acquire().await.unwrap().forget();
            format!("{} bytes kept", body.len())
        }
    };
    let hold = || async move {
        arrived.add_permits(1);
        holding.acquire().await.unwrap().forget();
        "held"
    };
    let panic = || async {
        if true {
            panic!("as the test wants");
        }
    };
    Router::new()
        .route("/validate", post(count))
        .route("/mutate", post(count))
        .route("/hold", get(hold))
        .route("/keep", post(keep))
        .route("/panic", get(panic))
}

// === impl Http ===

impl Http {
    pub async fn over<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, Bytes::new()).await.unwrap()
    }

    pub async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send("POST", path, body.into()).await.unwrap()
    }

    /// Waits until the server has closed the connection.
    pub async fn closed(&mut self) {
        until(|| self.0.is_closed()).await;
    }

    async fn send(&mut self, method: &str, path: &str, body: Bytes) -> hyper::Result<Answer> {
        hanging_is_failing(async {
            self.0.ready().await?;
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("host", "localhost")
                .body(Full::new(body))
                .unwrap();
            let (head, body) = self.0.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                text: String::from_utf8(body.into()).unwrap(),
            })
        })
        .await
    }
}

/// Connects and shakes hands.
pub async fn connect_with(
    config: Arc<ClientConfig>,
    addr: SocketAddr,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(addr).await?;
    let name = ServerName::try_from("localhost").unwrap();
    hanging_is_failing(TlsConnector::from(config).connect(name, stream)).await
}

/// Waits until something is so.
pub async fn until(mut is_so: impl FnMut() -> bool) {
    hanging_is_failing(async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Turns a hanging test into a failing one.
pub async fn hanging_is_failing<F: Future>(future: F) -> F::Output {
    timeout(HANGS, future)
        .await
        .expect("what was waited for never came")
}
