//! The text that a stand-in keeps among its data.

use std::path::PathBuf;

use crate::release::Release;

pub const BROKERS: &str = "camunda-zeebe";

/// Writes a pod's marker; returns the file.
#[track_caller]
pub fn written(release: &Release, set: &str, port: u16, ordinal: usize) -> PathBuf {
    let pod = format!("{set}-{ordinal}");
    let args = ["-X", "PUT", "-d", &text(ordinal)];
    let answer = release.ask(&pod, port, "/marker", &args).unwrap();
    assert_eq!(answer.0, 200, "{}", answer.1);
    let mounted = release.get("pod", &pod).unwrap();
    let claims = mounted["spec"]["volumes"].as_array().unwrap();
    let mut claims = claims
        .iter()
        .filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str());
    let claim = release.get("pvc", claims.next().unwrap()).unwrap();
    let volume = claim["spec"]["volumeName"].as_str().unwrap();
    let file = release.node.volume_dir(volume).unwrap().join("marker");
    assert!(file.exists());
    file
}

#[track_caller]
pub fn is_there(release: &Release, set: &str, port: u16, ordinal: usize) {
    let answer = release.ask(&format!("{set}-{ordinal}"), port, "/marker", &[]);
    assert_eq!(answer.unwrap(), (200, text(ordinal)), "{set}");
}

#[track_caller]
pub fn is_missing(release: &Release, set: &str, port: u16, ordinal: usize) {
    let answer = release.ask(&format!("{set}-{ordinal}"), port, "/marker", &[]);
    assert_eq!(answer.unwrap().0, 404, "{set}");
}

/// Each node has its own.
fn text(ordinal: usize) -> String {
    format!("indexed by {ordinal}")
}
