//! Pages in a real browser: they show something on a light screen and on a dark one, complain of nothing, and keep nobody out.

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    html,
    report::{Format, Report},
};
use harness::{
    Corpus,
    browser::{Browser, Scheme},
};
use serde_json::{Value, json};

use crate::{
    plans_html::planned,
    reports::{hostile, printed, reports},
    scan_html::scan,
};

/// The longest of each kind, and one of hostile names.
fn pages() -> Vec<String> {
    let page = |report: &Report| printed(report, Format::Html, false);
    let all = reports();
    let longest = all.iter().map(page).max_by_key(String::len).unwrap();
    let mut pages = vec![longest, page(&hostile()), scan().html()];
    if let Some(corpus) = Corpus::find() {
        let (plan, data) = planned(&corpus, "8.2.34", "9.3.7");
        pages.push(html::plan(&plan, &data));
    }
    pages
}

#[test]
fn a_page_shows_something_and_complains_of_nothing() {
    let Some(browser) = Browser::find_or_skip() else {
        return;
    };
    for page in pages() {
        let mut grounds = BTreeSet::new();
        for scheme in [Scheme::Light, Scheme::Dark] {
            let shot = browser.show(&page, scheme).unwrap();
            assert_eq!(shot.console, [""; 0], "{page}");
            assert!(shot.colours.len() > 20, "{:?}", shot.colours);
            let (ground, count) = shot.colours[0];
            let others: usize = shot.colours.iter().skip(1).map(|it| it.1).sum();
            assert!(others * 100 > count, "{others} of {count}");
            let is_light = ground.iter().all(|part| *part > 200);
            assert_eq!(is_light, scheme == Scheme::Light, "{ground:?}");
            grounds.insert(ground);
        }
        assert_eq!(grounds.len(), 2);
    }
}

#[test]
fn a_page_keeps_nobody_out() {
    let Some(browser) = Browser::find_or_skip() else {
        return;
    };
    let mut drawn = 0;
    for page in pages() {
        for scheme in [Scheme::Light, Scheme::Dark] {
            let found = browser.accessibility(&page, scheme).unwrap();
            assert_eq!(found["dark"], scheme == Scheme::Dark);
            for complaint in ["violations", "faint", "loaded"] {
                assert_eq!(found[complaint], json!([]), "{complaint} in {page}");
            }
            // What lies behind the texts of a drawing is looked at apart.
            let undecided = texts(&found["undecided"]);
            let is_drawn = |it: &&str| it.starts_with("color-contrast: <text ");
            assert!(undecided.iter().all(is_drawn), "{undecided:#?}");
            drawn += found["drawn"].as_u64().unwrap();
            let passes = texts(&found["passes"]);
            for looked in ["color-contrast", "heading-order", "html-has-lang"] {
                assert!(passes.contains(&looked), "{looked}: {passes:?}");
            }
        }
    }
    assert!(drawn > 0);
}

/// A page as a printer gets it, for a browser that shows it.
fn on_paper(page: &str) -> String {
    let queries = [
        ("@media print", "@media all"),
        (
            "@media screen and (prefers-color-scheme: dark)",
            "@media not all",
        ),
    ];
    queries
        .iter()
        .fold(page.to_owned(), |page, (query, instead)| {
            assert_eq!(page.matches(query).count(), 1, "{query}");
            page.replace(query, instead)
        })
}

#[test]
fn paper_is_white_whatever_the_screen_is() {
    let Some(browser) = Browser::find_or_skip() else {
        return;
    };
    let paper = on_paper(&pages()[0]);
    let shot = browser.show(&paper, Scheme::Dark).unwrap();
    assert_eq!(shot.colours[0].0, [255; 3]);
    assert!(shot.colours.len() > 20, "{:?}", shot.colours);
    let found = browser.accessibility(&paper, Scheme::Dark).unwrap();
    for complaint in ["violations", "faint"] {
        assert_eq!(found[complaint], json!([]), "{complaint}");
    }
}

fn texts(found: &Value) -> Vec<&str> {
    let found = found.as_array().unwrap().iter();
    found.map(|text| text.as_str().unwrap()).collect()
}

/// What the other tests rely on.
#[test]
fn the_browser_sees_what_is_wrong() {
    let Some(browser) = Browser::find_or_skip() else {
        return;
    };
    let page = |body: &str| {
        format!("<!DOCTYPE html><html><head><title>a</title></head><body>{body}</body></html>")
    };
    let shot = browser.show(&page(""), Scheme::Light).unwrap();
    assert_eq!(shot.colours.len(), 1, "{:?}", shot.colours);
    assert_eq!(shot.console, [""; 0]);
    let shot = browser.show(&page("<script>console.error('no')</script>"), Scheme::Light);
    let console = shot.unwrap().console;
    assert_eq!(console.len(), 1, "{console:?}");
    let faint = page(
        "<p style=\"color: #ccc; background: #fff\">some text</p><svg><g><rect fill=\"#777\"/><text fill=\"#888\">a</text></g></svg>\
         <img src=\"http://example.test/a.png\" alt=\"\">",
    );
    let found = browser.accessibility(&faint, Scheme::Light).unwrap();
    let violations = texts(&found["violations"]).join("\n");
    for rule in ["color-contrast: <p ", "html-has-lang: "] {
        assert!(violations.contains(rule), "{violations}");
    }
    assert_eq!(texts(&found["faint"]).len(), 1, "{found:#}");
    assert_eq!(texts(&found["loaded"]), ["http://example.test/a.png"]);
}
