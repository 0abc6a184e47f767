//! The control plane: it starts, provisions volumes, and goes.

use std::fs;
use std::time::Duration;

use harness::{StorageClass, cluster_or_skip, wait_until};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn the_policy_of_a_volume_decides_whether_its_files_survive_the_claim() {
    let cluster = cluster_or_skip!();
    let keeping = StorageClass::named("keeping").reclaim_policy("Retain");
    cluster.storage_class(&keeping).unwrap();
    let namespace = cluster.namespace("claims").unwrap();
    cluster.claim(&namespace, "deleted", None).unwrap();
    cluster.claim(&namespace, "kept", Some("keeping")).unwrap();

    let file_of = |claim: &str| {
        let volume = cluster.wait_bound(&namespace, claim).unwrap();
        let file = cluster.volume_dir(&volume).unwrap().join("data");
        fs::write(&file, claim).unwrap();
        file
    };
    let (deleted, kept) = (file_of("deleted"), file_of("kept"));
    cluster
        .kubectl(["delete", "pvc", "--all", "--namespace", &namespace])
        .ok()
        .unwrap();
    wait_until("the volume is deleted with its file", MINUTE, || {
        Ok((!deleted.exists()).then_some(()))
    })
    .unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), "kept");
}
