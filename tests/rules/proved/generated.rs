//! Generated upgrades: those of the corpus and of this project's charts, and what else may be so before them.

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, FileFailurePersistence, RngAlgorithm, RngSeed},
};

use super::{
    cases,
    demands::{demand, findings},
    edits::any_edit,
};

/// The same cases on each machine; what failed once is kept and comes first.
fn config() -> Config {
    Config {
        cases: 64,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(20_261_130),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        max_shrink_iters: 60,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_printed_for_any_upgrade_stands(
        at in any::<Index>(),
        edits in prop::collection::vec(any_edit(), 1..4),
    ) {
        let all = cases::all();
        if !all.is_empty() {
            let mut case = at.get(all).clone();
            for edit in &edits {
                edit.apply(&mut case);
            }
            let demanded = demand(&case, &findings(&case));
            prop_assert!(demanded.is_ok(), "{} with {edits:?}: {}", case.of, demanded.unwrap_err());
        }
    }
}

#[test]
fn what_is_printed_for_each_real_upgrade_stands() {
    let faults: Vec<_> = cases::all()
        .iter()
        .filter_map(|case| {
            let error = demand(case, &findings(case)).err()?;
            Some(format!("{}: {error}", case.of))
        })
        .collect();
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
}
