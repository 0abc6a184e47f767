//! The guard on a real control plane, with the real Helm 3 and Helm 4.
//!
//! One program for all of it, so that all share one cluster and one guard.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod corpus_chain;
mod corpus_good;
mod corpus_upgrade;
mod cures;
mod denial;
mod mutations;
mod object_gate;
mod records;
mod release;
mod stage;
