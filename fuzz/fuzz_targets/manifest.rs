//! A manifest is read within its limits, each document as Helm splits it, and what was read is read again from its JSON.
//! What `check` keeps parsed of it is what its own text says, whatever hooks stand between.

#![no_main]

use camunda_upgrade_guard::{
    change::Rendered,
    helm::manifest::{Budget, Document, Limits, split},
    input,
};
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
    if let Ok(read) = input::read("manifest", text.as_bytes().to_vec()) {
        let objects = |rendered: &Rendered| -> Vec<_> {
            let objects = rendered.objects.iter();
            objects.map(|it| it.object.0.clone()).collect()
        };
        let mut budget = Budget::default();
        let parsed = Rendered::of_parsed(&read.release, &read.parsed, None, &mut budget);
        let rendered = Rendered::of(&read.release, None);
        if rendered.unreadable.is_empty() {
            assert_eq!(objects(&parsed), objects(&rendered));
        }
    }
});
