//! Keeps volumes when their claims go.

use crate::{
    finding::{Kubectl, Objects},
    kubernetes::Kind,
    volume_move::amend,
};

/// The command that keeps volumes when their claims go, as the guide types it.
pub fn retain<'a>(volumes: impl IntoIterator<Item = &'a str>) -> Kubectl {
    let volumes = Objects::new(Kind::PersistentVolume, "", volumes);
    volumes.patch(amend::retain())
}
