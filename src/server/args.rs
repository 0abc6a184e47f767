//! What the server is told: its flags, and the limits that are not flags.

use std::net::SocketAddr;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Where to listen, with which certificate, and how to stop.
#[derive(Args, Clone, Debug)]
pub struct ServerArgs {
    /// Address and port of the webhook, over TLS
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "[::]:8443",
        env = "CAMUNDA_UPGRADE_GUARD_LISTEN"
    )]
    pub listen: SocketAddr,

    /// The certificate, unless somebody else keeps it.
    #[command(flatten)]
    pub files: Option<Files>,

    /// Address and port of /healthz, /readyz and /metrics, over plain HTTP
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "[::]:8080",
        env = "CAMUNDA_UPGRADE_GUARD_ADMIN_LISTEN"
    )]
    pub admin_listen: SocketAddr,

    /// Seconds to go on accepting after the order to stop, while the Service forgets this Pod
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "5",
        value_parser = seconds,
        env = "CAMUNDA_UPGRADE_GUARD_DRAIN_DELAY"
    )]
    pub drain_delay: Duration,

    /// Seconds that requests in flight then have to finish
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "20",
        value_parser = seconds,
        env = "CAMUNDA_UPGRADE_GUARD_DRAIN_TIMEOUT"
    )]
    pub drain_timeout: Duration,

    /// How long to wait for clients, and for how many.
    #[arg(skip)]
    pub limits: Limits,
}

/// Where the certificate and its key are.
#[derive(Args, Clone, Debug)]
pub struct Files {
    /// Certificate chain to serve, a PEM file; read again when it changes
    #[arg(
        long = "tls-cert",
        value_name = "FILE",
        env = "CAMUNDA_UPGRADE_GUARD_TLS_CERT",
        required = false,
        requires = "key"
    )]
    pub cert: PathBuf,

    /// Private key of the certificate, a PEM file
    #[arg(
        long = "tls-key",
        value_name = "FILE",
        env = "CAMUNDA_UPGRADE_GUARD_TLS_KEY",
        required = false,
        requires = "cert"
    )]
    pub key: PathBuf,
}

/// How long the server waits for its clients, and for how many at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the connection to the end of the TLS handshake.
    pub handshake_timeout: Duration,
    /// From the end of the handshake, or the first byte of a later request, to the end of the request's header.
    pub header_timeout: Duration,
    /// From one answer to the next request; longer than the 90 s that the API server keeps an idle connection.
    pub idle_timeout: Duration,
    /// From the end of the header to the answer, the body's transfer included; the API server waits 30 s at most.
    pub request_timeout: Duration,
    /// TLS connections open at once; for a further one the idlest is closed.
    pub connections: usize,
    /// Connections to the admin port open at once; for a further one the idlest is closed.
    pub admin_connections: usize,
    /// Like [`Limits::header_timeout`], on the admin port.
    pub admin_header_timeout: Duration,
    /// Like [`Limits::idle_timeout`], on the admin port, where no client counts on a kept connection.
    pub admin_idle_timeout: Duration,
    /// How bodies are received.
    pub bodies: BodyLimits,
    /// From one look at the certificate files to the next.
    pub reload_interval: Duration,
}

/// How fast request bodies must come, and how much memory they share.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Memory in bytes for all bodies above 16 KiB together, until their requests are answered.
    pub memory: usize,
    /// How long a body waits for memory.
    pub memory_timeout: Duration,
    /// Bytes a second that a peer must send.
    pub rate: u32,
    /// How far a body may lag behind this rate, and how long it may stand still.
    pub lag: Duration,
    /// The same while others wait for the body's memory, or for its connection's slot.
    pub lag_when_scarce: Duration,
}

fn seconds(text: &str) -> Result<Duration, ParseIntError> {
    text.parse().map(Duration::from_secs)
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(120),
            request_timeout: Duration::from_secs(30),
            connections: 1024,
            admin_connections: 64,
            admin_header_timeout: Duration::from_secs(2),
            admin_idle_timeout: Duration::from_secs(5),
            bodies: BodyLimits::default(),
            reload_interval: Duration::from_secs(2),
        }
    }
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            memory: 24 * 1024 * 1024,
            memory_timeout: Duration::from_secs(1),
            rate: 1024 * 1024,
            lag: Duration::from_secs(3),
            lag_when_scarce: Duration::from_millis(500),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        server: ServerArgs,
    }

    #[test]
    fn only_the_certificate_must_be_given() {
        let given = ["guard", "--tls-cert", "a.crt", "--tls-key", "a.key"];
        let args = Cli::try_parse_from(given).unwrap().server;
        assert_eq!(args.listen.to_string(), "[::]:8443");
        assert_eq!(args.admin_listen.to_string(), "[::]:8080");
        assert_eq!(args.drain_delay, Duration::from_secs(5));
        assert_eq!(args.drain_timeout, Duration::from_secs(20));
        assert_eq!(args.limits.connections, 1024);

        let missing = Cli::try_parse_from(&given[..3]).unwrap_err().to_string();
        assert!(missing.contains("--tls-key <FILE>"), "{missing}");
    }
}
