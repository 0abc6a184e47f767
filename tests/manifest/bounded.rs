//! What a whole record may become in memory.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use camunda_upgrade_guard::{
    change::Rendered,
    helm::{
        manifest::{Budget, Cause, Document, Memory, count, objects, parsed_size},
        release::Release,
    },
};
use serde_json::{Value, json};

/// Memory of which so many bytes are free.
#[derive(Debug)]
struct Free {
    bytes: usize,
    granted: AtomicUsize,
}

impl Memory for Free {
    fn grant(&self, bytes: usize) -> bool {
        let granted = bytes <= self.bytes;
        if granted {
            self.granted.store(bytes, Ordering::Relaxed);
        }
        granted
    }
}

fn rendered(manifest: &str, config: &Value) -> Rendered {
    let release: Release = serde_json::from_value(json!({
        "name": "camunda", "namespace": "prod", "version": 1,
        "info": {"status": "pending-install"},
        "chart": {"metadata": {"name": "camunda-platform", "version": "8.3.1"}},
        "manifest": manifest, "config": config,
    }))
    .unwrap();
    Rendered::of(&release, None)
}

/// The last reason why something could not be read, and how many there are.
fn unread(rendered: &Rendered) -> (usize, &str) {
    let last = rendered.unreadable.last();
    (rendered.unreadable.len(), last.map_or("", String::as_str))
}

const REST: &str = "what follows in the manifest was not read";

#[test]
fn memory_is_asked_for_as_a_document_grows() {
    let parse = |items: usize, bytes: usize| {
        let free = Arc::new(Free {
            bytes,
            granted: AtomicUsize::new(0),
        });
        let mut budget = Budget::within(Arc::clone(&free) as Arc<dyn Memory>);
        let text = format!("[{}]", "a, ".repeat(items));
        let parsed = Document::new(&text).parse_within(&mut budget);
        let cause = parsed.err().map(|error| error.cause);
        assert_eq!(budget.is_spent(), cause.is_some());
        assert!(budget.bytes() <= free.granted.load(Ordering::Relaxed) || cause.is_some());
        cause
    };
    assert_eq!(parse(10_000, 4 << 20), None);
    assert_eq!(parse(20_000, 4 << 20), Some(Cause::NoMemory));
    assert_eq!(parse(1, 0), Some(Cause::NoMemory));
}

#[test]
fn what_is_kept_beside_a_document_counts() {
    let mut budget = Budget::default();
    assert_eq!(budget.take(100_000, 10), Ok(()));
    assert!(budget.take_json("[1, 2, {}]").is_ok() && !budget.is_spent());
    let error = budget.take(100_000, 10).unwrap_err();
    assert_eq!(error.cause, Cause::TooManyNodes(200_000));
    assert!(budget.is_spent());
}

#[test]
fn json_is_measured_before_it_is_parsed() {
    assert_eq!(parsed_size(b"\"a text\""), 0);
    let three = parsed_size(b"[1, 2, 3]");
    assert!(three > 0);
    assert!(parsed_size(b"[{}, {}, {}]") > 2 * three);
}

const MANY: &str = "its manifest holds more than 2000 objects";

#[test]
fn a_list_is_counted_before_its_objects_are_made() {
    let list = |items: usize| json!({"kind": "SecretList", "items": vec![json!({}); items]});
    for document in [list(0), list(3), json!({"kind": "Secret"}), json!([1, 2])] {
        assert_eq!(count(&document), objects(document).len());
    }

    let manifest = |items| format!("---\n{}\n---\nkind: ConfigMap\n", list(items));
    let few = rendered(&manifest(1000), &Value::Null);
    assert_eq!((few.objects.len(), unread(&few)), (1001, (0, "")));
    let many = rendered(&manifest(190_000), &Value::Null);
    assert_eq!((many.objects.len(), unread(&many)), (0, (1, MANY)));
}

#[test]
fn a_manifest_is_left_once_a_hundred_documents_are_broken() {
    let manifest = |broken| {
        let broken = "---\nkind: Secret\ndata: [\n".repeat(broken);
        format!("{broken}---\nkind: ConfigMap\napiVersion: v1\n")
    };
    let few = rendered(&manifest(99), &Value::Null);
    assert_eq!((few.objects.len(), few.unreadable.len()), (1, 99));
    let many = rendered(&manifest(100), &Value::Null);
    assert_eq!((many.objects.len(), unread(&many)), (0, (101, REST)));
}

#[test]
fn documents_that_nobody_reads_count_too() {
    let manifest = |count| format!("{}---\nkind: ConfigMap\n", "---\na\n".repeat(count));
    let few = rendered(&manifest(1999), &Value::Null);
    assert_eq!((few.objects.len(), unread(&few)), (1, (0, "")));
    let many = rendered(&manifest(2000), &Value::Null);
    assert_eq!((many.objects.len(), unread(&many)), (0, (1, MANY)));
}

#[test]
fn values_are_not_parsed_into_more_than_a_manifest_may_be() {
    let few = rendered("", &json!({"a": vec![0; 1000]}));
    assert!(few.values.get("a").is_some() && few.unreadable.is_empty());
    let many = rendered("", &json!({"a": vec![0; 200_001]}));
    assert!(many.values.get("a").is_none());
    assert_eq!(many.unreadable.len(), 1);
    assert!(many.unreadable[0].starts_with("the user's values: "));
    assert!(many.unreadable[0].ends_with("more than 200000 nodes"));
}
