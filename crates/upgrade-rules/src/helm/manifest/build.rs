//! Builds the JSON of one document from parser events.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{
    ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag,
};
use serde_json::{Map, Value};

use super::dialect;
use super::error::{Cause, ManifestError};
use super::limits::{Budget, Cost};
use super::scalar::{self, Scalar};

/// Reads the first document in `text`; `None` if it is empty or null, as Helm skips both.
pub(super) fn parse(
    text: &str,
    complete_line: bool,
    budget: &mut Budget,
) -> Result<Option<Value>, ManifestError> {
    budget
        .spend_text(text.len())
        .map_err(|cause| cause.at(1, 1))?;
    dialect::check_characters(text)?;
    if complete_line && !text.ends_with('\n') {
        return Builder::new(&format!("{text}\n"), budget).run();
    }
    Builder::new(text, budget).run()
}

struct Builder<'t, 'b> {
    text: &'t str,
    budget: &'b mut Budget,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    /// Without an asterisk there is no alias, and nothing has to be kept for one.
    may_alias: bool,
    root: Option<Value>,
}

/// A collection that is still open.
struct Frame {
    node: Open,
    in_flow: bool,
    anchor: usize,
    cost: Cost,
}

enum Open {
    Sequence(Vec<Value>),
    Mapping(Map<String, Value>, Option<Key>),
}

enum Key {
    Text(String),
    Merge,
}

enum Anchored {
    Scalar(Scalar<'static>),
    Node(Value, Cost),
}

impl<'t, 'b> Builder<'t, 'b> {
    fn new(text: &'t str, budget: &'b mut Budget) -> Self {
        Self {
            text,
            budget,
            frames: Vec::new(),
            anchors: HashMap::new(),
            may_alias: text.contains('*'),
            root: None,
        }
    }

