//! docs/observability.md and the program tell of the same metrics and Events.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use camunda_upgrade_guard::events::Reason;
use harness::{Cluster, guard::metrics::samples};
use strum::VariantArray;

use crate::stage::configured;

const PREFIX: &str = "camunda_upgrade_guard_";

/// Its labels come from outside, so it is not there before something was found.
const LATER: &str = "camunda_upgrade_guard_release_findings_total";

fn section(title: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/observability.md");
    let text = fs::read_to_string(docs).unwrap();
    let (_, rest) = text.split_once(&format!("## {title}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The cells of each row of a section's table, below its head.
fn rows(title: &str) -> Vec<Vec<String>> {
    let section = section(title);
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    rows.map(cells).collect()
}

/// What stands in backquotes, without what follows in brackets.
fn names(cell: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut depth = 0;
    for (index, part) in cell.split('`').enumerate() {
        if index % 2 == 1 {
            if depth == 0 {
                names.insert(part.to_owned());
            }
        } else {
            depth += part.matches('(').count();
            depth -= part.matches(')').count();
        }
    }
    names
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_there() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let (mut options, _) = configured(cluster, "{}\n");
    options.register = false;
    let guard = cluster.guard(options).unwrap();
    let page = guard.metrics().unwrap();

    let shown = page.lines().filter_map(|line| {
        let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
        let total = if kind == "counter" { "_total" } else { "" };
        Some((format!("{name}{total}"), kind.to_owned()))
    });
    let shown: BTreeMap<_, _> = shown.collect();
    assert!(shown.keys().all(|name| name.starts_with(PREFIX)), "{page}");
    let mut documented = rows("Metrics");
    let all = documented.len();
    documented.retain(|row| row[0].trim_matches('`') != LATER);
    assert_eq!(documented.len(), all - 1);
    let kinds = documented
        .iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].clone()));
    assert_eq!(kinds.collect::<BTreeMap<_, _>>(), shown);

    for row in &documented {
        let (name, labels) = (row[0].trim_matches('`'), names(&row[2]));
        let values: BTreeSet<_> = row[2].split('`').skip(1).step_by(2).collect();
        for sample in samples(&page) {
            let own = sample.name.strip_prefix(name);
            if !matches!(own, Some("" | "_bucket" | "_sum" | "_count")) {
                continue;
            }
            let shown = sample.labels.iter().filter(|(key, _)| key != "le");
            assert_eq!(
                shown
                    .clone()
                    .map(|(key, _)| key.clone())
                    .collect::<BTreeSet<_>>(),
                labels,
                "{name}"
            );
            for (key, value) in shown {
                // Where values are listed, they are all.
                let listed = row[2].contains(&format!("`{key}` ("));
                assert!(
                    !listed || values.contains(&**value),
                    "{name}: {key}={value}"
                );
            }
        }
    }
    // What a rate has to see from the first time on.
    for sample in [
        "phase_seconds_count{phase=\"decode\"} 0",
        "overrides_total{outcome=\"used\"} 0",
        "events_total{outcome=\"failed\"} 0",
        "reviews_total{endpoint=\"validate\",verdict=\"refused\"} 0",
        "facts_errors_total{kind=\"Secret\",error=\"forbidden\"} 0",
    ] {
        assert!(
            page.contains(&format!("{PREFIX}{sample}\n")),
            "{sample}: {page}"
        );
    }
}

#[test]
fn every_reason_of_an_event_is_documented_and_every_documented_one_exists() {
    let documented = rows("Events")
        .into_iter()
        .map(|row| row[0].trim_matches('`').to_owned());
    let known = Reason::VARIANTS.iter().map(Reason::to_string);
    assert_eq!(documented.collect::<BTreeSet<_>>(), known.collect());
}
