//! What only a node shows: pods that start, data that they read, logins, and the guard as a Deployment.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod from_12;
mod from_8_2;
mod marker;
mod person;
mod reinstalling;
mod release;
mod stage;

use std::process::ExitCode;

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

fn trials() -> Vec<Trial> {
    trials![
        from_8_2::without_a_guard_the_login_and_the_data_are_lost,
        from_8_2::what_the_guard_prints_keeps_the_login_and_the_data,
        from_12::what_the_guard_prints_takes_12_to_13,
        reinstalling::rescued_passwords_let_users_in_again,
    ]
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials()).exit_code();
    }
    let ran = run_on_a_node(|programs| {
        stage::start(&programs);
        let conclusion = libtest_mimic::run(&arguments, trials());
        if std::env::var_os("KEEP").is_some() {
            stage::keep();
        }
        conclusion.exit_code()
    });
    ran.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}
