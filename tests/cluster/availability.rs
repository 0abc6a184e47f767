//! Replicas that come and go while reviews go on.

use std::time::Duration;

use harness::{Guard, wait_until};

use crate::{
    load::Load,
    replicas::{Replicas, cluster, options, until_called},
};

const PER_SECOND: u32 = 40;
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for so many reviews more.
fn more(load: &Load, count: u64) {
    let before = load.refused();
    wait_until("reviews", PATIENCE, || {
        Ok((load.refused() >= before + count).then_some(()))
    })
    .unwrap();
}

fn terminate(guard: &mut Guard<'_>) {
    let ended = guard.terminate(PATIENCE).unwrap();
    assert!(ended.success(), "{ended}: {}", guard.log());
    assert!(!guard.log().contains("stopped before all was finished"));
}

/// As a Deployment does it with maxUnavailable 0: a new one first, then one of the old is told to end. A drained node does the same to the
/// pods on it, one after the other for the disruption budget.
#[test]
fn no_review_is_lost_when_all_replicas_are_replaced() {
    let Some(cluster) = cluster() else {
        return;
    };
    let options = options(&cluster, "720h", "87600h");
    let mut replicas = Replicas::start(&cluster, &options, 2);
    let load = Load::start(&cluster, &replicas.namespace, PER_SECOND);
    more(&load, 100);
    for _ in 0..2 {
        replicas.add(&options);
        more(&load, 100);
        let mut old = replicas.guards.remove(0);
        terminate(&mut old);
        more(&load, 100);
    }
    let tally = load.end();
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
    assert!(tally.admitted > 0);
}

/// What a killed replica had begun nobody can finish, and the API server does not ask twice. But it says so, and what comes
/// after goes to the other one.
#[test]
fn a_killed_replica_takes_only_what_it_had_begun() {
    let Some(cluster) = cluster() else {
        return;
    };
    let options = options(&cluster, "720h", "87600h");
    let mut replicas = Replicas::start(&cluster, &options, 2);
    let load = Load::start(&cluster, &replicas.namespace, PER_SECOND);
    more(&load, 100);
    replicas.guards[0].kill();
    replicas.guards.remove(0);
    more(&load, 200);
    let tally = load.end();
    // Neither admitted nor refused by mistake: the webhook failed, which fails closed here.
    for wrong in &tally.wrong {
        assert!(wrong.contains("failed calling webhook"), "{wrong}");
    }
    eprintln!("{} of the killed one's were lost", tally.wrong.len());
    until_called(&cluster, &replicas.namespace);
    let load = Load::start(&cluster, &replicas.namespace, PER_SECOND);
    more(&load, 100);
    let tally = load.end();
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
}
