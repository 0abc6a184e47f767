//! Kubernetes objects as JSON: what they are, how they are merged, and what of a workload is ready.

mod access;
pub mod json;
mod mounts;
mod object;
pub mod strategic;
pub mod workload;

pub use self::{
    access::Access,
    mounts::{Mounts, ordinal, replicas},
    object::*,
};
