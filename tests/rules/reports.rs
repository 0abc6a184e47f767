//! How a report is printed, for people: nothing is lost, and nothing that a name holds can do harm.

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    change::{Change, Facts},
    denial::{self, Block},
    finding::{Action, Command, Finding, Fix, Flag, HereDocument, guide},
    kubernetes::{Kind, ObjectRef},
    look::Look,
    report::{Format, Outcome, Report},
    rules::{self, ValueFate, ValueKey},
    storage::{Fate, Storage, Store, Volume, Way},
    terminal::{is_shown, printable},
    touched::{Credential, Touched},
};
use clap::ValueEnum;
use harness::Corpus;
use serde_json::json;

use crate::{
    corpus_versions::{change, csi},
    scene::{Scene, claim, statefulset},
};

pub fn printed(report: &Report, format: Format, colour: bool) -> String {
    let mut out = Vec::new();
    let look = Look {
        width: None,
        colour,
    };
    report.write(format, look, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn report(change: Change, facts: &Facts) -> Report {
    let findings = rules::judge(&change, facts);
    let report = Report::new(change.clone(), findings, "tests/manifest/cases.json");
    let mut report = report.with_storage([(&change, facts)]);
    let note = "The values of the release that runs were not in the input.";
    report.notes.push(note.to_owned());
    report
}

/// Of one broken upgrade, of one with a gap, of one that nobody minds, and of whatever real charts bring.
pub fn reports() -> Vec<Report> {
    let labels = "app.kubernetes.io/component: elasticsearch-master";
    let release = "app.kubernetes.io/instance: camunda";
    let orphaned = Scene::upgrade("8.2.34", "8.3.1")
        .running(&statefulset("camunda-elasticsearch", "data", labels, 1))
        .live(&claim("data-camunda-elasticsearch-0", "Bound", release))
        .planned(&statefulset("camunda-es-master", "data", labels, 1));
    let (refused, facts) = orphaned.judged();
    let refused = report(refused, &facts);
    let (again, mut facts) = Scene::upgrade("8.3.1", "8.3.1").judged();
    let clean = report(again.clone(), &facts);
    facts.insert_gap("StatefulSet camunda-zeebe", "it may not be read");
    let unchecked = report(again, &facts);
    assert_eq!(
        [&refused, &clean, &unchecked].map(Report::outcome),
        [Outcome::Refused, Outcome::Clean, Outcome::Unchecked]
    );
    let mut reports = vec![refused, clean, unchecked, hostile()];
    if let Some(corpus) = Corpus::find() {
        let host = json!({"hostPath": {"path": "/var/data"}});
        for (from, to, source) in [
            ("8.0.12", "13.12.7-migration", &csi()),
            ("8.2.34", "8.3.1", &host),
            ("12.13.3-defaults", "13.12.7-identity", &host),
        ] {
            let (change, facts) = change(&corpus, from, to, "pending-upgrade", source);
            reports.push(report(change, &facts));
        }
        assert!(reports.last().unwrap().findings.len() > 5);
    }
    reports
}

/// Names that mean something to a terminal, to XML, to Markdown and to YAML.
pub fn hostile() -> Report {
    let (mut change, _) = Scene::upgrade("8.2.34", "8.3.1").judged();
    change.release = "a\u{1b}[2Jb".to_owned();
    let name =
        "]]>&<x y=\"1\">'|`\u{0}\u{7f}\u{9b}31m\r\n# ```\u{FFFE}\u{202e}\u{200b}ü\u{1F600}: - *_";
    let finding = |rule: &str, action| Finding {
        rule: rule.parse().unwrap(),
        action,
        title: format!("Title {name}"),
        objects: vec![ObjectRef::new(Kind::PersistentVolume, "", name)],
        why: vec![
            format!("Because of {name}"),
            format!("  {name}"),
            String::new(),
        ],
        fixes: vec![
            Fix::new(
                format!("Type {name}:"),
                vec![
                    Command::Shell(format!("echo '{name}'")),
                    Flag::set("a", name).into(),
                    Command::HereDocument(HereDocument {
                        command: "cat".to_owned(),
                        text: "```".to_owned(),
                    }),
                ],
            ),
            Fix::say("Nothing"),
        ],
        guide: guide::UPGRADING,
    };
    Report {
        change,
        findings: vec![
            finding("downgrade", Action::Deny),
            finding("downgrade", Action::Deny),
            finding("downgrade", Action::Warn),
            finding("backup-first", Action::Warn),
        ],
        source: format!("/tmp/{name}"),
        notes: vec![name.to_owned()],
        storage: hostile_storage(name),
        cured: hostile_storage(name),
        touched: hostile_names(name),
    }
}

fn hostile_names(name: &str) -> Touched {
    let credential = Credential {
        secret: ObjectRef::new(Kind::Secret, "prod", name),
        key: Some(name.to_owned()),
        before: [ObjectRef::new(Kind::Deployment, "prod", name)].into(),
        after: BTreeSet::new(),
        missing: true,
    };
    let value = ValueKey {
        key: name.to_owned(),
        fate: ValueFate::Moved,
        instead: Some(name.to_owned()),
    };
    Touched {
        credentials: vec![credential],
        values: vec![value],
    }
}

fn hostile_storage(name: &str) -> Storage {
    let way = |claim: &str| Way {
        claim: claim.to_owned(),
        phase: Some(name.to_owned()),
        workload: Some(ObjectRef::new(Kind::StatefulSet, "prod", name)),
    };
    let store = Store {
        namespace: "prod".to_owned(),
        volume: Some(Volume {
            name: format!("volume {name}"),
            size: Some(name.to_owned()),
            retained: None,
        }),
        before: Some(way(name)),
        after: Some(way("other")),
        fate: Fate::LeftBehind,
    };
    Storage {
        stores: vec![store],
        unseen: true,
    }
}

/// Without what colours a text.
fn plain(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        let (colour, rest) = part.split_once('m').unwrap();
        let known = |c: char| c == '[' || c == ';' || c.is_ascii_digit();
        assert!(colour.chars().all(known), "{colour:?}");
        text + rest
    })
}

