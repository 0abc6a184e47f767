//! What only a node shows: pods that start, data that they read, logins, and the guard as a Deployment.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod brokers;
#[path = "../cluster/charts.rs"]
mod charts;
mod from_12;
mod from_8_2;
mod guard;
#[path = "../cluster/load.rs"]
mod load;
mod marker;
mod moving;
mod person;
mod planned;
mod postgresql;
mod reinstalling;
mod release;
mod stage;

use std::{env, process::ExitCode};

use harness::run_on_a_node;
use libtest_mimic::{Arguments, Trial};

/// A test, under its module's name and its own.
macro_rules! trials {
    ($($module:ident :: $test:ident),* $(,)?) => {
        vec![$(Trial::test(concat!(stringify!($module), "::", stringify!($test)), || {
            $module::$test();
            Ok(())
        })),*]
    };
}

/// What people do with their releases; side by side.
fn releases() -> Vec<Trial> {
    trials![
        from_8_2::without_a_guard_the_login_and_the_data_are_lost,
        from_8_2::what_the_guard_prints_keeps_the_login_and_the_data,
        from_12::what_the_guard_prints_takes_12_to_13,
        from_12::an_atomic_upgrade_that_fails_goes_back,
        from_12::a_migration_that_failed_is_not_cut_off,
        moving::rebind_waits_for_a_pod_that_is_terminating,
        brokers::the_printed_chown_lets_brokers_write_after_the_upgrade,
        brokers::the_printed_chown_lets_brokers_write_before_the_upgrade,
        brokers::an_fs_group_that_the_guard_sets_lets_brokers_write,
        planned::from_8_2_to_8_3,
        planned::from_12_to_14,
        postgresql::its_image_stays_by_the_printed_flag,
        postgresql::its_data_moves_by_the_printed_line,
        reinstalling::rescued_passwords_let_users_in_again,
    ]
}

/// What becomes of the guard's own pods; one after the other, and after all else.
fn replicas() -> Vec<Trial> {
    trials![
        guard::helm_test_passes,
        guard::no_review_is_lost_in_a_rolling_update,
        guard::no_review_is_lost_when_the_node_is_drained,
        guard::no_review_is_lost_when_the_configuration_changes,
        guard::no_review_is_lost_when_certificates_and_their_authority_change,
        guard::a_killed_container_takes_only_what_it_had_begun,
        guard::everything_comes_up_after_a_power_cut,
    ]
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if arguments.list {
        let all = releases().into_iter().chain(replicas()).collect();
        return libtest_mimic::run(&arguments, all).exit_code();
    }
    let ran = run_on_a_node(|programs| {
        stage::start(&programs);
        let first = libtest_mimic::run(&arguments, releases());
        arguments.test_threads = Some(1);
        let second = libtest_mimic::run(&arguments, replicas());
        if env::var_os("KEEP").is_some() {
            stage::keep();
        }
        match first.has_failed() || second.has_failed() {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        }
    });
    ran.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}
