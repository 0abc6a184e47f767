//! The README's way into a cluster: pasted block by block, with the guard's program in the place of its pods.

use std::{collections::BTreeSet, fs};

use harness::{Cluster, ClusterOptions, Denial, Helm, Output, binaries::workspace, wait_until};

use crate::{
    beside::{Beside, PATIENCE},
    documented::blocks,
    outcome::{UPGRADE, takes_releases},
    stage::{checkout, run, run_and_wait, with_camunda},
};

const INSTALL: &str = "Install it in a cluster";

/// What a newcomer does first comes first. Each block of `sh` is pasted by a test: the first and the last by `demo/tests`, that of `check` by
/// `tests/cluster/checking.rs`, and the others below.
const BLOCKS: [(&str, usize); 4] = [
    ("# camunda-upgrade-guard", 1),
    ("Check an upgrade of yours", 1),
    (INSTALL, 3),
    ("See it stop Helm", 1),
];

fn readme() -> String {
    fs::read_to_string(workspace().join("README.md")).unwrap()
}

#[test]
fn every_block_of_the_readme_is_pasted_by_a_test() {
    let readme = readme();
    let blocks = |section: &str| section.matches("```sh\n").count();
    let sections = readme.split("\n## ").map(|section| {
        let heading = section.lines().next().unwrap();
        (heading, blocks(section))
    });
    let with_blocks: Vec<_> = sections.filter(|(_, count)| *count > 0).collect();
    assert_eq!(with_blocks, BLOCKS);
    // No other kind of block is there to be pasted.
    let fences = readme.lines().filter(|line| line.starts_with("```"));
    let opened: BTreeSet<_> = fences.filter(|line| line.len() > 3).collect();
    assert_eq!(opened, ["```console", "```sh"].into());
}

#[test]
fn the_readme_installs_it_with_audit_first_and_enforces_last() {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let cluster = &Cluster::start(ClusterOptions::default()).unwrap();
    let shell = checkout(cluster, Helm::V3);
    with_camunda(cluster, &shell);
    let blocks = blocks(&readme(), INSTALL);
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
