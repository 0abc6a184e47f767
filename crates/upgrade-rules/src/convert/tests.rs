//! Files that somebody has written oddly, or with intent.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn line(name: &str) -> &'static Line {
    Line::all().iter().find(|line| line.line == name).unwrap()
}

fn of(text: &str) -> Result<Conversion, FileError> {
    let file = File {
        name: "values.yaml".to_owned(),
        text: text.to_owned(),
    };
    convert(&[file], line("12"), line("13"))
}

fn converted(text: &str) -> String {
    of(text).unwrap().files.remove(0).text
}

fn decided(text: &str) -> Vec<String> {
    let told = of(text).unwrap().told.into_iter();
    let told = told.filter(|it| it.kind == Kind::Decide && it.place.is_some());
    told.map(|it| it.key).collect()
}

fn refused(text: &str) -> String {
    of(text).unwrap_err().to_string()
}

fn values(text: &str) -> Value {
    let body = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let read = crate::helm::manifest::Document::new(&body).parse();
    read.unwrap().unwrap_or_default()
}

#[test]
fn what_an_anchor_shares_is_left_to_a_person() {
    let shared = "zeebe: &all\n  pvcSize: 1Gi\n  image:\n    tag: 8.7.1\nours: *all\n";
    let new = converted(shared);
    // What both read can't go away for one of them.
    assert_eq!(new, shared);
    assert_eq!(decided(shared), ["zeebe.image.tag", "zeebe.pvcSize"]);

    let merged = "base: &base\n  pvcSize: 1Gi\nzeebe:\n  <<: *base\n  clusterSize: 5\n";
    let new = converted(merged);
    assert_eq!(values(&new)["orchestration"]["pvcSize"], "1Gi", "{new}");
    assert_eq!(values(&new)["orchestration"]["clusterSize"], "5", "{new}");

    let moved = "zeebeGateway:\n  contextPath: &path /zeebe\nours: *path\n";
    let new = converted(moved);
    assert_eq!(values(&new)["ours"], "/zeebe", "{new}");

    let aliased = "path: &path {restPort: 8088}\nzeebeGateway:\n  service: *path\n";
    assert_eq!(converted(aliased), aliased);
    assert_eq!(decided(aliased), ["zeebeGateway.service.restPort"]);
}

#[test]
fn what_stands_in_braces_is_typed_and_renamed_but_not_moved() {
    assert_eq!(
        converted("zeebe: {clusterSize: 5, pvcSize: 1Gi} # ours\n"),
        "orchestration: {clusterSize: \"5\", pvcSize: 1Gi} # ours\n"
    );
    let gateway = "zeebeGateway: {contextPath: /zeebe}\n";
    assert_eq!(converted(gateway), gateway);
    assert_eq!(decided(gateway), ["zeebeGateway.contextPath"]);
    let json = "{\"zeebe\": {\"clusterSize\": 5}, \"operate\": {\"contextPath\": \"/o\"}}\n";
    let new = converted(json);
    assert_eq!(values(&new)["orchestration"]["clusterSize"], "5", "{new}");
    assert_eq!(values(&new)["operate"]["contextPath"], "/o", "{new}");
    assert_eq!(decided(json), ["operate.contextPath"]);
}

#[test]
fn texts_of_several_lines_stay_what_they_are() {
    let text = "zeebeGateway:\n    contextPath: >-\n      /a\n\n      # no comment\n\n    service:\n      type: |+\n        x\n\n\nlast: 1\n";
    let new = converted(text);
    let service = &values(&new)["orchestration"];
    assert_eq!(service["contextPath"], "/a\n# no comment", "{new}");
    assert_eq!(service["service"]["type"], "x\n\n\n", "{new}");
    let quoted = "zeebeGateway:\n  contextPath: \"a\n    b\"\n";
    assert_eq!(
        values(&converted(quoted))["orchestration"]["contextPath"],
        "a b"
    );
}

