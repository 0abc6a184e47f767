//! A manifest is read within its limits, each document as Helm splits it, and what was read is read again from its JSON.

#![no_main]

use camunda_upgrade_guard::helm::manifest::{Budget, Document, Limits, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut budget = Budget::new(Limits {
        nodes: 20_000,
        ..Limits::default()
    });
    for document in split(text) {
        let _ = document.kind_hint();
        let Ok(Some(value)) = document.parse_within(&mut budget) else {
            continue;
        };
        let json = value.to_string();
        let again = Document::new(&json).parse();
        // JSON is YAML, but the limit for a key is YAML's.
        if let Ok(again) = again {
            assert_eq!(again.as_ref(), Some(&value), "{json}");
        }
    }
});
