//! What several rules know of Camunda's releases.

pub(crate) mod authentication;
pub(crate) mod authorizations;
pub mod claims;
pub mod configuration;
pub mod credentials;
pub mod migration;
pub(crate) mod retention;
pub mod secrecy;
