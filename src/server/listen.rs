//! Opens ports.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use super::ServerError;

/// Listens on the address that a flag has set.
pub(super) async fn on(
    address: SocketAddr,
    flag: &'static str,
) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |error| ServerError::Listen {
        address,
        flag,
        error,
    };
    let listener = bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Binds an address; `[::]` means every address, even on a node that was built without IPv6.
async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let error = match TcpListener::bind(address).await {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    if address.ip() == Ipv6Addr::UNSPECIFIED && has_no_ipv6().await {
        return TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await;
    }
    Err(error)
}

async fn has_no_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_err()
}
