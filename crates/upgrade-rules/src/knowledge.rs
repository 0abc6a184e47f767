//! Facts about Camunda's releases that several rules need.

pub(crate) mod authentication;
pub(crate) mod authorizations;
pub mod claims;
pub mod configuration;
pub mod credentials;
pub(crate) mod hub;
pub mod migration;
pub(crate) mod retention;
pub mod secrecy;
