pub mod logging;
pub mod metrics;
pub mod server;
