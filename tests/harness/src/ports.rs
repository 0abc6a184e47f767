//! Ports for servers that a test starts.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::{Context, Result};

/// Below the ports that the kernel gives to connections, and to whoever binds to port 0: from there, somebody else may get a port between the
/// look at it and the start of its server. Node ports of Kubernetes begin above.
const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

static GIVEN: AtomicU16 = AtomicU16::new(0);

/// Returns different ports on which nobody listens now. None of them is given out again in this process.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    for port in &mut ports {
        *port = free_port().context("no free port")?;
    }
    Ok(ports)
}

/// Such ports of 127.0.0.1.
pub fn free_addresses<const N: usize>() -> Result<[SocketAddr; N]> {
    let ports = free_ports()?;
    Ok(ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
}

fn free_port() -> Option<u16> {
    // Other processes begin elsewhere.
    let offset = std::process::id().wrapping_mul(97) % u32::from(COUNT);
    let offset = u16::try_from(offset).ok()?;
    (0..COUNT).find_map(|_| {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (offset + given % COUNT) % COUNT;
        let free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
        free.then_some(port)
    })
}
