//! Keeps volumes when their claims go.

use serde_json::json;

use crate::{
    finding::{Kubectl, Objects},
    kubernetes::Kind,
};

/// The command that keeps volumes when their claims go, as the guide types it.
pub fn retain<'a>(volumes: impl IntoIterator<Item = &'a str>) -> Kubectl {
    let volumes = Objects::new(Kind::PersistentVolume, "", volumes);
    volumes.patch(json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}}))
}
