use super::*;
use crate::{camunda::Line, finding::guide, kubernetes::Object};

fn finding(rule: &'static str, action: Action) -> Finding {
    Finding {
        rule: rule.parse().unwrap(),
        action,
        title: "Something".to_owned(),
        objects: Vec::new(),
        why: Vec::new(),
        fixes: Vec::new(),
        guide: guide::UPGRADING,
    }
}

fn actions(policy: &str, namespace: &str, release: &str) -> Vec<(&'static str, Action)> {
    let policy = Policy::parse(policy).unwrap();
    let found = vec![
        finding("downgrade", Action::Deny),
        finding("backup-first", Action::Warn),
    ];
    let counted = policy.apply(namespace, release, found);
    counted
        .iter()
        .map(|finding| (finding.rule.name(), finding.action))
        .collect()
}

#[test]
fn a_rule_counts_as_it_is_set() {
    assert_eq!(
        actions("", "prod", "camunda"),
        [("downgrade", Action::Deny), ("backup-first", Action::Warn)]
    );
    let file = "rules: {downgrade: warn, backup-first: off}";
    assert_eq!(
        actions(file, "prod", "camunda"),
        [("downgrade", Action::Warn)]
    );
    let file = "rules: {backup-first: deny}";
    assert_eq!(actions(file, "prod", "camunda")[1].1, Action::Deny);
}

#[test]
fn the_last_scope_that_fits_wins() {
    let file = "
mode: audit
scopes:
- {namespaces: [prod-*], mode: enforce}
- {namespaces: ['*-eu'], releases: [camunda], rules: {downgrade: off}}
- {namespaces: [prod-eu], rules: {downgrade: warn}}
";
    assert_eq!(actions(file, "dev", "camunda")[0].1, Action::Audited);
    assert_eq!(actions(file, "prod-us", "camunda")[0].1, Action::Deny);
    assert_eq!(
        actions(file, "dev-eu", "camunda"),
        [("backup-first", Action::Warn)]
    );
    assert_eq!(actions(file, "dev-eu", "other")[0].1, Action::Audited);
    assert_eq!(
        actions(file, "prod-eu", "camunda")[0],
        ("downgrade", Action::Warn)
    );
}

#[test]
fn what_is_not_known_is_named_with_its_line() {
    for (file, key, line) in [
        ("mode: audit\nrule: {}\n", "rule", "line 2"),
        (
            "rules:\n  downgrades: off\n",
            "at rules.downgrades: ",
            "line 2",
        ),
        ("rules:\n  downgrade: never\n", "never", "line 2"),
        ("mode: loud\n", "loud", "line 1"),
        ("retainVolumes:\n", "expected one of", "line 1"),
        ("scopes:\n- mode:\n", "expected one of", "line 2"),
        (
            "newestPatches:\n  \"12\": 12.1.0\n  \"77\": 77.0.0\n",
            "77",
            "line 3",
        ),
        (
            "newestPatches:\n  \"12\": 13.1.0\n",
            "no patch of line 12",
            "line 2",
        ),
        (
            "newestPatches:\n  \"12\": 12.x\n",
            "no chart version",
            "line 2",
        ),
        ("mode: audit\nguarded:\n- {}\n", "names nothing", "line 3"),
        ("guarded:\n- chart: [a]\n", "chart", "line 2"),
        (
            "scopes:\n- namespaceLabel: {a: b}\n",
            "at scopes[0].namespaceLabel: ",
            "line 2",
        ),
    ] {
        let error = Policy::parse(file).unwrap_err().to_string();
        assert!(
            error.contains(key) && error.contains(line),
            "{file}: {error}"
        );
    }
}

#[test]
fn a_pattern_is_a_name_with_stars() {
    for (pattern, name, fits) in [
        ("prod", "prod", true),
        ("prod", "prod-1", false),
        ("prod-*", "prod-1", true),
        ("*-eu", "prod-eu", true),
        ("*d-*", "prod-eu", true),
        ("*", "", true),
        ("a*b", "ab", true),
        ("a*b", "abc", false),
    ] {
        assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
    }
}

