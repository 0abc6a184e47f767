//! Keeps volumes when their claims go.

use crate::finding::shell;

/// What the guide types.
const RETAIN: &str = r#"{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}"#;

/// The command that keeps volumes when their claims go.
pub fn retain<'a>(volumes: impl IntoIterator<Item = &'a str>) -> String {
    let patch = ["kubectl", "patch", "pv"].into_iter();
    shell::command(patch.chain(volumes).chain(["-p", RETAIN]))
}
