//! The server: an axum router over TLS, with an accept loop of its own.
//!
//! Beyond a plain one, it checks its certificate before it listens and replaces it while it runs, limits every wait
//! for a client, the number of open connections and the memory of bodies, answers when a handler panics, and stops in
//! the order that a Kubernetes Service needs.

mod accept;
mod admin;
mod args;
mod body;
mod connection;
mod credentials;
mod files;
mod listen;
mod open;
mod phase;
mod readiness;
mod reload;
mod served;
mod shutdown;
mod watched;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::version::{TLS12, TLS13};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

pub use self::admin::Admin;
pub use self::args::{BodyLimits, Files, Limits, ServerArgs};
pub use self::body::{BodyError, Whole};
pub use self::credentials::CredentialsError;
pub use self::files::raise_limit;
pub use self::readiness::{CERTIFICATE, DRAINING, Readiness};
pub use self::served::Served;
pub use self::shutdown::{Shutdown, Trigger};

use self::accept::accept_all;
use self::connection::Port;
use self::reload::Reloader;

/// Largest request body in bytes; the review of an update carries the object twice.
pub const BODY_LIMIT: usize = 7 * 1024 * 1024;

/// Reason why the server could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerError {
    /// No certificate was given.
    #[error(
        "no certificate: --tls-cert and --tls-key must be given, or --tls-secret and --tls-name"
    )]
    NoCertificate,
    /// The certificate or its key is unusable.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The TLS configuration is refused.
    #[error("cannot set up TLS: {0}")]
    Tls(rustls::Error),
    /// An address can't be listened on.
    #[error("cannot listen on {address} (set by {flag}): {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that set it.
        flag: &'static str,
        /// Why not.
        error: io::Error,
    },
}

/// A server with a certificate and open ports that accepts no connections yet.
pub struct Bound {
    listener: TcpListener,
    local_addr: SocketAddr,
    admin_listener: TcpListener,
    admin_addr: SocketAddr,
    acceptor: TlsAcceptor,
    reloader: Option<Reloader>,
    drain_delay: Duration,
    drain_timeout: Duration,
    limits: Limits,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every request was answered.
    Finished,
    /// Connections were cut: time was up, or the order to stop was repeated.
    CutShort {
        /// Their number.
        connections: usize,
    },
}

// === impl ServerArgs ===

impl ServerArgs {
    /// Loads the certificate and listens on both ports; reports any error with them.
    pub async fn bind(self) -> Result<Bound, ServerError> {
        let files = self.files.clone().ok_or(ServerError::NoCertificate)?;
        let reloader = Reloader::load(files).await?;
        self.listen(reloader.served(), Some(reloader)).await
    }

    /// Listens on both ports with a certificate that the caller keeps current.
    pub async fn bind_with(self, served: Arc<Served>) -> Result<Bound, ServerError> {
        self.listen(served, None).await
    }

    async fn listen(
        self,
        served: Arc<Served>,
        reloader: Option<Reloader>,
    ) -> Result<Bound, ServerError> {
        let acceptor = TlsAcceptor::from(Arc::new(tls_config(served).map_err(ServerError::Tls)?));
        let (listener, local_addr) = listen::on(self.listen, "--listen").await?;
        let (admin_listener, admin_addr) = listen::on(self.admin_listen, "--admin-listen").await?;
        Ok(Bound {
            listener,
            local_addr,
            admin_listener,
            admin_addr,
            acceptor,
            reloader,
            drain_delay: self.drain_delay,
            drain_timeout: self.drain_timeout,
            limits: self.limits,
        })
    }
}

/// Builds the TLS configuration; names the crypto provider, so that it does not depend on a process-wide default.
fn tls_config(served: Arc<Served>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(served);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = ring::Ticketer::new()?;
    Ok(config)
}

// === impl Bound ===

impl Bound {
    /// Returns the webhook's address.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Returns the address of health, readiness and metrics.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// Serves until ordered to stop.
    ///
    /// Then readiness ends first, while requests are still accepted for the drain delay; then the port and idle
    /// connections are closed, and requests in flight are finished.
    pub async fn serve(self, router: Router, admin: Admin, mut shutdown: Shutdown) -> Stopped {
        let Self {
            listener,
            acceptor,
            reloader,
            limits,
            ..
        } = self;
        let (metrics, readiness) = (admin.metrics.server.clone(), admin.readiness.clone());
        metrics.connections_limit.set(as_gauge(limits.connections));
        tracing::info!(webhook = %self.local_addr, admin = %self.admin_addr, "listening");

        let _background = background(self.admin_listener, reloader, admin, limits);
        let shed = metrics.connections_shed.clone();
        let port = Arc::new(Port::counted(router, limits, metrics));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        {
            let serve = |stream, phase| {
                let (port, acceptor, stop) =
                    (Arc::clone(&port), acceptor.clone(), graceful.watcher());
                async move { port.serve_tls(stream, phase, acceptor, stop).await }
            };
            let closed = || {
                shed.inc();
            };
            let (slots, waiting) = (limits.connections, port.connecting());
            let tasks = &mut connections;
            let accepting = accept_all(&listener, slots, tasks, serve, closed, &waiting);
            tokio::pin!(accepting);
            tokio::select! {
                never = &mut accepting => match never {},
                () = shutdown.draining() => {}
            }
            readiness.unmet(DRAINING, "told to stop, finishing what was begun");
            port.drain();
            tokio::select! {
                never = accepting => match never {},
                () = sleep(self.drain_delay) => {}
                () = shutdown.stopping() => {}
            }
        }
        drop(listener);
        tokio::select! {
            biased;
            () = shutdown.stopping() => {}
            () = all_ended(graceful, &mut connections) => {}
            () = sleep(self.drain_timeout) => {}
        }
        how_it_ended(&mut connections)
    }
}

/// Starts the admin port and the certificate's reloading, which run until dropped.
fn background(
    listener: TcpListener,
    reloader: Option<Reloader>,
    admin: Admin,
    limits: Limits,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if let Some(reloader) = reloader {
        let (metrics, readiness) = (admin.metrics.server.clone(), admin.readiness.clone());
        tasks.spawn(async move {
            reloader
                .run(limits.reload_interval, &metrics, &readiness)
                .await;
        });
    }
    let limits = Limits {
        header_timeout: limits.admin_header_timeout,
        idle_timeout: limits.admin_idle_timeout,
        ..limits
    };
    let port = Arc::new(Port::uncounted(admin.router(), limits));
    tasks.spawn(async move {
        let (unstopped, mut connections) = (GracefulShutdown::new(), JoinSet::new());
        let serve = |stream, phase| {
            let (port, stop) = (Arc::clone(&port), unstopped.watcher());
            async move { port.serve(stream, phase, stop).await }
        };
        let (slots, waiting) = (limits.admin_connections, port.connecting());
        let tasks = &mut connections;
        match accept_all(&listener, slots, tasks, serve, || {}, &waiting).await {}
    });
    tasks
}

/// Waits for the last answers, and for their tasks: a task with nothing left to do still counts as open.
async fn all_ended(graceful: GracefulShutdown, connections: &mut JoinSet<()>) {
    graceful.shutdown().await;
    while connections.join_next().await.is_some() {}
}

fn how_it_ended(connections: &mut JoinSet<()>) -> Stopped {
    while connections.try_join_next().is_some() {}
    match connections.len() {
        0 => {
            tracing::info!("stopped");
            Stopped::Finished
        }
        connections => {
            tracing::warn!(connections, "stopped before all was finished");
            Stopped::CutShort { connections }
        }
    }
}

fn as_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
