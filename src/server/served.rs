//! The certificate that is served, exchanged while connections come in.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The pair that new connections are given; none until there is a first one.
#[derive(Debug, Default)]
pub struct Served(ArcSwapOption<CertifiedKey>);

impl Served {
    /// From now on new connections are given this pair.
    pub fn exchange(&self, pair: Arc<CertifiedKey>) {
        self.0.store(Some(pair));
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}
