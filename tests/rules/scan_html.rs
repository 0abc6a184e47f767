//! A scan as a page for a browser.

use camunda_upgrade_guard::{
    change::Gap,
    finding::{Command, RuleId},
    rules::Rule,
    scan::{Known, Problem, Row, Scan},
    terminal::printable,
};
use harness::markup::Page;

const NAME: &str = "</td><script>alert(1)</script> \u{1b}[2J & \"x\"";

fn known(line: &str, newest: &str) -> Known {
    Known {
        line: line.to_owned(),
        application: "8.7".to_owned(),
        newest: newest.to_owned(),
    }
}

fn problem(stops: bool, title: &str) -> Problem {
    Problem {
        rule: Some(RuleId::ClaimsOrphaned),
        stops,
        title: title.to_owned(),
        why: vec![
            "Because of this:".to_owned(),
            "  claim a".to_owned(),
            format!("  {NAME}"),
        ],
        objects: Vec::new(),
        cure: vec![Command::Shell(format!("echo '{NAME}'"))],
        documentation: None,
    }
}

/// A release that is stopped, one that is not, one that can't be read, and something unseen.
pub fn scan() -> Scan {
    let stopped = Row {
        namespace: "prod".to_owned(),
        release: "camunda".to_owned(),
        subchart: Some("bpm".to_owned()),
        revision: Some(3),
        status: "deployed".to_owned(),
        chart: Some("12.13.3".to_owned()),
        application: Some("8.7.1".to_owned()),
        line: Some(known("12", "12.13.4")),
        next: Some(known("13", "13.12.7")),
        support: Some("until 2026-10-13".to_owned()),
        unreadable: None,
        not_seen: Vec::new(),
        problems: vec![
            problem(true, "Claims would be left behind"),
            problem(true, NAME),
            problem(false, "Volumes have the policy Delete"),
        ],
    };
    let newest = Row {
        namespace: "test".to_owned(),
        next: None,
        problems: Vec::new(),
        ..stopped.clone()
    };
    let unreadable = Row {
        namespace: NAME.to_owned(),
        release: "broken".to_owned(),
        status: "failed".to_owned(),
        unreadable: Some("no gzip".to_owned()),
        ..Row::default()
    };
    Scan {
        all_listed: true,
        releases: vec![stopped, newest, unreadable],
        not_seen: vec![Gap::new(NAME, "forbidden")],
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_table_tells_each_release_s_verdict_and_what_stops_it() {
    let page = Page::parse(&scan().html()).unwrap();
    assert_eq!(page.foreign().into_iter().collect::<Vec<_>>(), [""; 0]);
    assert_eq!(page.loads(), [""; 0]);
    assert_eq!(page.dead_links(), [""; 0]);
    assert_eq!(
        page.texts("h1"),
        ["3 Camunda releases: 1 can't go to the next line today. Not all could be looked into."]
    );
    let cells = page.texts("td");
    for told in [
        "2 problems stop it; 1 risk",
        "no next line is known",
        "can't be read",
        "12 (Camunda 8.7.1)",
        "13.12.7 (Camunda 8.7)",
        "12.13.4",
        "until 2026-10-13",
        "3 (deployed)",
    ] {
        assert!(cells.iter().any(|cell| cell == told), "{told}: {cells:?}");
    }
    let stops = cells
        .iter()
        .find(|cell| cell.starts_with("Claims would be left behind"));
    assert!(stops.unwrap().contains(&printable(NAME)), "{stops:?}");
}

#[test]
fn all_of_a_release_is_told_below_the_table() {
    let page = Page::parse(&scan().html()).unwrap();
    let (text, typed) = (words(&page.text()), page.texts("pre"));
    let name = words(&printable(NAME));
    for told in [
        "prod/camunda (bpm)",
        "no gzip",
        "Because of this:",
        "What else should not stay so",
        &name,
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(text.contains(&format!("{name}: forbidden")), "{text}");
    for command in [
        format!("echo '{}'", printable(NAME)),
        "camunda-upgrade-guard plan camunda -n prod --to 13.12.7 --subchart bpm".to_owned(),
    ] {
        assert!(typed.contains(&command), "{command}: {typed:?}");
    }
    let rule = Rule::of(RuleId::ClaimsOrphaned).unwrap();
    assert!(page.links().contains(&format!("#rule-{}", rule.id)));
    assert!(text.contains("Nobody mounts them afterwards"), "{text}");
}

#[test]
fn the_verdict_of_a_scan_is_as_good_as_what_was_seen() {
    let verdict = |scan: Scan| {
        let page = Page::parse(&scan.html()).unwrap();
        (page.texts("p")[1].clone(), page.texts("h1")[0].clone())
    };
    let told = |word: &str, sentence: &str| (word.to_owned(), sentence.to_owned());
    assert_eq!(
        verdict(Scan::default()),
        told("Nothing to see", "No Camunda release was found.")
    );
    let mut clean = scan();
    clean.not_seen.clear();
    clean
        .releases
        .retain(|row| row.problems.is_empty() && row.unreadable.is_none());
    assert_eq!(
        verdict(clean.clone()),
        told("Nothing known stops an upgrade", "1 Camunda release.")
    );
    clean.not_seen = scan().not_seen;
    assert_eq!(
        verdict(clean),
        told(
            "Not all was seen",
            "1 Camunda release. Not all could be looked into."
        )
    );
}
