//! Reads the documents of a manifest, one by one.

use std::{fmt, sync::Arc};

use super::{HookRun, Rendered, RenderedObject, subcharts};
use crate::{
    camunda::Component,
    change::{excess::Excess, parsed::Parsed, unread::Unread},
    helm::{
        manifest::{self, Budget, Cause, Document, ManifestError},
        release::Release,
    },
    kubernetes::{Kind, Object, ObjectRef},
};

/// What is read, and what of it is known before.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) release: &'a Release,
    /// What runs.
    pub(super) known: Option<&'a Rendered>,
    /// What was parsed when the manifest was read.
    pub(super) parsed: Option<&'a Parsed>,
}

/// What an object costs beside its values, in nodes: a list gives each of its items a kind and a version.
const OBJECT: usize = 4;

/// Documents that can't be read, before the rest of a manifest is not even tried: a chart has none.
const MOST_UNREADABLE: usize = 100;

const WANTED: [Kind; 6] = [
    Kind::Secret,
    Kind::ConfigMap,
    Kind::PersistentVolumeClaim,
    Kind::StatefulSet,
    Kind::Deployment,
    Kind::Job,
];

/// Kinds of objects from which a controller creates a Secret, and the field that names the Secret.
const PRODUCERS: [(&str, &str); 3] = [
    ("ExternalSecret", "/spec/target/name"),
    ("SealedSecret", "/spec/template/metadata/name"),
    ("Certificate", "/spec/secretName"),
];

/// Longest name of an object or a namespace; the API server takes no longer one.
const LONGEST_NAME: usize = 253;

/// Longest path of a template that is told.
const LONGEST_SOURCE: usize = 200;

/// Whether an object that rules look at may be in a document.
pub(in crate::change) fn is_wanted(document: &Document<'_>) -> bool {
    let hint = document.kind_hint();
    let mut wanted = WANTED.iter().map(|kind| kind.name());
    let mut producers = PRODUCERS.iter().map(|(kind, _)| *kind);
    wanted.any(|kind| hint.may_be(kind)) || producers.any(|kind| hint.may_be(kind))
}

impl<'a> Reading<'a> {
    pub(super) fn of(release: &'a Release) -> Self {
        Self {
            release,
            known: None,
            parsed: None,
        }
    }

    /// The objects of a document of the manifest, as far as they are known.
    pub(super) fn parsed_at(self, document: &Document<'_>) -> Option<&'a [Arc<Object>]> {
        self.parsed?.of(&self.release.manifest, document)
    }

    fn running(self, document: &Document<'_>) -> Option<&'a [Arc<Object>]> {
        let objects = self.known?.documents.get(document.text)?;
        Some(objects)
    }

    /// Only what runs is compared with: what is compared itself need not be kept.
    fn keeps_documents(self) -> bool {
        self.known.is_none() && self.parsed.is_none()
    }
}

impl Rendered {
    /// Reads a document, unless those before it have spent the budget or could not be read either; notes why it can't.
    /// `same` are its objects, if it is parsed already.
    pub(super) fn read_within(
        &mut self,
        document: &Document<'_>,
        same: Option<&[Arc<Object>]>,
        reading: Reading<'_>,
        budget: &mut Budget,
        hook: Option<&HookRun>,
    ) {
        let is_over = self.exceeds(budget, 1) || budget.is_spent();
        if is_over || self.unreadable.len() > MOST_UNREADABLE {
            return;
        }
        let Err(error) = self.read_document(document, same, reading, budget, hook) else {
            return;
        };
        self.cannot_read(document.source, &error);
        // Its own text counts, too, and may spend the rest.
        _ = budget.take(1, self.unreadable.last().map_or(0, String::len));
        if budget.is_spent() || self.unreadable.len() == MOST_UNREADABLE {
            let rest = "what follows in the manifest was not read";
            self.unreadable.push(rest.to_owned());
        }
    }

    fn read_document(
        &mut self,
        document: &Document<'_>,
        same: Option<&[Arc<Object>]>,
        reading: Reading<'_>,
        budget: &mut Budget,
        hook: Option<&HookRun>,
    ) -> Result<(), ManifestError> {
        let depth = document.source.map_or(0, |path| path.matches('/').count());
        let events = hook.map_or(0, |hook| hook.events.len());
        let kept = match reading.keeps_documents() {
            true => document.text.len(),
            false => 0,
        };
        if !is_wanted(document) {
            if hook.is_none() {
                budget.take(1 + depth, document.text.len())?;
                self.unread.extend(Unread::of(document));
            }
            return Ok(());
        }
        let same = same.or_else(|| reading.running(document));
        let parsed = match same {
            Some(_) => None,
            None => document.parse_within(budget)?,
        };
        let parsed_count = || parsed.as_ref().map_or(0, manifest::count);
        let count = same.map_or_else(parsed_count, <[_]>::len);
        if self.exceeds(budget, count.saturating_sub(1)) {
            return Ok(());
        }
        budget.take((OBJECT + depth + events) * count, kept)?;
        let objects = same.map(<[_]>::to_vec).unwrap_or_else(|| {
            let values = parsed.into_iter().flat_map(manifest::objects);
            values.map(|value| Arc::new(Object(value))).collect()
        });
        for object in &objects {
            self.add(object, document.source, reading.release, hook);
        }
        if reading.keeps_documents() {
            self.documents.insert(document.text.into(), objects);
        }
        Ok(())
    }

    /// Whether this many objects more are too many; nothing further is read then.
    fn exceeds(&mut self, budget: &mut Budget, objects: usize) -> bool {
        if let Err(Cause::TooManyObjects(limit)) = budget.spend_objects(objects) {
            self.has_more_than(Excess::Objects(limit));
        }
        self.excess.is_some()
    }

    pub(super) fn has_more_than(&mut self, excess: Excess) {
        if self.excess.replace(excess).is_none() {
            self.unreadable.push(excess.to_string());
        }
    }

    fn cannot_read(&mut self, source: Option<&str>, reason: &dyn fmt::Display) {
        let source = source.unwrap_or("a document without a source");
        let told: String = source.chars().take(LONGEST_SOURCE).collect();
        self.unreadable.push(format!("{told}: {reason}"));
    }

    fn add(
        &mut self,
        object: &Arc<Object>,
        source: Option<&str>,
        release: &Release,
        hook: Option<&HookRun>,
    ) {
        let text = |pointer| object.str(pointer).unwrap_or_default();
        let (kind, api_version) = (text("/kind"), text("/apiVersion"));
        if let Some((_, names)) = PRODUCERS.iter().find(|(producer, _)| *producer == kind) {
            let namespace = object.namespace().unwrap_or(&release.namespace);
            let secret = object.str(names).unwrap_or(object.name());
            self.produced
                .insert((namespace.to_owned(), secret.to_owned()));
            return;
        }
        let Some(kind) = Kind::from_name(kind).filter(|kind| WANTED.contains(kind)) else {
            return;
        };
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        if group != kind.group() {
            return;
        }
        let namespace = object.namespace().unwrap_or(&release.namespace);
        if object.name().len().max(namespace.len()) > LONGEST_NAME {
            let reason = format!("a name of more than {LONGEST_NAME} bytes");
            return self.cannot_read(source, &reason);
        }
        let charts = source.map(subcharts);
        self.objects.push(RenderedObject {
            reference: ObjectRef::new(kind, namespace, object.name()),
            component: Component::of(object, charts.as_deref()),
            charts,
            camunda: false,
            hook: hook.cloned(),
            object: Arc::clone(object),
        });
    }
}
