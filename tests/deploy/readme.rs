//! The README's way into a cluster: pasted block by block, with the guard's program in the place of its pods.

use harness::{Cluster, ClusterOptions, Denial, Helm, Output};

use crate::{
    beside::{Beside, PATIENCE},
    documented::blocks,
    outcome::{UPGRADE, takes_releases},
    stage::{checkout, run, run_and_wait, with_camunda},
};
use harness::{binaries::workspace, wait_until};

#[test]
fn the_readme_installs_it_with_audit_first_and_enforces_last() {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let cluster = &Cluster::start(ClusterOptions::default()).unwrap();
    let shell = checkout(cluster, Helm::V3);
    with_camunda(cluster, &shell);
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let blocks = blocks(&readme, "Install it in a cluster");
    let [install, look, enforce] = blocks.as_slice() else {
        panic!("{blocks:#?}");
    };
    let tested = run_and_wait(cluster, &shell, install);
    assert!(tested.stdout.contains("Succeeded"), "{}", tested.report());

    let guard = Beside::start(cluster);
    guard.behind_the_service();
    let dry = shell.run(&format!("{UPGRADE} --dry-run=server"));
    dry.unwrap().ok().unwrap();
    let admitted = shell.run(UPGRADE).unwrap();
    assert!(
        admitted.stderr.contains("Would be refused: "),
        "{}",
        admitted.report()
    );
    let seen = wait_until("an Event", PATIENCE, || {
        let seen = run(&shell, look);
        Ok(told(&seen).then_some(seen))
    });
    seen.unwrap();
    guard.kill();
    // In audit mode nothing waits for it.
    assert!(takes_releases(cluster));

    run_and_wait(cluster, &shell, enforce);
    assert!(!takes_releases(cluster));
    let guard = Beside::start(cluster);
    guard.behind_the_service();
    let denial = Denial::of(&shell.run(UPGRADE).unwrap());
    assert!(!denial.rules.is_empty());
}

fn told(events: &Output) -> bool {
    events.stdout.contains("WouldBeRefused")
        && events.stdout.contains("elasticsearch-claims-orphaned")
}
