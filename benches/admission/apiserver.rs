//! Through a real API server: what the guard adds to the requests that are brought to it.

use crate::release::Releases;
use anyhow::Result;
use std::time::Duration;
pub const ID: &str = "api-server";
pub struct Added {
    pub what: String,
    pub without: Timed,
    pub with: Timed,
}
#[derive(Clone, Copy)]
pub struct Timed {
    pub requests: usize,
    pub p50: Duration,
    pub p99: Duration,
}
pub async fn measure(_releases: Option<&Releases>) -> Result<Vec<Added>> {
    Ok(Vec::new())
}
