//! A plan as a page for a browser (`CAMUNDA_CORPUS`).

use camunda_upgrade_guard::{
    change::Rendered,
    finding::Command,
    forecast::InstalledRelease,
    html,
    plan::{Means, Plan},
    storage::{Fate, Storage},
    terminal::printable,
};
use harness::{Corpus, markup::Page};

use crate::corpus_volumes::{live, newest, release};

/// A plan of a real release, and where its data is on the way.
pub fn planned(corpus: &Corpus, from: &str, to: &str) -> (Plan, Vec<Storage>) {
    let running = Rendered::of(&release(corpus, from, "deployed"), None);
    let standing = InstalledRelease::of("camunda", "camunda", running.clone()).unwrap();
    let facts = live(&running);
    let means = Means {
        chart: "camunda/camunda-platform".to_owned(),
        values: vec!["values.yaml".to_owned()],
        ..Means::default()
    };
    let to = to.parse().unwrap();
    let plan = Plan::of(&standing, &facts, &to, means, &newest()).unwrap();
    let data = html::data(&plan, &standing, &facts);
    (plan, data)
}

fn words(text: &str) -> String {
    let text: Vec<_> = text.split_whitespace().collect();
    printable(&text.join(" "))
}

#[test]
fn each_step_has_a_box_and_its_commands() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    for (from, to) in [("8.0.12", "8.3.1"), ("12.13.3-defaults", "13.12.7")] {
        let (plan, data) = planned(&corpus, from, to);
        let page = Page::parse(&html::plan(&plan, &data)).unwrap();
        assert_eq!(page.foreign().into_iter().collect::<Vec<_>>(), [""; 0]);
        assert_eq!(page.loads(), [""; 0]);
        assert_eq!(page.dead_links(), [""; 0]);
        assert_eq!(page.texts("h1"), [format!("{}.", plan.title())]);
        assert_eq!(page.count("svg"), plan.hops.len());
        let steps: Vec<_> = plan.hops.iter().flat_map(|hop| &hop.steps).collect();
        let titles: Vec<_> = steps.iter().map(|step| words(&step.title)).collect();
        let boxes: Vec<_> = page.texts("label").iter().map(|it| words(it)).collect();
        assert_eq!(boxes, titles);
        assert_eq!(page.count("input"), titles.len());
        let (text, typed) = (words(&page.text()), page.texts("pre"));
        let has = |command: &Command| {
            let command = printable(&command.text());
            typed.iter().any(|block| block.contains(&command))
        };
        for step in steps {
            for why in &step.why {
                assert!(text.contains(&words(why)), "{why}");
            }
            for command in &step.commands {
                let is_there = match command {
                    Command::Ask(said) | Command::Manual(said) => text.contains(&words(said)),
                    command => has(command),
                };
                assert!(is_there, "{command:?}");
            }
        }
        for hop in &plan.hops {
            assert!(text.contains(&hop.title()) && text.contains(&hop.down()));
            for note in hop.notes() {
                assert!(text.contains(&words(&note)), "{note}");
            }
            assert!(!hop.back.is_empty());
            for fix in &hop.back {
                assert!(text.contains(&words(&fix.intro)), "{fix:?}");
                assert!(fix.commands.iter().all(has), "{fix:?}");
            }
            for know in &hop.know {
                assert!(text.contains(&words(&know.title)), "{know:?}");
                assert!(page.links().contains(&format!("#rule-{}", know.rule)));
            }
        }
    }
}

/// A plan's own steps keep all data, and each upgrade finds what the one before has left.
#[test]
fn data_is_followed_through_all_upgrades() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    for (from, to, moved) in [
        ("8.0.12", "8.3.1", 2),
        ("8.2.34", "12.13.3", 2),
        ("12.13.3-defaults", "13.12.7", 0),
    ] {
        let (plan, data) = planned(&corpus, from, to);
        assert_eq!(data.len(), plan.hops.len());
        let mut handed_over = 0;
        for (hop, storage) in plan.hops.iter().zip(&data) {
            assert!(!storage.stores.is_empty());
            for store in &storage.stores {
                assert!(!store.fate.is_loss(), "{}: {store:?}", hop.title());
                handed_over += usize::from(store.fate == Fate::HandedOver);
            }
        }
        assert_eq!(handed_over, moved, "{from} to {to}");
        // The first step retains all volumes, which all later upgrades find.
        let volumes = data.iter().skip(1).flat_map(|storage| &storage.stores);
        let mut volumes = volumes.filter_map(|store| store.volume.as_ref());
        assert!(volumes.all(|volume| volume.retained == Some(true)));
        for pair in data.windows(2) {
            let mounted = |storage: &Storage, after: bool| {
                let ways = storage
                    .stores
                    .iter()
                    .map(|it| if after { &it.after } else { &it.before });
                let ways = ways.flatten().filter(|way| way.workload.is_some());
                let mut claims: Vec<_> = ways.map(|way| way.claim.clone()).collect();
                claims.sort();
                claims
            };
            assert_eq!(mounted(&pair[0], true), mounted(&pair[1], false));
        }
    }
}
