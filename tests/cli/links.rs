//! A link in the documentation leads to a page that is there, and to a section of it. No page is left out of the book.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page's headings, as a browser's address names them, and where it leads.
#[derive(Default)]
struct Page {
    anchors: BTreeSet<String>,
    links: Vec<String>,
}

/// How GitHub and mdBook call a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.trim().to_lowercase();
    let kept = heading.chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect()
}

fn page(text: &str) -> Page {
    let mut page = Page::default();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap());
                let mut number = 0;
                let mut unique = anchor.clone();
                while !page.anchors.insert(unique) {
                    number += 1;
                    unique = format!("{anchor}-{number}");
                }
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.into_string());
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    page
}

/// A path without `.` and `..`.
fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(resolved.pop(), "{}", path.display()),
            Component::CurDir => {}
            part => resolved.push(part),
        }
    }
    resolved
}

/// All pages below the folders where there are some, from the root.
fn pages() -> BTreeMap<PathBuf, Page> {
    let mut pages = BTreeMap::new();
    for folder in ["", "docs", "docs/rules", "deploy/chart", "tests/charts"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "md") {
                let text = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(root()).unwrap().to_owned();
                pages.insert(name, page(&text));
            }
        }
    }
    pages
}

/// What is wrong with a link, if anything is.
fn fault(pages: &BTreeMap<PathBuf, Page>, from: &Path, link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let (file, section) = link.split_once('#').unwrap_or((link, ""));
    let to = match file {
        "" => from.to_owned(),
        file => resolved(&from.parent().unwrap().join(file)),
    };
    let complain = |why: &str| Some(format!("{}: {link} {why}", from.display()));
    if !root().join(&to).exists() {
        return complain("is not there");
    }
    if from.starts_with("docs") && !to.starts_with("docs") {
        return complain("is not in the book");
    }
    let has = |page: &Page| page.anchors.contains(section);
    match section {
        "" => None,
        _ if pages.get(&to).is_some_and(has) => None,
        _ => complain("has no such section"),
    }
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut links = 0;
    let mut faults = Vec::new();
    for (from, page) in &pages {
        links += page.links.len();
        let found = page
            .links
            .iter()
            .filter_map(|link| fault(&pages, from, link));
        faults.extend(found);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(links > 200, "{links}");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let pages = pages();
    let from = Path::new("docs/gitops.md");
    let fault = |link| fault(&pages, from, link);
    assert_eq!(fault("pipelines.md#argo-cd"), None);
    assert_eq!(fault("#flux"), None);
    for (link, why) in [
        ("no-such-page.md", "is not there"),
        ("pipelines.md#no-such-section", "has no such section"),
        ("#no-such-section", "has no such section"),
        ("../README.md", "is not in the book"),
    ] {
        let found = fault(link).unwrap();
        assert_eq!(found, format!("docs/gitops.md: {link} {why}"));
    }
}

/// Each page is a chapter, once.
#[test]
fn the_book_has_every_page() {
    let pages = pages();
    let chapters = &pages[Path::new("docs/SUMMARY.md")].links;
    let mut listed: Vec<_> = chapters
        .iter()
        .map(|to| Path::new("docs").join(to))
        .collect();
    listed.push("docs/SUMMARY.md".into());
    listed.sort();
    let all: Vec<_> = pages
        .into_keys()
        .filter(|page| page.starts_with("docs"))
        .collect();
    assert_eq!(listed, all);
}
