//! A configuration is read or refused in words, and what is refused is never taken for another one.

#![no_main]

use camunda_upgrade_guard::policy::Policy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Policy::parse(text) {
        Ok(policy) => {
            // Any policy answers for any namespace and release.
            let _ = policy.mode("prod", "camunda");
            let _ = policy.mode("", text);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