#[test]
fn off_says_nothing() {
    let file = "scopes: [{namespaces: [dev], mode: off}]";
    assert_eq!(actions(file, "dev", "camunda"), []);
    assert_eq!(actions(file, "prod", "camunda").len(), 2);
    assert_eq!(
        Policy::parse(file).unwrap().mode("dev", "camunda"),
        Mode::Off
    );
}

#[test]
fn a_scope_with_labels_counts_only_among_them() {
    let file = "
scopes:
- {namespaceLabels: {team: sand*, stage: dev}, rules: {downgrade: off}}
- {namespaceLabels: {team: sandbox}, releases: [other], mode: audit}
";
    let policy = Policy::parse(file).unwrap();
    let found = || vec![finding("downgrade", Action::Deny)];
    assert_eq!(policy.apply("a", "camunda", found()).len(), 1);
    let labels = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        pairs.collect::<BTreeMap<_, _>>()
    };
    for (pairs, left) in [
        (&[][..], 1),
        (&[("team", "sandbox")], 1),
        (&[("team", "sandbox"), ("stage", "prod")], 1),
        (&[("team", "sandbox"), ("stage", "dev")], 0),
        (&[("team", "sandbox"), ("stage", "dev"), ("more", "")], 0),
    ] {
        let among = policy.among(&labels(pairs));
        assert_eq!(
            among.apply("a", "camunda", found()).len(),
            left,
            "{pairs:?}"
        );
    }
    let among = policy.among(&labels(&[("team", "sandbox")]));
    assert_eq!(among.mode("a", "other"), Mode::Audit);
    assert_eq!(among.mode("a", "camunda"), Mode::Enforce);
}

#[test]
fn labels_are_asked_for_only_where_a_scope_needs_them() {
    let file =
        "scopes: [{namespaces: [a], mode: off}, {namespaces: ['b-*'], namespaceLabels: {team: x}}]";
    let policy = Policy::parse(file).unwrap();
    for (namespace, asks) in [("a", false), ("b-1", true), ("", false)] {
        assert_eq!(policy.asks_labels(namespace), asks, "{namespace:?}");
    }
}

#[test]
fn the_newest_patches_are_those_that_are_set() {
    let line = |name: &str| Line::all().iter().find(|line| line.line == name).unwrap();
    let policy = Policy::parse("newestPatches: {\"8.2\": 8.2.90, 12: 12.90.0}").unwrap();
    let patches = &policy.newest_patches;
    assert_eq!(patches.of(line("8.2")).version, "8.2.90");
    assert_eq!(patches.of(line("12")).version, "12.90.0");
    assert_eq!(patches.of(line("12")).date, None);
    assert_eq!(
        patches.of(line("13")).version,
        line("13").newest_patch.version
    );
    assert!(patches.is_after(&"12.89.9".parse().unwrap(), line("12")));
    assert!(!patches.is_after(&"12.90.0".parse().unwrap(), line("12")));
}

#[test]
fn a_guarded_release_is_what_all_names_of_an_entry_fit() {
    let file = "guarded: [{charts: [acme-*]}, {namespaces: [prod], releases: [engine]}]";
    let policy = Policy::parse(file).unwrap();
    for (chart, namespace, release, fits) in [
        (Some("acme-bpm"), "dev", "x", true),
        (None, "dev", "x", false),
        (Some("other"), "prod", "engine", true),
        (None, "prod", "engine", true),
        (None, "prod", "shop", false),
        (None, "dev", "engine", false),
    ] {
        let mut guarded = policy.guarded.iter();
        let found = guarded.any(|it| it.fits(chart, namespace, release));
        assert_eq!(found, fits, "{chart:?} {namespace} {release}");
    }
    let object =
        |label: &str| Object(serde_json::json!({"metadata": {"labels": {"helm.sh/chart": label}}}));
    for (label, chart) in [
        ("acme-bpm-1.2.3", "acme-bpm"),
        ("acme-8-bpm-12.0.0-alpha1_5", "acme-8-bpm"),
        ("acme-8-bpm", "acme-8-bpm"),
        ("acme", "acme"),
    ] {
        assert_eq!(chart_label(&object(label)), Some(chart));
    }
}
