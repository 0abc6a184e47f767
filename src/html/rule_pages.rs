//! The pages of rules, as part of a page that has no other at hand.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};

use crate::{finding::RuleId, rules::Rule};

/// Returns the pages of these rules, each once, in the rules' order.
pub(crate) fn rule_pages(ids: impl IntoIterator<Item = RuleId>) -> Markup {
    let mut ids: Vec<_> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let rules: Vec<_> = ids.iter().filter_map(|id| Rule::of(*id)).collect();
    html! {
        @if !rules.is_empty() {
            section.rules {
                h2 { "The rules" }
                @for rule in rules {
                    section id={ "rule-" (rule.id) } {
                        h3 { code { (rule.id) } }
                        (rendered(rule.page, &ids))
                    }
                }
            }
        }
    }
}

/// Renders a page below its heading. Of its links only those lead anywhere here that are on this page or on the web.
fn rendered(page: &str, here: &[RuleId]) -> Markup {
    let (mut open, mut in_title) = (Vec::new(), false);
    let events = Parser::new_ext(page, Options::ENABLE_TABLES);
    let events = events.filter_map(|event| match event {
        Event::Start(Tag::Heading {
            level: HeadingLevel::H1,
            ..
        }) => {
            in_title = true;
            None
        }
        Event::End(TagEnd::Heading(HeadingLevel::H1)) => {
            in_title = false;
            None
        }
        _ if in_title => None,
        Event::Start(Tag::Heading {
            id, classes, attrs, ..
        }) => Some(Event::Start(Tag::Heading {
            level: HeadingLevel::H4,
            id,
            classes,
            attrs,
        })),
        Event::End(TagEnd::Heading(_)) => Some(Event::End(TagEnd::Heading(HeadingLevel::H4))),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let address = address(&dest_url, here);
            open.push(address.is_some());
            let dest_url = address?.into();
            Some(Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }))
        }
        Event::End(TagEnd::Link) => open.pop()?.then_some(Event::End(TagEnd::Link)),
        other => Some(other),
    });
    let mut text = String::new();
    push_html(&mut text, events);
    PreEscaped(text)
}

/// Returns where a link of a rule's page leads from this page.
fn address(link: &str, here: &[RuleId]) -> Option<String> {
    if link.starts_with("https://") {
        return Some(link.to_owned());
    }
    let id: RuleId = link.strip_suffix(".md")?.parse().ok()?;
    here.contains(&id).then(|| format!("#rule-{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_where_there_is_something() {
        let here = [RuleId::Downgrade];
        let page = "# `title`\n\nSee [one](downgrade.md), [two](not-checked.md), [three](../guide.md) and [four](https://a.test/).\n\n## More\n";
        assert_eq!(
            rendered(page, &here).into_string(),
            "<p>See <a href=\"#rule-downgrade\">one</a>, two, three and <a href=\"https://a.test/\">four</a>.</p>\n<h4>More</h4>\n"
        );
    }
}
