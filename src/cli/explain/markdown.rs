//! A page in Markdown as a terminal shows it: headings, lists, tables and code, wrapped to its width.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::terminal::{Piece, Role, Text};

/// Columns that an item of a list is indented by.
const INDENT: usize = 2;

/// Renders a page for a terminal of this width.
pub(super) fn render(page: &str, width: usize) -> Text {
    let mut rendering = Rendering {
        text: Text::new(width),
        roles: Vec::new(),
        pieces: Vec::new(),
        lists: Vec::new(),
        marker: None,
        links: Vec::new(),
        table: Table::default(),
        in_code: false,
    };
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        rendering.event(event);
    }
    rendering.flush();
    rendering.text
}

/// A page that is rendered as far as it has been read.
struct Rendering {
    text: Text,
    /// The roles of what is open, the innermost last.
    roles: Vec<Role>,
    /// The pieces of the paragraph so far.
    pieces: Vec<Piece>,
    /// The open lists, each with the number of its next item if it has numbers.
    lists: Vec<Option<u64>>,
    /// What stands before the next paragraph.
    marker: Option<String>,
    /// Where the open links lead.
    links: Vec<String>,
    table: Table,
    in_code: bool,
}

/// A table so far.
#[derive(Default)]
struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    is_head: bool,
}

impl Rendering {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_code => self.text.verbatim(Role::Command, &text),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                let role = self.roles.last().copied().unwrap_or_default();
                self.pieces.push(Piece::new(role, &text));
            }
            Event::Code(text) => {
                let role = match self.roles.last() {
                    Some(Role::Heading) => Role::Heading,
                    _ => Role::Command,
                };
                self.pieces.push(Piece::new(role, &text));
            }
            Event::SoftBreak => self.pieces.push(Piece::prose(" ")),
            Event::HardBreak => self.flush(),
            Event::Rule => self.block(),
            // The parser is not asked for these.
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.block();
                self.roles.push(Role::Heading);
            }
            Tag::Strong => self.roles.push(Role::Heading),
            Tag::Emphasis => self.roles.push(Role::Prose),
            Tag::Paragraph if self.marker.is_none() => self.block(),
            Tag::List(first) => {
                match self.lists.is_empty() {
                    true => self.block(),
                    false => self.flush(),
                }
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                self.marker = self.lists.last_mut().map(|number| match number {
                    Some(number) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    None => "- ".to_owned(),
                });
            }
            Tag::CodeBlock(kind) => {
                self.block();
                self.in_code = matches!(kind, CodeBlockKind::Fenced(_) | CodeBlockKind::Indented);
            }
            Tag::Link { dest_url, .. } => self.links.push(dest_url.into_string()),
            Tag::Table(_) => {
                self.block();
                self.table = Table::default();
            }
            Tag::TableHead => self.table.is_head = true,
            Tag::TableRow => self.table.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.flush();
                self.roles.pop();
            }
            TagEnd::Strong | TagEnd::Emphasis => drop(self.roles.pop()),
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::CodeBlock => self.in_code = false,
            TagEnd::Link => self.link(),
            TagEnd::TableHead => self.table.is_head = false,
            TagEnd::TableCell => {
                let cell: String = self
                    .pieces
                    .drain(..)
                    .map(|it| it.text().to_owned())
                    .collect();
                match self.table.rows.last_mut() {
                    Some(row) if !self.table.is_head => row.push(cell),
                    _ => self.table.heads.push(cell),
                }
            }
            TagEnd::Table => self.tell_table(),
            _ => {}
        }
    }

    /// Names where a link leads, unless its words do or it leads to another page: a terminal can't follow that.
    fn link(&mut self) {
        let Some(address) = self.links.pop() else {
            return;
        };
        let is_said = self.pieces.last().is_some_and(|it| it.text() == address);
        if address.contains("://") && !is_said {
            self.pieces.push(Piece::prose(" "));
            self.pieces
                .push(Piece::new(Role::Faint, &format!("<{address}>")));
        }
    }

    /// A table of one row is a list of what the row has.
    fn tell_table(&mut self) {
        let table = std::mem::take(&mut self.table);
        let heads: Vec<_> = table.heads.iter().map(String::as_str).collect();
        match &table.rows[..] {
            [_] => self.text.lists(&heads, &table.rows),
            rows => self.text.table(&heads, rows),
        }
    }

    /// Begins a block: what is before it ends, and an empty line stands between them.
    fn block(&mut self) {
        self.flush();
        if self
            .text
            .lines()
            .last()
            .is_some_and(|line| !line.is_empty())
        {
            self.text.blank();
        }
    }

    /// Ends a paragraph, or an item of a list.
    fn flush(&mut self) {
        if self.pieces.is_empty() {
            return;
        }
        let mut pieces = std::mem::take(&mut self.pieces);
        let depth = self.lists.len();
        match self.marker.take() {
            Some(marker) => {
                let indent = INDENT * depth.saturating_sub(1);
                let hanging = marker.len();
                pieces.insert(0, Piece::prose(&marker));
                self.text.flowing(indent, hanging, &pieces);
            }
            None => self.text.flowing(INDENT * depth, 0, &pieces),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# `downgrade`\n\nA chart that is **older** than\nwhat runs, see [the guide](https://example.com/guide) and [`other`](other.md).\n\n\
        | at a release | at an object |\n|---|---|\n| deny | – |\n\n\
        - **Stops**: an upgrade to `8.2`\n- Lets pass: all else\n  1. one\n  2. two\n\n\
        ```sh\nhelm rollback camunda 3 -n camunda --wait --timeout 30m\n```\n\n\
        | word | meaning |\n|---|---|\n| line | charts with one minor version |\n| hop | an upgrade |\n";

    #[test]
    fn a_page_becomes_text() {
        assert_eq!(
            render(PAGE, 44).to_string(),
            "downgrade

A chart that is older than what runs, see
the guide <https://example.com/guide> and
other.

at a release  deny
at an object  –

- Stops: an upgrade to 8.2
- Lets pass: all else
  1. one
  2. two

helm rollback camunda 3 -n camunda --wait --timeout 30m

word  meaning
line  charts with one minor version
hop   an upgrade
"
        );
    }

    #[test]
    fn its_parts_have_roles() {
        let text = render(PAGE, 80);
        let roles = |line: &str| {
            let found = text.lines().iter().find(|pieces| {
                let text: String = pieces.iter().map(Piece::text).collect();
                text.starts_with(line)
            });
            let pieces = found.into_iter().flatten();
            pieces.map(Piece::role).collect::<Vec<_>>()
        };
        assert_eq!(roles("helm rollback"), [Role::Command]);
        assert_eq!(roles("word"), [Role::Heading]);
        assert_eq!(
            roles("- Stops"),
            [Role::Prose, Role::Heading, Role::Prose, Role::Command]
        );
    }
}
