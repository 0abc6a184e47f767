//! The pages for a browser that the guard writes, taken apart: they are XML but for the elements that are never closed.

use std::collections::BTreeSet;

use anyhow::Context;
use roxmltree::{Document, Node, ParsingOptions};

/// Elements of HTML that have no end.
const VOID: [&str; 4] = ["meta", "input", "br", "hr"];

/// All that a page of the guard's is made of.
const KNOWN: [&str; 51] = [
    "a",
    "body",
    "br",
    "code",
    "dd",
    "desc",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "g",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "header",
    "html",
    "input",
    "label",
    "li",
    "line",
    "main",
    "meta",
    "ol",
    "p",
    "pre",
    "rect",
    "section",
    "strong",
    "style",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
    "hr",
    "span",
    "nav",
    "h5",
    "blockquote",
    "del",
    "sup",
    "caption",
];

/// A page.
pub struct Page {
    closed: String,
}

impl Page {
    /// Takes a page apart.
    ///
    /// # Errors
    /// When it is not well-formed.
    pub fn parse(html: &str) -> anyhow::Result<Page> {
        let mut closed = String::new();
        for part in html.split_inclusive('>') {
            let tag = part.rfind('<').map_or("", |at| &part[at + 1..]);
            let name: String = tag
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            match part.strip_suffix('>') {
                Some(open) if VOID.contains(&&*name) => closed += &format!("{open}/>"),
                _ => closed += part,
            }
        }
        let page = Page { closed };
        page.document().map(drop)?;
        Ok(page)
    }

    fn document(&self) -> anyhow::Result<Document<'_>> {
        let options = ParsingOptions {
            allow_dtd: true,
            ..ParsingOptions::default()
        };
        Document::parse_with_options(&self.closed, options).context("no well-formed page")
    }

    fn each<T>(&self, told: impl FnMut(Node<'_, '_>) -> Option<T>) -> Vec<T> {
        let document = self.document();
        let elements = document.iter().flat_map(Document::descendants);
        elements.filter(Node::is_element).filter_map(told).collect()
    }

    /// Returns the texts of the elements of a name.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.each(|node| node.has_tag_name(name).then(|| text(node)))
    }

    /// Returns how many elements have a name.
    pub fn count(&self, name: &str) -> usize {
        self.texts(name).len()
    }

    /// Returns all that can be read.
    pub fn text(&self) -> String {
        self.texts("body").concat()
    }

    /// Returns where links lead.
    pub fn links(&self) -> Vec<String> {
        self.each(|node| node.attribute("href").map(str::to_owned))
    }

    /// Returns links to places of the page that are not there.
    pub fn dead_links(&self) -> Vec<String> {
        let ids = self.each(|node| node.attribute("id").map(str::to_owned));
        let mut links = self.links();
        links.retain(|link| {
            link.strip_prefix('#')
                .is_some_and(|id| !ids.iter().any(|it| it == id))
        });
        links
    }

    /// Returns elements and attributes that no page has.
    pub fn foreign(&self) -> BTreeSet<String> {
        let elements = self.each(|node| {
            let name = node.tag_name().name().to_owned();
            (!KNOWN.contains(&&*name)).then_some(name)
        });
        let handlers = self.each(|node| {
            let mut names = node.attributes().map(|it| it.name().to_owned());
            names.find(|name| name.starts_with("on"))
        });
        elements.into_iter().chain(handlers).collect()
    }

    /// Returns what a browser would load, from here or elsewhere.
    pub fn loads(&self) -> Vec<String> {
        let styles = self.texts("style").into_iter();
        let mut loads: Vec<_> = styles
            .filter(|it| it.contains("url(") || it.contains("@import"))
            .collect();
        loads.extend(self.each(|node| {
            let mut named = ["src", "srcset", "data", "poster", "action", "background"].iter();
            named
                .find_map(|name| node.attribute(*name))
                .map(str::to_owned)
        }));
        let links = self.each(|node| {
            let link = node.attribute("href")?;
            let leads =
                node.has_tag_name("a") && (link.starts_with("https://") || link.starts_with('#'));
            (!leads).then(|| link.to_owned())
        });
        loads.extend(links);
        loads
    }
}

fn text(node: Node<'_, '_>) -> String {
    let parts = node.descendants().filter(Node::is_text);
    parts.filter_map(|part| part.text()).collect()
}
