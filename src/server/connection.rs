//! One connection: the TLS handshake, then HTTP/1.1 requests until either side closes it.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::Limits;
use super::body::Bodies;
use super::phase::Phase;
use super::watched::Watched;
use crate::metrics::{ServerMetrics, endpoint};

/// State that all connections of a port share.
pub(super) struct Port {
    router: Router,
    limits: Limits,
    bodies: Option<Arc<Bodies>>,
    metrics: Option<ServerMetrics>,
    draining: AtomicBool,
}

/// Bytes of a connection's buffers; enough for any header, and a body's bytes don't stay in it.
const BUFFER: usize = 64 * 1024;

/// Counts a connection as open until dropped.
struct Open<'a>(&'a ServerMetrics);

// === impl Port ===

impl Port {
    /// Creates a port whose connections and requests are counted in the metrics.
    pub(super) fn counted(router: Router, limits: Limits, metrics: ServerMetrics) -> Self {
        let bodies = Bodies::new(limits.bodies, Some(metrics.clone()));
        Self {
            bodies: Some(Arc::new(bodies)),
            metrics: Some(metrics),
            ..Self::uncounted(router, limits)
        }
    }

    /// Creates a port without metrics, whose requests have no bodies.
    pub(super) fn uncounted(router: Router, limits: Limits) -> Self {
        Self {
            router,
            limits,
            bodies: None,
            metrics: None,
            draining: AtomicBool::new(false),
        }
    }

    /// The number of connections that wait for a slot of this port.
    pub(super) fn connecting(&self) -> Arc<AtomicUsize> {
        let bodies = self.bodies.as_ref();
        bodies.map_or_else(Arc::default, |bodies| bodies.connecting())
    }

    /// Makes each answer from now on close its connection, so that the client connects again, elsewhere.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Serves one TLS connection.
    pub(super) async fn serve_tls(
        &self,
        stream: TcpStream,
        phase: Arc<Phase>,
        acceptor: TlsAcceptor,
        stop: Watcher,
    ) {
        let _open = self.metrics.as_ref().map(Open::count);
        match timeout(self.limits.handshake_timeout, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => return self.serve(stream, phase, stop).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
        if let Some(metrics) = &self.metrics {
            metrics.handshake_failures.inc();
        }
    }

    /// Serves HTTP/1.1 on a stream until it ends; `stop` ends it after the request in flight.
    pub(super) async fn serve<S>(&self, stream: S, phase: Arc<Phase>, stop: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let limits = &self.limits;
        let (idle, header) = (limits.idle_timeout, limits.header_timeout);
        let stream = Watched::new(stream, Arc::clone(&phase), idle, header);
        let service = service_fn(|request| {
            phase.busy();
            self.answer(request, Arc::clone(&phase))
        });
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = stop.watch(connection).await {
            tracing::debug!(%error, "connection ended");
        }
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        phase: Arc<Phase>,
    ) -> Result<Response<Body>, Infallible> {
        let started = Instant::now();
        let endpoint = endpoint(request.uri().path());
        if let Some(bodies) = &self.bodies {
            request.extensions_mut().insert(Arc::clone(bodies));
        }
        let work = AssertUnwindSafe(self.router.clone().oneshot(request)).catch_unwind();
        let mut response = match timeout(self.limits.request_timeout, work).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Err(panic)) => panicked(panic),
            Err(_) => too_slow(),
        };
        if self.draining.load(Ordering::Relaxed) {
            close(&mut response);
        }
        if let Some(metrics) = &self.metrics {
            metrics.answered(endpoint, response.status().as_u16(), started.elapsed());
        }
        phase.idle();
        Ok(response)
    }
}

// === impl Open ===

impl<'a> Open<'a> {
    fn count(metrics: &'a ServerMetrics) -> Self {
        metrics.connections.inc();
        metrics.connections_open.inc();
        Self(metrics)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections_open.dec();
    }
}

fn panicked(payload: Box<dyn Any + Send>) -> Response<Body> {
    drop(payload);
    let text = "camunda-upgrade-guard panicked over this request; its log says where\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

fn too_slow() -> Response<Body> {
    let text = "the request was not complete, or not answered, in time\n";
    let mut response = (StatusCode::REQUEST_TIMEOUT, text).into_response();
    close(&mut response);
    response
}

fn close(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
}
