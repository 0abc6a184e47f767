//! Each rule with the change that it must stop and the nearest one that it must let pass, without a cluster.
//!
//! The proof that these changes are what Helm and the API server make of real charts is in `tests/cluster`.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod claims;
mod corpus;
mod credentials;
mod immutable;
mod left_behind;
mod missing;
mod scene;
mod sources;
mod values;
