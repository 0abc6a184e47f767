//! What the guard is compared with, other than the bare server: another build of it, or a webhook that runs already.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    str::FromStr,
};

use anyhow::{Context, Error, Result, ensure};
use axum::http::Uri;
use rustls::pki_types::ServerName;

/// What is put in the bare server's place.
#[derive(Clone, Debug)]
pub enum Against {
    /// Another build of the guard.
    Build(PathBuf),
    /// Any webhook; it gets the same bodies.
    Webhook(Uri),
}

impl FromStr for Against {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if !text.contains("://") {
            return Ok(Self::Build(text.into()));
        }
        let uri: Uri = text.parse()?;
        ensure!(
            uri.scheme_str() == Some("https"),
            "a webhook is at https://"
        );
        ensure!(uri.host().is_some(), "the address names no host");
        Ok(Self::Webhook(uri))
    }
}

impl std::fmt::Display for Against {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Build(program) => program.display().fmt(f),
            Self::Webhook(uri) => uri.fmt(f),
        }
    }
}

/// Where a webhook listens, and the name that its certificate must have.
pub fn place(uri: &Uri) -> Result<(SocketAddr, ServerName<'static>)> {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(443);
    let mut addresses = (host, port).to_socket_addrs()?;
    let address = addresses
        .next()
        .with_context(|| format!("{host} has no address"))?;
    let name = ServerName::try_from(host.to_owned())?;
    Ok((address, name))
}
