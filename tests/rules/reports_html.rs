//! A report as a page for a browser: all of it is there, and nothing in a name is markup.

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    change::Operation,
    denial::{self, Block},
    finding::{Action, Command, Fix, Inputs, Moment, Upgrade},
    report::{Format, Report},
    terminal::printable,
};
use harness::markup::Page;

use crate::reports::{hostile, printed, reports};

fn page(report: &Report) -> Page {
    Page::parse(&printed(report, Format::Html, false)).unwrap()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands in a page of a text.
fn shown(text: &str) -> String {
    words(&printable(text).replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}"))
}

#[test]
fn a_page_is_of_known_markup_and_loads_nothing() {
    for report in reports() {
        let page = page(&report);
        assert_eq!(page.foreign(), BTreeSet::new());
        assert_eq!(page.loads(), [""; 0]);
        assert_eq!(page.dead_links(), [""; 0]);
    }
}

#[test]
fn names_stay_what_they_are() {
    let report = hostile();
    let page = page(&report);
    let text = words(&page.text());
    for finding in &report.findings {
        let lines = finding
            .why
            .iter()
            .chain([&finding.title])
            .filter(|line| !line.is_empty());
        for told in lines {
            assert!(text.contains(&shown(told)), "{told:?}: {text}");
        }
    }
    assert!(text.contains(&shown(&report.notes[0])));
    assert!(text.contains(&shown(&report.source)));
    for store in &report.storage.stores {
        let names = store.volume.iter().map(|volume| &volume.name);
        let claims = store.before.iter().map(|way| &way.claim);
        for name in names.chain(claims) {
            assert!(text.contains(&shown(name)), "{name:?}: {text}");
        }
    }
    assert!(!report.storage.stores.is_empty());
}

#[test]
fn the_verdict_comes_first_and_each_problem_has_its_rule_and_its_guide() {
    for report in reports() {
        let page = page(&report);
        let text = printed(&report, Format::Text, false);
        let first: Vec<_> = page.texts("h1");
        let headline = words(&first[0]);
        assert!(shown(&text).starts_with(&headline), "{headline}");
        let headings: Vec<_> = page.texts("h3").iter().map(|it| words(it)).collect();
        let links = page.links();
        for finding in &report.findings {
            let heading = format!("{}{}", shown(&finding.title), finding.rule);
            // Those that refuse are numbered.
            let is_it = |it: &String| {
                let numbered = it.split_once(". ").map_or("", |(_, rest)| rest);
                [numbered, it].contains(&&*heading)
            };
            assert!(headings.iter().any(is_it), "{heading}: {headings:?}");
            assert!(
                links.contains(&format!("#rule-{}", finding.rule)),
                "{links:?}"
            );
            let guide = finding.guide.address();
            assert!(
                guide.is_none_or(|guide| links.contains(&guide)),
                "{links:?}"
            );
            assert!(headings.contains(&finding.rule.to_string()), "{headings:?}");
        }
    }
}

#[test]
fn a_verdict_is_of_what_was_judged() {
    let word = |report: &Report| page(report).texts("p")[1].clone();
    let words: Vec<_> = reports()[..4].iter().map(word).collect();
    assert_eq!(
        words,
        [
            "Refused",
            "Nothing stops it",
            "Not all could be checked",
            "Refused"
        ]
    );
    let mut runs = hostile();
    runs.change.operation = Operation::Deployed;
    assert_eq!(word(&runs), "Something is wrong");
    assert!(page(&hostile()).text().contains("Claim afterwards"));
    assert!(!page(&runs).text().contains("Claim afterwards"));
    runs.findings.retain(|it| it.action != Action::Deny);
    assert_eq!(word(&runs), "Read the warnings");
    runs.findings.clear();
    assert_eq!(word(&runs), "Nothing is left to be done");
    assert!(page(&runs).text().contains("Where the data is"));
}

/// Of two problems one takes another upgrade, so that the other one's decision is no step.
fn another_way() -> Report {
    let mut report = hostile();
    report.findings.truncate(2);
    let upgrade = Upgrade {
        release: "camunda".to_owned(),
        namespace: "prod".to_owned(),
        version: Some("8.2.34".to_owned()),
        install: false,
        inputs: Inputs::Variables { values: true },
        timeout: None,
        flags: Vec::new(),
    };
    report.findings[0].fixes = vec![Fix::new("Take this one:", [Command::Upgrade(upgrade)])];
    report.findings[1].fixes = vec![Fix::say("Choose between two.")];
    report
}

/// The steps of the block have a box each, in their order; all else that can be typed stands somewhere.
#[test]
fn every_step_is_there() {
    for report in reports().into_iter().chain([another_way()]) {
        let page = page(&report);
        let blocks: Vec<_> = page.texts("pre").iter().map(|it| words(it)).collect();
        let text = words(&page.text());
        let has = |text: &str| blocks.iter().any(|block| block.contains(&shown(text)));
        let cures = denial::cures(&report.findings);
        let mut expected: Vec<String> = Vec::new();
        for cure in &cures {
            if cure.fixes.is_empty() {
                expected.push(format!(
                    "Decide: {}. No command cures this.",
                    shown(&cure.finding.title)
                ));
            }
            for fix in &cure.fixes {
                expected.push(shown(&fix.intro));
                assert!(
                    fix.commands.iter().all(|command| has(&command.text())),
                    "{fix:?}"
                );
            }
        }
        if let Some(block) = Block::of(&report.change, &report.findings) {
            assert!(has(&block.script), "{}", block.script);
            if let Some(upgrade) = block.upgrade {
                expected.push("Upgrade".to_owned());
                assert!(has(&upgrade.to_string()));
            }
            expected.push("See what is left to be done".to_owned());
        }
        let steps: Vec<_> = page.texts("label").iter().map(|it| words(it)).collect();
        assert_eq!(steps, expected);
        assert_eq!(page.count("input"), steps.len());
        for finding in &report.findings {
            let mut decisions = finding.fixes.iter();
            let is_told =
                |fix: &Fix| fix.moment != Moment::Decide || text.contains(&shown(&fix.intro));
            assert!(decisions.all(is_told), "{finding:?}");
            let elsewhere = finding.fixes.iter().filter(|fix| match fix.moment {
                Moment::Alternative | Moment::OnPurpose => true,
                _ => finding.action != Action::Deny,
            });
            for line in elsewhere
                .flat_map(|fix| &fix.commands)
                .map(ToString::to_string)
            {
                let typed = line.lines().all(|line| has(line.trim_start_matches("# ")));
                assert!(typed, "{line}: {blocks:#?}");
            }
        }
    }
}

/// A drawing is for who can see it; the table tells the same.
#[test]
fn what_is_drawn_is_told() {
    let (mut drawn, mut cures) = (0, 0);
    for report in reports() {
        let page = page(&report);
        let [now, cured] = [&report.storage, &report.cured].map(|it| &it.stores);
        let drawings = usize::from(!now.is_empty()) + usize::from(!now.is_empty() && now != cured);
        assert_eq!(page.count("svg"), drawings);
        if drawings == 0 {
            continue;
        }
        cures += drawings - 1;
        let (pictured, cells) = (page.texts("title"), page.texts("td"));
        for store in now.iter().chain(cured) {
            let ways = [&store.before, &store.after].into_iter().flatten();
            let claims = ways.clone().map(|way| shown(&way.claim));
            let workloads = ways.filter_map(|way| way.workload.as_ref());
            let workloads = workloads.map(|workload| shown(&workload.name));
            let volumes = store.volume.iter().map(|volume| shown(&volume.name));
            for name in claims.chain(workloads).chain(volumes) {
                assert!(pictured.iter().any(|it| words(it) == name), "{name}");
                assert!(cells.iter().any(|it| words(it).contains(&name)), "{name}");
            }
            assert!(cells.iter().any(|it| it == store.fate.told()));
            drawn += 1;
        }
    }
    assert!(drawn > 1 && cures > 0, "{drawn}, {cures}");
}
