//! Where the keys and values of a values file stand in its text.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, StructureStyle};

use super::Unreadable;

/// As deep as a manifest may be.
const DEPTH: usize = 128;

/// More comments than that in a row are no values file.
const COMMENTS: usize = 100_000;

/// The key that brings the entries of another mapping.
const MERGE: &str = "<<";

/// Stands for a key that is an alias.
const ALIAS: &str = "*";

/// The mapping that a file holds, and its comments.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// None of an empty file.
    pub(super) root: Option<Node>,
    /// How often it has each comment.
    pub(super) comments: HashMap<String, usize>,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Where it begins and ends, by lines and bytes, from 0.
    pub(super) start: (usize, usize),
    pub(super) end: (usize, usize),
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Scalar { block: bool },
    Mapping { flow: bool, entries: Vec<Entry> },
    Sequence,
    Alias,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Its line, from 0.
    pub(super) line: usize,
    /// Where the key begins and ends in its line, in bytes.
    pub(super) column: usize,
    pub(super) key_end: usize,
    pub(super) node: Node,
}

impl Tree {
    /// Reads a text; it has to be one that [`Document`](crate::helm::manifest::Document) takes.
    pub(super) fn of(body: &str) -> Result<Tree, Unreadable> {
        let mut options = granit_parser::options! {
            flow_nesting_limit: DEPTH,
            block_nesting_limit: DEPTH,
            max_buffered_comment_events: COMMENTS,
        };
        options.set_emit_comments(true);
        let parser: Parser<'_, StrInput<'_>> = Parser::new_from_str_with_options(body, options);
        let mut builder = Builder::new(body);
        for next in parser {
            let (event, span) = next.map_err(|error| Unreadable::Syntax {
                line: error.marker().line(),
                said: error.kind().to_string(),
            })?;
            builder.event(event, &span)?;
        }
        Ok(builder.tree)
    }

    /// The entry under a dotted key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        let way = self.way(key);
        let whole = way.len() == key.split('.').count();
        way.last().copied().filter(|_| whole)
    }

    /// The entries on the way to a dotted key, as far as they are there.
    pub(super) fn way(&self, key: &str) -> Vec<&Entry> {
        let mut way = Vec::new();
        let mut node = self.root.as_ref();
        for part in key.split('.') {
            let entries = node.map(Node::entries).unwrap_or_default();
            let Some(entry) = entries.iter().find(|entry| entry.key == part) else {
                break;
            };
            way.push(entry);
            node = Some(&entry.node);
        }
        way
    }
}

impl Node {
    /// The entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    /// Whether it is a mapping whose entries have lines of their own.
    pub(super) fn is_block(&self) -> bool {
        matches!(&self.kind, Kind::Mapping { flow: false, entries } if !entries.is_empty())
    }
}

/// A collection that is not closed yet.
struct Open {
    node: Node,
    key: Option<(String, Span)>,
    /// The keys so far.
    seen: HashSet<String>,
}

struct Builder<'t> {
    body: &'t str,
    /// Where each line begins.
    starts: Vec<usize>,
    open: Vec<Open>,
    documents: usize,
    tree: Tree,
}

impl<'t> Builder<'t> {
    fn new(body: &'t str) -> Self {
        let breaks = body.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            body,
            starts: std::iter::once(0).chain(breaks).collect(),
            open: Vec::new(),
            documents: 0,
            tree: Tree::default(),
        }
    }

    fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        (line, offset - self.starts[line])
    }

    fn at(&self, marker: &Marker) -> usize {
        marker.byte_offset().unwrap_or_default()
    }

    fn event(&mut self, event: Event<'t>, span: &Span) -> Result<(), Unreadable> {
        match event {
            Event::Comment(text, _) => {
                let known = self.tree.comments.entry(text.trim().to_owned());
                *known.or_default() += 1;
            }
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Unreadable::Documents(span.start.line()));
                }
            }
            Event::Scalar(text, style, ..) => self.scalar(text.into_owned(), style, span)?,
            Event::Alias(_) if self.expects_key() => self.key(ALIAS.to_owned(), span)?,
            Event::Alias(_) => self.value(span, Kind::Alias, false)?,
            Event::MappingStart(style, ..) => {
                let flow = style == StructureStyle::Flow;
                let entries = Vec::new();
                self.start(span, Kind::Mapping { flow, entries });
            }
            Event::SequenceStart(..) => self.start(span, Kind::Sequence),
            Event::MappingEnd | Event::SequenceEnd => self.close(span)?,
            _ => {}
        }
        Ok(())
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, span: &Span) -> Result<(), Unreadable> {
        if self.expects_key() {
            return self.key(text, span);
        }
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        // The empty lines at its end belong to a text that keeps them.
        let keeps = block && (text.ends_with("\n\n") || text == "\n");
        self.value(span, Kind::Scalar { block }, keeps)
    }

    fn expects_key(&self) -> bool {
        let open = self.open.last();
        open.is_some_and(|open| {
            open.key.is_none() && matches!(open.node.kind, Kind::Mapping { .. })
        })
    }

    fn key(&mut self, text: String, span: &Span) -> Result<(), Unreadable> {
        let line = span.start.line();
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        if text != MERGE && text != ALIAS && !open.seen.insert(text.clone()) {
            return Err(Unreadable::Twice(line));
        }
        open.key = Some((text, *span));
        Ok(())
    }

    fn value(&mut self, span: &Span, kind: Kind, keeps: bool) -> Result<(), Unreadable> {
        let (start, end) = (self.at(&span.start), self.at(&span.end));
        let written = self.body.get(start..end).unwrap_or_default();
        // A block scalar reaches to where the next token begins.
        let length = match (keeps, written.rfind('\n')) {
            (true, Some(last)) => last,
            _ => written.trim_end().len(),
        };
        let end = start + length;
        self.attach(Node {
            kind,
            start: self.place(start),
            end: self.place(end),
        })
    }

    fn start(&mut self, span: &Span, kind: Kind) {
        let start = self.place(self.at(&span.start));
        self.open.push(Open {
            node: Node {
                kind,
                start,
                end: start,
            },
            key: None,
            seen: HashSet::new(),
        });
    }

    fn close(&mut self, span: &Span) -> Result<(), Unreadable> {
        let Some(Open { mut node, .. }) = self.open.pop() else {
            return Ok(());
        };
        // What closes a block is no character; a bracket is.
        if !span.is_empty() {
            node.end = self.place(self.at(&span.end));
        }
        self.attach(node)
    }

    fn attach(&mut self, node: Node) -> Result<(), Unreadable> {
        let Some(open) = self.open.last() else {
            self.tree.root = Some(node);
            return Ok(());
        };
        let entry = match &open.key {
            Some((key, span)) => {
                let (line, column) = self.place(self.at(&span.start));
                let (_, key_end) = self.place(self.at(&span.end));
                Some((key.clone(), line, column, key_end))
            }
            None => None,
        };
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        open.node.end = open.node.end.max(node.end);
        let Kind::Mapping { entries, .. } = &mut open.node.kind else {
            return Ok(());
        };
        open.key = None;
        if let Some((key, line, column, key_end)) = entry {
            entries.push(Entry {
                key,
                line,
                column,
                key_end,
                node,
            });
        }
        Ok(())
    }
}
