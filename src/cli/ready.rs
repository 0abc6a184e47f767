//! `ready`: asks a guard whether it is ready, from where there is nothing but the guard's own program.

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;

use super::{show_line, waiting_for};
use crate::terminal::{Piece, Role};

/// Time limit for the connection, and again for the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Size limit of the answer, far above that of the page with the unmet conditions.
const PAGE: u64 = 64 * 1024;

/// Which guard.
#[derive(Args, Debug)]
pub struct ReadyArgs {
    /// Where its admin port is reached
    #[arg(value_name = "HOST:PORT", default_value = "localhost:8080")]
    address: String,
}

impl ReadyArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let address = &self.address;
        let _asking = waiting_for(format_args!("asking {address}"));
        let page = ask(address).with_context(|| format!("can't ask {address}"))?;
        let (head, body) = page.split_once("\r\n\r\n").unwrap_or((&page, ""));
        match head.split(' ').nth(1) {
            Some("200") => show_line(&[
                Piece::prose(&format!("{address} is ")),
                Piece::new(Role::Clean, body.trim()),
            ])?,
            Some("503") => bail!("{address} is not ready: {}", body.trim()),
            _ => bail!("{address} is no guard's admin port"),
        }
        Ok(())
    }
}

fn ask(address: &str) -> anyhow::Result<String> {
    let mut error = None;
    for resolved in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&resolved, PATIENCE) {
            Ok(stream) => return converse(stream, address),
            Err(refused) => error = Some(refused),
        }
    }
    Err(error.map_or_else(|| anyhow::anyhow!("the name has no address"), Into::into))
}

fn converse(mut stream: TcpStream, host: &str) -> anyhow::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut page = Vec::new();
    stream.take(PAGE).read_to_end(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