/// What moves the cursor or turns the order of letters is not printed, whatever the format.
#[test]
fn no_format_holds_what_a_terminal_would_act_on() {
    for report in reports() {
        for format in Format::value_variants() {
            let text = printed(&report, *format, false);
            let acts = |c: char| !is_shown(c) && c != '\n' && c != '\t';
            let found = text.chars().find(|c| acts(*c));
            assert_eq!(found, None, "{format:?}: {text:?}");
        }
        let message = denial::message(&report.change, &report.findings).unwrap_or_default();
        assert_eq!(printable(&message), message);
        for warning in denial::warnings(&report.change, &report.findings) {
            assert_eq!(printable(&warning), warning);
        }
    }
}

/// The same words on a terminal of any width: sentences fit into it, and what is pasted or followed stays whole.
#[test]
fn a_terminal_gets_lines_of_its_width() {
    let words = |text: &str| -> Vec<_> { text.split_whitespace().map(str::to_owned).collect() };
    for report in reports() {
        let whole = printed(&report, Format::Text, false);
        let block = Block::of(&report.change, &report.findings);
        let script = block
            .map(|block| printable(&block.script))
            .unwrap_or_default();
        for width in [30, 60, 80, 120] {
            let mut out = Vec::new();
            let look = Look {
                width: Some(width),
                colour: false,
            };
            report.write(Format::Text, look, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            let signs = |words: Vec<String>| -> Vec<_> {
                words.into_iter().filter(|word| word != "#").collect()
            };
            assert_eq!(signs(words(&text)), signs(words(&whole)), "{width}: {text}");
            assert!(text.contains(&script), "{width}: {text}");
            let fixes = report.findings.iter().flat_map(|finding| &finding.fixes);
            let commands = fixes.flat_map(|fix| &fix.commands).map(Command::text);
            let typed = printable(&commands.collect::<Vec<_>>().concat()) + &script;
            for line in text.lines() {
                let said = line.trim_start_matches(['#', ' ']).trim_end_matches(" \\");
                let is_whole = typed.contains(said)
                    || !said.contains(' ')
                    || said.starts_with("camunda-upgrade-guard check ");
                let fits = line.chars().count() <= width;
                assert!(fits || is_whole, "{width}: {line:?}");
            }
        }
    }
}

#[test]
fn text_is_what_the_webhook_says_and_what_it_has_no_room_for() {
    for report in reports() {
        let text = printed(&report, Format::Text, false);
        let coloured = printed(&report, Format::Text, true);
        assert_eq!(plain(&coloured), text);
        let harmless = |c: char| !c.is_control() || c == '\n';
        assert!(text.chars().all(harmless), "{text:?}");
        if report.source.starts_with("/tmp") {
            continue;
        }
        let (change, findings) = (&report.change, &report.findings);
        let first = match denial::message(change, findings) {
            Some(message) => {
                assert!(coloured.starts_with("\u{1b}[1m\u{1b}[31m"), "{coloured:?}");
                message
            }
            None => {
                let line = "upgrade of release camunda (namespace prod) from camunda-platform 8.3.1 to 8.3.1: nothing stops it";
                assert_eq!(text.lines().next(), Some(line));
                line.to_owned()
            }
        };
        assert!(text.starts_with(&first), "{text}");
        let rest = &text[first.len()..];
        let joined: Vec<_> = rest.split_whitespace().collect();
        let joined = joined.join(" ");
        let warned = findings.iter().filter(|it| it.action == Action::Warn);
        for finding in warned {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let why = finding.why.iter().map(|line| words(line));
            for told in why.chain([words(&format!("Warning: {}", finding.title))]) {
                assert!(joined.contains(&told), "{told}: {rest}");
            }
            let commands = finding.fixes.iter().flat_map(|fix| &fix.commands);
            for command in commands {
                // In the block its functions are those of all.
                let command = command.text();
                let first = command.lines().next().unwrap();
                assert!(text.contains(first.trim_start_matches('(')), "{text}");
            }
        }
        // Prose is wrapped; a command is pasted and an address followed, so they stay whole.
        let fixes = findings.iter().flat_map(|finding| &finding.fixes);
        let commands = fixes.flat_map(|fix| &fix.commands).map(Command::text);
        let commands: Vec<_> = commands.collect();
        let typed: Vec<_> = commands.iter().flat_map(|text| text.lines()).collect();
        let is_typed = |line: &str| typed.contains(&line.trim().trim_end_matches(" \\"));
        let prose = rest.lines().filter(|line| !is_typed(line));
        assert!(
            prose
                .clone()
                .all(|line| line.chars().count() <= 100 || line.trim().starts_with("https://")),
            "{rest}"
        );
        assert!(joined.contains("Note: The values of the release"), "{rest}");
    }
}

#[test]
fn markdown_holds_all_of_it_and_breaks_at_nothing() {
    for report in reports() {
        let text = printed(&report, Format::Markdown, false);
        // As CommonMark reads fences: one is closed by a line of as many backticks.
        let (mut open, mut blocks): (Option<usize>, Vec<String>) = (None, Vec::new());
        let mut outside = Vec::new();
        for line in text.lines() {
            let ticks = line.len() - line.trim_start_matches('`').len();
            match open {
                Some(fence) if ticks >= fence && ticks == line.len() => open = None,
                Some(_) => *blocks.last_mut().unwrap() += &format!("{line}\n"),
                None if ticks >= 3 => {
                    assert!(["", "sh"].contains(&&line[ticks..]), "{line}");
                    open = Some(ticks);
                    blocks.push(String::new());
                }
                None => outside.push(line),
            }
        }
        assert_eq!(open, None, "{text}");
        let rows = outside
            .iter()
            .filter(|line| line.starts_with("| ") && !line.contains("Problem"));
        assert_eq!(rows.count(), report.findings.len(), "{text}");
        let headings = outside.iter().filter(|line| line.starts_with("### "));
        let block = Block::of(&report.change, &report.findings);
        let expected = report.findings.len() + 1 + usize::from(block.is_some());
        assert_eq!(headings.count(), expected, "{text}");
        assert!(!outside.iter().any(|line| line.contains("<x")), "{text}");
        if report.source.starts_with("/tmp") {
            continue;
        }
        if let Some(block) = block {
            let held = |held: &String| held.contains(&block.script);
            assert!(blocks.iter().any(held), "{text}");
        }
        let fixes = report.findings.iter().flat_map(|finding| {
            let denied = report
                .findings
                .iter()
                .filter(|it| it.action == Action::Deny);
            let typed = denied.flat_map(|it| &it.fixes);
            let typed: Vec<_> = typed.filter(|it| it.moment.cures()).collect();
            let told = move |fix: &&Fix| !typed.contains(fix);
            finding.fixes.iter().filter(told)
        });
        for command in fixes.flat_map(|fix| &fix.commands) {
            let held = |block: &String| block.contains(command.text().trim_end());
            assert!(blocks.iter().any(held), "{}: {text}", command.text());
        }
    }
}