    fn run(mut self) -> Result<Option<Value>, ManifestError> {
        let depth = self.budget.depth();
        let mut options = granit_parser::options! {
            flow_nesting_limit: depth,
            block_nesting_limit: depth,
            emit_anchor_events: true,
        };
        options.set_emit_comments(false);
        let mut parser: Parser<'t, StrInput<'t>> =
            Parser::new_from_str_with_options(self.text, options);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| self.syntax(&error))?;
            if matches!(event, Event::DocumentEnd) {
                break;
            }
            self.event(event, &span)
                .map_err(|cause| cause.at(span.start.line(), span.start.col() + 1))?;
        }
        Ok(self.root.filter(|root| !root.is_null()))
    }

    fn syntax(&self, error: &ScanError) -> ManifestError {
        let marker: &Marker = error.marker();
        let cause = match error.kind() {
            ErrorKind::RecursionLimitExceeded => Cause::TooDeep(self.budget.depth()),
            kind => Cause::Syntax(kind.to_string()),
        };
        cause.at(marker.line(), marker.col() + 1)
    }

    fn event(&mut self, event: Event<'t>, span: &Span) -> Result<(), Cause> {
        if event.tag().is_some() {
            dialect::check_tag(self.text, span)?;
        }
        match event {
            Event::Anchor(_, name) => dialect::check_anchor(&name),
            Event::Scalar(text, style, anchor, tag) => {
                if self.frames.last().is_some_and(|frame| frame.in_flow) {
                    dialect::check_flow(self.text, &text, style, span)?;
                }
                let text = dialect::without_added_break(self.text, text, style, span)?;
                self.scalar(text, style, anchor, tag.as_deref())
            }
            Event::SequenceStart(style, anchor, _) => {
                self.open(Open::Sequence(Vec::new()), anchor, style)
            }
            Event::MappingStart(style, anchor, _) => {
                self.open(Open::Mapping(Map::new(), None), anchor, style)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => self.alias(id),
            Event::DocumentStart(_, Some(version)) if (version.major, version.minor) != (1, 1) => {
                Err(Cause::Version {
                    major: version.major,
                    minor: version.minor,
                })
            }
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), Cause> {
        let as_key = self.expects_key();
        if as_key && text == "<<" && is_merge(style, tag) {
            self.budget.spend(Cost::scalar(0))?;
            self.set_key(Key::Merge);
            return Ok(());
        }
        let scalar = match tag {
            Some(tag) => scalar::tagged(text, tag)?,
            None if style == ScalarStyle::Plain => scalar::plain(text),
            None => Scalar::Text(text),
        };
        if anchor != 0 && self.may_alias {
            self.budget.spend(Cost::scalar(scalar.len()))?;
            let kept = scalar.clone().into_static();
            self.anchors.insert(anchor, Anchored::Scalar(kept));
        }
        self.place(scalar, as_key)
    }

    fn place(&mut self, scalar: Scalar<'_>, as_key: bool) -> Result<(), Cause> {
        let cost = Cost::scalar(scalar.len());
        self.budget.spend(cost)?;
        if as_key {
            let key = Key::Text(scalar.into_key()?);
            if let Some(frame) = self.frames.last_mut() {
                frame.cost.add(cost);
            }
            self.set_key(key);
            return Ok(());
        }
        self.attach(scalar.into_value()?, cost)
    }

    fn open(&mut self, node: Open, anchor: usize, style: StructureStyle) -> Result<(), Cause> {
        if self.expects_key() {
            return Err(Cause::Key);
        }
        self.budget.check_depth(self.frames.len() + 1)?;
        let cost = Cost::scalar(0);
        self.budget.spend(cost)?;
        self.frames.push(Frame {
            node,
            in_flow: style == StructureStyle::Flow,
            anchor,
            cost,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Cause> {
        let Some(mut frame) = self.frames.pop() else {
            return Ok(());
        };
        frame.cost.height += 1;
        let value = match frame.node {
            Open::Sequence(items) => Value::Array(items),
            Open::Mapping(map, _) => Value::Object(map),
        };
        if frame.anchor != 0 && self.may_alias {
            self.budget.spend(frame.cost)?;
            let kept = Anchored::Node(value.clone(), frame.cost);
            self.anchors.insert(frame.anchor, kept);
        }
        self.attach(value, frame.cost)
    }

    fn alias(&mut self, id: usize) -> Result<(), Cause> {
        let as_key = self.expects_key();
        let merges = matches!(
            self.frames.last().map(|frame| &frame.node),
            Some(Open::Mapping(_, Some(Key::Merge)))
        );
        match self.anchors.get(&id) {
            None => Err(Cause::Cycle),
            Some(Anchored::Scalar(_)) if merges => Err(Cause::Merge),
            Some(Anchored::Scalar(scalar)) => {
                let scalar = scalar.clone();
                self.place(scalar, as_key)
            }
            Some(Anchored::Node(..)) if as_key => Err(Cause::Key),
            Some(Anchored::Node(value, _)) if merges && !value.is_object() => Err(Cause::Merge),
            Some(Anchored::Node(value, cost)) => {
                let cost = *cost;
                self.budget.check_depth(self.frames.len() + cost.height)?;
                self.budget.spend(cost)?;
                let value = value.clone();
                self.attach(value, cost)
            }
        }
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.frames.last().map(|frame| &frame.node),
            Some(Open::Mapping(_, None))
        )
    }

    fn set_key(&mut self, key: Key) {
        if let Some(Frame {
            node: Open::Mapping(_, slot),
            ..
        }) = self.frames.last_mut()
        {
            *slot = Some(key);
        }
    }

    fn attach(&mut self, value: Value, cost: Cost) -> Result<(), Cause> {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(value);
            return Ok(());
        };
        frame.cost.add(cost);
        match &mut frame.node {
            Open::Sequence(items) => items.push(value),
            Open::Mapping(map, key) => match key.take() {
                Some(Key::Text(key)) => {
                    map.insert(key, value);
                }
                Some(Key::Merge) => merge(map, value)?,
                None => return Err(Cause::Key),
            },
        }
        Ok(())
    }
}

/// Whether a `<<` key means a merge to go-yaml: not if it is quoted, unless a tag says so.
fn is_merge(style: ScalarStyle, tag: Option<&Tag>) -> bool {
    match tag {
        None => style == ScalarStyle::Plain,
        Some(tag) => {
            tag.parts() == ("", "!")
                || tag.parts() == ("!", "")
                || tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() == Some("merge")
        }
    }
}

/// go-yaml v2 sets merged keys on the spot, so they win over keys that stand before the `<<`.
fn merge(map: &mut Map<String, Value>, value: Value) -> Result<(), Cause> {
    match value {
        Value::Object(other) => map.extend(other),
        Value::Array(items) => {
            for item in items.into_iter().rev() {
                let Value::Object(other) = item else {
                    return Err(Cause::Merge);
                };
                map.extend(other);
            }
        }
        _ => return Err(Cause::Merge),
    }
    Ok(())
}