#[test]
fn line_ends_and_marks_stay() {
    let new = converted(
        "\u{feff}# a\r\nzeebe:\r\n  clusterSize: 5\r\n  image: {tag: a}\r\noperate:\r\n  contextPath: /o\r\n",
    );
    assert!(
        new.starts_with("\u{feff}# a\r\norchestration:\r\n  clusterSize: \"5\"\r\n"),
        "{new:?}"
    );
    assert_eq!(
        new.matches('\n').count(),
        new.matches("\r\n").count(),
        "{new:?}"
    );
    // A last line without an end gets one where something comes after it.
    let new = converted("zeebeGateway:\n  contextPath: /zeebe");
    assert_eq!(new, "orchestration:\n  contextPath: /zeebe\n");
    assert_eq!(
        converted("zeebe:\n  pvcSize: 1Gi"),
        "orchestration:\n  pvcSize: 1Gi"
    );
    for empty in ["", "# nothing\n", "{}\n", "---\n", "null\n"] {
        assert_eq!(converted(empty), empty);
    }
    assert_eq!(
        converted("---\nzeebe:\n  pvcSize: 1Gi\n"),
        "---\norchestration:\n  pvcSize: 1Gi\n"
    );
}

#[test]
fn what_is_no_values_file_is_an_error_with_its_line() {
    for (text, because) in [
        ("a: 1\n---\nb: 2\n", "line 2: a second document begins"),
        ("a: 1\nb: 2\na: 3\n", "line 3: this key stands twice"),
        ("a:\n\tb: 1\n", "line 2"),
        ("a: [1\n", "line "),
        ("- a\n", "it holds no mapping"),
        ("a: 1\rb: 2\n", "line "),
        ("a: *b\n", "line 1"),
        ("a: \u{7}\n", "control character"),
    ] {
        let said = refused(text);
        assert!(
            said.starts_with("values.yaml is no values file: "),
            "{said}"
        );
        assert!(said.contains(because), "{text:?}: {said}");
    }
    let deep = "a: ".to_owned() + &"[".repeat(500) + &"]".repeat(500);
    assert!(
        refused(&deep).contains("nested deeper"),
        "{}",
        refused(&deep)
    );
    let nested: String = (0..300)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    assert!(refused(&nested).contains("nested deeper"));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
        d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    assert!(refused(bomb).contains("more than"), "{}", refused(bomb));
    assert!(refused(&format!("a: {}\n", "b".repeat(5 << 20))).contains("more than"));
}

#[test]
fn a_large_file_is_converted() {
    let long = "x".repeat(150);
    let labels: String = (0..5_000)
        .map(|at| format!("    label-{at}: \"value {at}{long}\" # {at}\n"))
        .collect();
    let text = format!(
        "operate:\n  env:\n    - name: A\nzeebe:\n  clusterSize: 5\n  podLabels:\n{labels}"
    );
    assert!(text.len() > 700_000);
    let new = converted(&text);
    assert!(new.contains("# 4999\n"));
    let found = values(&new);
    assert_eq!(found["orchestration"]["clusterSize"], "5");
    assert_eq!(
        found["orchestration"]["podLabels"]["label-4999"],
        format!("value 4999{}", "x".repeat(150))
    );
    assert_eq!(found["orchestration"]["env"][0]["name"], "A");
}

#[test]
fn the_new_key_wins_and_the_old_one_becomes_a_comment() {
    let text = "orchestration:\n  clusterSize: \"3\"\nzeebe:\n  # five\n  clusterSize: \"5\"\n  pvcSize: 1Gi\n";
    let new = converted(text);
    assert_eq!(
        new,
        "orchestration:\n  clusterSize: \"3\"\n  pvcSize: 1Gi\n# orchestration.clusterSize is set, so this is not read by chart 13:\n\
         # zeebe:\n#   # five\n#   clusterSize: \"5\"\n"
    );
    assert_eq!(converted(&new), new);
}

