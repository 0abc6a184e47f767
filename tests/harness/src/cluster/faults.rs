//! A proxy that shows the API server with faults, its own or the network's.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ServerConfig, crypto::ring};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Cluster, kubeconfig};
use crate::pki::{Authority, Pair, trusting};

/// The fault of a request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Answered after this delay.
    Hang(Duration),
    /// Answered with this status and a page instead of the API server's answer; with `Retry-After` in seconds, if
    /// given.
    Status(u16, Option<u64>),
    /// Answered as if the user's role lacked a right.
    Forbidden,
    /// Cut off in the middle of the answer.
    Cut,
    /// Answered byte by byte.
    Trickle,
    /// Closed without an answer, and no new connection is accepted.
    Gone,
    /// A list from the API server's cache is empty, as if the cache had been filled before anything was created.
    Stale,
}

type Body = BoxBody<Bytes, io::Error>;

#[derive(Default)]
struct State {
    faults: Vec<(&'static str, Fault)>,
    requests: Vec<String>,
}

/// A TLS server in front of the API server that passes requests on, tokens included, or shows the faults it was set.
pub struct FaultyServer {
    // Dropped with all that runs in it.
    _runtime: Runtime,
    address: SocketAddr,
    authority: Authority,
    state: Arc<Mutex<State>>,
}

impl Cluster {
    /// Starts a server without faults in front of the API server.
    pub fn faulty_server(&self) -> Result<FaultyServer> {
        let authority = Authority::new("faulty server")?;
        let acceptor = acceptor(&authority.server(&["127.0.0.1"])?)?;
        let upstream = Arc::new(Upstream::of(self)?);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        runtime.spawn(accept(listener, acceptor, upstream, Arc::clone(&state)));
        Ok(FaultyServer {
            _runtime: runtime,
            address,
            authority,
            state,
        })
    }

    /// Writes a kubeconfig for a service account that reaches the API server only through this one.
    pub fn kubeconfig_through(
        &self,
        server: &FaultyServer,
        namespace: &str,
        account: &str,
    ) -> Result<PathBuf> {
        let arguments = ["create", "token", account, "--namespace", namespace];
        let token = self.kubectl(arguments).ok()?.stdout;
        let path = self.scratch("kubeconfig")?.join("config");
        let address = format!("https://{}", server.address);
        let user = json!({"token": token.trim()});
        kubeconfig::write(&path, &address, &server.authority.pem(), &user)?;
        Ok(path)
    }
}

impl FaultyServer {
    /// Sets the faults of requests whose path contains a word; the first match counts. An empty list clears all
    /// faults.
    pub fn set(&self, faults: &[(&'static str, Fault)]) {
        lock(&self.state).faults = faults.to_vec();
    }

    /// Returns the requests since the last call, as method and path without the query.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).requests)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn acceptor(pair: &Pair) -> Result<TlsAcceptor> {
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes())?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    upstream: Arc<Upstream>,
    state: Arc<Mutex<State>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        if matches!(lock(&state).faults[..], [("", Fault::Gone)]) {
            continue;
        }
        let (acceptor, upstream, state) =
            (acceptor.clone(), Arc::clone(&upstream), Arc::clone(&state));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(|request| answer(request, &upstream, &state));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // A client that goes away, and a connection that is cut on purpose, are no news.
            drop(connection.await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    upstream: &Upstream,
    state: &Mutex<State>,
) -> io::Result<Response<Body>> {
    let path = request.uri().path().to_owned();
    let fault = {
        let mut state = lock(state);
        state.requests.push(format!("{} {path}", request.method()));
        let mut faults = state.faults.iter();
        faults
            .find(|(word, _)| path.contains(word))
            .map(|(_, fault)| *fault)
    };
    match fault {
        Some(Fault::Hang(pause)) => tokio::time::sleep(pause).await,
        Some(Fault::Gone) => return Err(io::ErrorKind::ConnectionReset.into()),
        Some(Fault::Status(status, retry_after)) => return page(status, retry_after),
        Some(Fault::Forbidden) => return forbidden(&path),
        Some(Fault::Stale) if is_cached(&request) => return empty(),
        Some(Fault::Cut | Fault::Trickle | Fault::Stale) | None => {}
    }
    let answer = upstream.ask(request).await.map_err(io::Error::other)?;
    let (parts, body) = answer.into_parts();
    let body = match fault {
        Some(Fault::Cut) => cut(&body),
        Some(Fault::Trickle) => trickle(body),
        _ => whole(body),
    };
    Ok(Response::from_parts(parts, body))
}

fn page(status: u16, retry_after: Option<u64>) -> io::Result<Response<Body>> {
    let mut response = Response::builder().status(status);
    if let Some(seconds) = retry_after {
        response = response.header("Retry-After", seconds);
    }
    let page = "<html><body>Something went wrong</body></html>";
    let response = response.body(whole(page.into()));
    response.map_err(io::Error::other)
}

fn forbidden(path: &str) -> io::Result<Response<Body>> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
        "message": format!("things \"{name}\" is forbidden: User \"guard\" cannot get things"),
    });
    let response = Response::builder()
        .status(StatusCode::FORBIDDEN)
        .header("Content-Type", "application/json")
        .body(whole(status.to_string().into()));
    response.map_err(io::Error::other)
}

fn is_cached(request: &Request<Incoming>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|it| it == "resourceVersion=0")
}

fn empty() -> io::Result<Response<Body>> {
    let list = json!({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": []});
    let response = Response::builder().header("Content-Type", "application/json");
    let response = response.body(whole(list.to_string().into()));
    response.map_err(io::Error::other)
}

fn whole(body: Bytes) -> Body {
    BodyExt::boxed(Full::new(body).map_err(|never: Infallible| match never {}))
}

fn cut(body: &Bytes) -> Body {
    let half = body.slice(..body.len() / 2);
    let frames = [
        Ok(Frame::data(half)),
        Err(io::ErrorKind::ConnectionReset.into()),
    ];
    BodyExt::boxed(StreamBody::new(stream::iter(frames)))
}

fn trickle(body: Bytes) -> Body {
    let bytes = stream::iter(0..body.len()).then(move |at| {
        let byte = body.slice(at..=at);
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(Frame::data(byte))
        }
    });
    let bytes: Pin<Box<dyn futures::Stream<Item = _> + Send + Sync>> = Box::pin(bytes);
    BodyExt::boxed(StreamBody::new(bytes))
}

/// The real API server.
struct Upstream {
    connector: TlsConnector,
    address: String,
}

impl Upstream {
    fn of(cluster: &Cluster) -> Result<Self> {
        let config = trusting(&cluster.authority.pem())?.with_no_client_auth();
        let address = cluster.server.strip_prefix("https://");
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            address: address.context("an https address")?.to_owned(),
        })
    }

    /// Sends a request, on a connection of its own.
    async fn ask(&self, request: Request<Incoming>) -> Result<Response<Bytes>> {
        let stream = TcpStream::connect(&self.address).await?;
        let host = self.address.split(':').next().unwrap_or_default();
        let name = ServerName::try_from(host.to_owned())?;
        let stream = self.connector.connect(name, stream).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let answer = sender.send_request(request).await?;
        let (mut parts, body) = answer.into_parts();
        parts.headers.remove("Transfer-Encoding");
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }
}
