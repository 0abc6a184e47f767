//! Parses a rendered manifest: YAML documents, hooks included.

use std::ops::Range;

use serde_json::Value;

use super::{Input, InputError, Source, record};
use crate::{
    camunda::{self, INSTANCE},
    change::Parsed,
    helm::{
        manifest::{self, Budget, Document, Limits},
        release::{Chart, Hook, Info, Metadata, Release, Status},
    },
    kubernetes::Object,
};

const HOOK: &str = "helm.sh/hook";
const DELETE_POLICY: &str = "helm.sh/hook-delete-policy";

/// Parser limits: enough for thirty times the largest release, but no more than some hundred megabytes.
pub(crate) const LIMITS: Limits = Limits {
    depth: 128,
    nodes: 4_000_000,
    scalar_bytes: 96 << 20,
    text: 96 << 20,
    objects: 60_000,
    compared: 60_000,
    pairs: 2_000_000_000,
};

/// Parses a manifest file.
pub(super) fn read(name: &str, text: String) -> Result<Input, InputError> {
    let input = read_part(name, text, 0)?;
    if input.release.manifest.is_empty() && input.release.hooks.is_empty() {
        return Err(InputError::NoObject(name.to_owned()));
    }
    Ok(input)
}

/// Parses a part of a file that begins after `lines_before` lines.
pub(super) fn read_part(
    name: &str,
    text: String,
    lines_before: usize,
) -> Result<Input, InputError> {
    let mut documents = Documents::new(name, &text, lines_before);
    let mut facts = ManifestHints::default();
    let mut cut = Cut::default();
    let mut parsed = Parsed::default();
    let mut hooks = Vec::new();
    let mut records = Vec::new();
    let mut any = false;
    while let Some((document, values)) = documents.next()? {
        let mut is_hook = None;
        let mut objects = Vec::new();
        for value in values {
            if let Some(release) = record::of_objects(name, &value)? {
                records.push((Object(value).name().to_owned(), release));
                continue;
            }
            let object = Object(value);
            any |= object.str("/kind").is_some();
            is_hook = is_hook.or(hook(&document, &object));
            facts.note(&document, &object);
            objects.push(object);
        }
        let at = document.offset_in(&text);
        match is_hook {
            Some(hook) => {
                hooks.push(hook);
                cut.add(at..at + document.text.len());
            }
            None => parsed.add(at - cut.bytes, &document, objects),
        }
    }
    if let Some((record, release)) = records.pop() {
        if records.is_empty() {
            return Ok(Input::release(release));
        }
        let others = records.into_iter().map(|(name, _)| name);
        return Err(InputError::Several {
            name: name.to_owned(),
            records: others.chain([record]).collect(),
        });
    }
    let (manifest, hooks) = match any {
        true => (cut.out_of(text), hooks),
        false => Default::default(),
    };
    Ok(Input {
        release: facts.release(manifest, hooks),
        source: Source::Manifest,
        parsed,
    })
}

/// Parses only the hooks.
pub(super) fn hooks(name: &str, text: &str, lines_before: usize) -> Result<Vec<Hook>, InputError> {
    let mut documents = Documents::new(name, text, lines_before);
    let mut hooks = Vec::new();
    while let Some((document, values)) = documents.next()? {
        let found = values.into_iter().map(Object);
        hooks.extend(found.filter_map(|object| hook(&document, &object)).take(1));
    }
    Ok(hooks)
}

/// The documents of a text, parsed and dropped one by one.
struct Documents<'a> {
    name: &'a str,
    text: &'a str,
    rest: manifest::Split<'a>,
    lines_before: usize,
    number: usize,
    budget: Budget,
}

impl<'a> Documents<'a> {
    fn new(name: &'a str, text: &'a str, lines_before: usize) -> Self {
        Self {
            name,
            text,
            rest: manifest::split(text),
            lines_before,
            number: 0,
            budget: Budget::new(LIMITS),
        }
    }

    fn next(&mut self) -> Result<Option<(Document<'a>, Vec<Value>)>, InputError> {
        let Some(document) = self.rest.next() else {
            return Ok(None);
        };
        self.number += 1;
        let parsed = document.parse_within(&mut self.budget);
        let value = parsed.map_err(|error| InputError::Yaml {
            name: self.name.to_owned(),
            number: self.number,
            template: document.source.map(str::to_owned),
            line: self.lines_before + self.line_of(&document) + error.line,
            column: error.column,
            why: error.cause.to_string(),
        })?;
        let objects = value.into_iter().flat_map(manifest::objects).collect();
        Ok(Some((document, objects)))
    }

    /// Returns the number of lines before a document.
    fn line_of(&self, document: &Document<'_>) -> usize {
        let before = &self.text[..document.offset_in(self.text)];
        before.matches('\n').count()
    }
}

fn hook(document: &Document<'_>, object: &Object) -> Option<Hook> {
    let list = |text: &str| text.split(',').map(|it| it.trim().to_owned()).collect();
    let events = object.annotation(HOOK)?;
    Some(Hook {
        path: document.source.unwrap_or_default().to_owned(),
        manifest: document.text.to_owned(),
        events: list(events),
        delete_policies: object
            .annotation(DELETE_POLICY)
            .map(list)
            .unwrap_or_default(),
    })
}

/// Parts of a text that do not stay in it: its hooks.
#[derive(Default)]
struct Cut {
    parts: Vec<Range<usize>>,
    bytes: usize,
}

impl Cut {
    fn add(&mut self, part: Range<usize>) {
        self.bytes += part.len();
        self.parts.push(part);
    }

    fn out_of(self, text: String) -> String {
        if self.parts.is_empty() {
            return text;
        }
        let mut rest = String::with_capacity(text.len() - self.bytes);
        let mut from = 0;
        for part in self.parts {
            rest.push_str(&text[from..part.start]);
            from = part.end;
        }
        rest.push_str(&text[from..]);
        rest
    }
}

/// The chart, release and namespace that the documents reveal.
#[derive(Default)]
struct ManifestHints {
    chart: Option<String>,
    release: Option<String>,
    namespace: Option<String>,
}

impl ManifestHints {
    fn note(&mut self, document: &Document<'_>, object: &Object) {
        let chart = || Some(document.source?.split_once('/')?.0.to_owned());
        self.chart = self.chart.take().or_else(chart);
        if !camunda::is_own(object) {
            return;
        }
        let label = |key: &str| object.label(key).map(str::to_owned);
        self.release = self.release.take().or_else(|| label(INSTANCE));
        let namespace = || object.namespace().map(str::to_owned);
        self.namespace = self.namespace.take().or_else(namespace);
    }

    fn release(self, manifest: String, hooks: Vec<Hook>) -> Release {
        Release {
            name: self.release.unwrap_or_default(),
            namespace: self.namespace.unwrap_or_default(),
            revision: 0,
            info: Info {
                status: Status::PendingUpgrade,
            },
            chart: Chart {
                metadata: Metadata {
                    name: self.chart.unwrap_or_default(),
                    ..Metadata::default()
                },
                lock: None,
                schema: None,
                values: None,
            },
            manifest,
            hooks,
            config: None,
            apply_method: None,
        }
    }
}