#[test]
fn what_has_no_place_does_not_get_there_with_others() {
    let text = "orchestration:\n  pvcSize: 1Gi\nzeebe:\n  image:\n    tag: a\n    registry: r\n";
    let new = values(&converted(text));
    assert_eq!(
        new["orchestration"]["image"],
        serde_json::json!({"registry": "r"})
    );
    // The headless Service's type is not that of the gateway's.
    let braces = "zeebe:\n  service: {type: ClusterIP}\n  pvcSize: 1Gi\n";
    let new = converted(braces);
    assert_eq!(
        new,
        "zeebe:\n  service: {type: ClusterIP}\norchestration:\n  pvcSize: 1Gi\n"
    );
    assert_eq!(decided(braces), ["zeebe.service.type"]);
    assert_eq!(
        (converted(&new), decided(&new)),
        (new.clone(), decided(braces))
    );
    let twice = "zeebe:\n  contextPath: {x: 1, z: 2}\nzeebeGateway:\n  contextPath: {x: 1, z: 2}\n";
    let new = converted(twice);
    let both = ["zeebeGateway.contextPath.x", "zeebeGateway.contextPath.z"];
    assert_eq!(decided(&new), both);
    assert_eq!(converted(&new), new);
    let lists = "zeebe:\n  env:\n  - name: A\noperate:\n  env:\n  - name: A\n";
    let new = converted(lists);
    assert_eq!(
        values(&new)["orchestration"]["env"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "{new}"
    );
    assert!(
        new.contains("# orchestration.env has all of this:"),
        "{new}"
    );
}

#[test]
fn a_report_of_a_file_shows_no_text_of_it() {
    let file = File {
        name: "values.yaml".to_owned(),
        text: "a: s3cret".to_owned(),
    };
    assert!(!format!("{file:?}").contains("s3cret"));
    let error = refused("a: \"s3cret\nb");
    assert!(!error.contains("s3cret"), "{error}");
}

/// Values below the keys that 13 moves, as people write them.
fn files() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("5".to_owned()),
        Just("\"5\"".to_owned()),
        Just("true".to_owned()),
        Just("''".to_owned()),
        Just("a b # c".to_owned()),
        Just("{x: 1, y: [2, 3]}".to_owned()),
        Just("[]".to_owned()),
        Just("|\n      a\n      # b\n".to_owned()),
        Just("\n    - name: A # one\n    - name: B".to_owned()),
        Just("\n    nested: 1\n    # last\n".to_owned()),
    ];
    let key = prop::sample::select(vec![
        "clusterSize",
        "env",
        "enabled",
        "service",
        "contextPath",
        "image",
        "configuration",
        "javaOpts",
        "ingress",
        "other",
    ]);
    let entry = (any::<bool>(), key, scalar).prop_map(|(comment, key, value)| {
        let above = if comment { "  # above\n" } else { "" };
        (
            key,
            format!("{above}  {key}: {}\n", value.trim_end_matches('\n')),
        )
    });
    let root = prop::sample::select(vec![
        "zeebe",
        "zeebeGateway",
        "operate",
        "tasklist",
        "orchestration",
        "postgresql",
        "connectors",
    ]);
    let roots = prop::collection::btree_map(root, prop::collection::vec(entry, 1..5), 1..6);
    roots.prop_map(|roots| {
        let mut text = String::from("# head\n\n");
        for (root, entries) in roots {
            text += &format!("{root}: # of {root}\n");
            let mut seen = std::collections::BTreeSet::new();
            for (key, entry) in entries {
                if seen.insert(key) {
                    text += &entry;
                }
            }
            text += "\n";
        }
        text
    })
}

/// How often each comment stands in a text, by its words.
fn comments(text: &str) -> std::collections::BTreeMap<&str, usize> {
    let mut found = std::collections::BTreeMap::new();
    for line in text.lines() {
        for (at, _) in line.match_indices("# ") {
            *found.entry(line[at + 2..].trim_end()).or_default() += 1;
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn nothing_is_lost_and_a_second_time_changes_nothing(text in files()) {
        let first = of(&text).unwrap();
        let new = &first.files[0].text;
        let kept = comments(new);
        for (comment, times) in comments(&text) {
            prop_assert!(kept.get(comment) >= Some(&times), "{comment}:\n{text}\n{new}");
        }
        prop_assert_eq!(&converted(new), new);
        // Each line of the user's is still there but for its key, its place and its quotes.
        let words = |text: &str| {
            let keys = ["zeebe", "operate", "tasklist", "orchestration", "postgresql", "webModelerPostgresql", "zeebeGateway"];
            let mut words: Vec<String> = text.split(|c: char| !c.is_ascii_alphanumeric())
                .filter(|word| !word.is_empty() && !keys.contains(word)).map(str::to_owned).collect();
            words.sort();
            words
        };
        let (mut left, all) = (words(new), words(&text));
        for word in all {
            let Some(at) = left.iter().position(|other| *other == word) else {
                // A key that another one takes the place of.
                prop_assert!(["enabled", "env"].contains(&word.as_str()), "{word}:\n{text}\n{new}");
                continue;
            };
            left.remove(at);
        }
    }
}
