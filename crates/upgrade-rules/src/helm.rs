//! Helm's traces on a cluster: release records, the manifests in them, and the user's values.

pub mod manifest;
pub mod release;
pub mod values;
