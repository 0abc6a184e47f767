//! What must hold for any text.

use camunda_upgrade_guard::helm::manifest::{Document, KindHint, split};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Lines that mean something to YAML, so that random texts get past the first of them.
fn line() -> impl Strategy<Value = String> {
    let lines = [
        "kind: Secret",
        "kind: ConfigMap",
        "'kind': Job",
        "\"kind\": List # c",
        "kind : Pod",
        "kind:",
        "kind: \"a",
        "kind: 'a",
        "kind: [",
        "  kind: Pod",
        "? kind",
        ": Secret",
        "items:",
        "- kind: Pod",
        "a: |",
        "a: \"x",
        "y\"",
        "a: 'x",
        "y'",
        "a: {",
        "}",
        "b: [",
        "]",
        "x",
        "  y",
        "b: &a {kind: Pod}",
        "<<: *a",
        "*a : b",
        "!!str kind: Pod",
        "# kind: Pod",
        "",
        "   ",
        "---",
        "...",
        "data:",
        "  k: v",
        "- l",
        "%YAML 1.1",
        "\t",
        "a: >-",
        "kind: Stateful",
        "  Set",
    ];
    prop_oneof![8 => prop::sample::select(lines.to_vec()).prop_map(str::to_owned), 1 => ".{0,12}"]
}

fn json_value() -> impl Strategy<Value = Value> {
    let text = "[ -~é\n\t😀]{0,12}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text, inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_panics(text in any::<String>(), lines in prop::collection::vec(line(), 0..12)) {
        for text in [text, lines.join("\n"), lines.concat()] {
            let _ = Document::new(&text).parse();
            for document in split(&text) {
                let _ = (document.parse(), document.kind_hint());
            }
        }
    }

    #[test]
    fn a_hint_is_never_wrong(lines in prop::collection::vec(line(), 1..10), end in "\n|\r\n|\r|") {
        let text = lines.join(if end.is_empty() { "\n" } else { &end }) + &end;
        let document = Document::new(&text);
        if let (KindHint::Kind(hint), Ok(Some(value))) = (document.kind_hint(), document.parse()) {
            if let Some(kind) = value.get("kind") {
                prop_assert_eq!(kind, hint, "{:?}", text);
            }
            prop_assert!(value.get("items").is_none(), "{:?}", text);
        }
    }

    #[test]
    fn json_is_yaml(value in json_value()) {
        let parsed = Document::new(&value.to_string()).parse().unwrap();
        prop_assert_eq!(parsed.unwrap_or(Value::Null), value);
    }
}
