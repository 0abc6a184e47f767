//! The load generator: requests prepared beforehand, sent over TLS, and just enough of HTTP/1.1 to read the answers.
//!
//! It shares the machine with the server, so it does as little as it can, on one thread.

use std::{
    fmt,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use harness::pki::trusting;
use rustls::{client::Resumption, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Where requests are sent.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    name: ServerName<'static>,
    connector: TlsConnector,
}

/// A request with the answer that it must get each time.
#[derive(Clone)]
pub struct Post {
    request: Arc<[u8]>,
    answer: Arc<[u8]>,
}

/// How the connections are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// How many at once.
    pub connections: usize,
    /// Whether a connection is used again, as the API server does.
    pub kept: bool,
}

/// What one run measured.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub requests: usize,
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = if self.kept { "kept" } else { "new each time" };
        write!(f, "{}, {each}", self.connections)
    }
}

impl Client {
    /// A client of a server that trusts one authority. It resumes no session: Go's client, which the API server is, keeps
    /// none unless told to.
    pub fn new(address: SocketAddr, name: ServerName<'static>, authority: &str) -> Result<Self> {
        let mut config = trusting(authority)?.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Self {
            address,
            name,
            connector: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Posts once and gives the answer's body.
    pub async fn post(&self, path: &str, body: &[u8]) -> Result<Vec<u8>> {
        let mut stream = self.connect().await?;
        let mut answer = Vec::new();
        let body = exchange(&mut stream, &self.request(path, body), &mut answer).await?;
        Ok(body.to_vec())
    }

    /// Prepares a request; its first answer is the one that all others must equal.
    pub async fn prepare(&self, path: &str, body: &[u8]) -> Result<Post> {
        Ok(Post {
            request: self.request(path, body).into(),
            answer: self.post(path, body).await?.into(),
        })
    }

    /// Posts over and over for a while.
    pub async fn run(&self, post: &Post, pattern: Pattern, time: Duration) -> Result<Sample> {
        let mut kept = Vec::new();
        for _ in 0..pattern.connections {
            kept.push(match pattern.kept {
                true => Some(self.connect().await?),
                false => None,
            });
        }
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for stream in kept {
            tasks.spawn(repeat(self.clone(), post.clone(), stream, started + time));
        }
        let mut all = Vec::new();
        while let Some(latencies) = tasks.join_next().await {
            all.append(&mut latencies??);
        }
        let elapsed = started.elapsed();
        all.sort_unstable();
        let percentile = |percent: usize| {
            let at = (all.len() * percent / 100).min(all.len().saturating_sub(1));
            all.get(at).copied().context("no request was answered")
        };
        Ok(Sample {
            requests: all.len(),
            per_second: all.len() as f64 / elapsed.as_secs_f64(),
            p50: percentile(50)?,
            p99: percentile(99)?,
        })
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(self.connector.connect(self.name.clone(), stream).await?)
    }

    fn request(&self, path: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "POST {path}?timeout=5s HTTP/1.1\r\nHost: {}\r\nUser-Agent: kube-apiserver-admission\r\n\
             Content-Length: {}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\
             Accept-Encoding: gzip\r\n\r\n",
            self.address,
            body.len()
        );
        [head.as_bytes(), body].concat()
    }
}

/// A refusal says until when its override would hold, so digits may differ.
fn same(answer: &[u8], first: &[u8]) -> bool {
    let mut pairs = answer.iter().zip(first);
    // The first comparison is quick: this thread shares the processors with the guard.
    answer == first
        || answer.len() == first.len()
            && pairs.all(|(a, b)| a == b || a.is_ascii_digit() && b.is_ascii_digit())
}

/// One connection's requests until the end; on a new connection each where none is given.
async fn repeat(
    client: Client,
    post: Post,
    mut kept: Option<TlsStream<TcpStream>>,
    end: Instant,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(1 << 15);
    let mut buffer = Vec::with_capacity(1 << 14);
    loop {
        let began = Instant::now();
        if began >= end {
            return Ok(latencies);
        }
        let mut fresh = None;
        let stream = match &mut kept {
            Some(stream) => stream,
            None => fresh.insert(client.connect().await?),
        };
        let answer = exchange(stream, &post.request, &mut buffer).await?;
        ensure!(
            same(answer, &post.answer),
            "another answer than the first time: {}",
            String::from_utf8_lossy(answer)
        );
        latencies.push(began.elapsed());
        if let Some(mut stream) = fresh {
            stream.shutdown().await?;
        }
    }
}

async fn exchange<'b>(
    stream: &mut TlsStream<TcpStream>,
    request: &[u8],
    buffer: &'b mut Vec<u8>,
) -> Result<&'b [u8]> {
    stream.write_all(request).await?;
    stream.flush().await?;
    buffer.clear();
    let end = loop {
        more(stream, buffer).await?;
        if let Some(head) = position(buffer, b"\r\n\r\n") {
            break head + 4;
        }
    };
    if !buffer.starts_with(b"HTTP/1.1 200 ") {
        bail!("answered {}", String::from_utf8_lossy(buffer));
    }
    let length = content_length(&buffer[..end]).context("an answer without a length")?;
    while buffer.len() < end + length {
        more(stream, buffer).await?;
    }
    Ok(&buffer[end..])
}

async fn more(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) -> Result<()> {
    ensure!(
        stream.read_buf(buffer).await? > 0,
        "the server closed the connection"
    );
    Ok(())
}

fn content_length(head: &[u8]) -> Option<usize> {
    let name = b"content-length: ";
    let value = &head[position(head, name)? + name.len()..];
    let digits = &value[..position(value, b"\r\n")?];
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window.eq_ignore_ascii_case(wanted))
}
