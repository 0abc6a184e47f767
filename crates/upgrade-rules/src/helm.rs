//! What Helm leaves on a cluster: records, the manifests in them, and the values that users gave.

pub mod manifest;
pub mod release;
pub mod values;
