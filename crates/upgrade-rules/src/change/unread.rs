//! Documents of a manifest that no rule reads; parsed only if a fix has to name their objects.

use std::collections::HashSet;

use super::rendered::{Rendered, subcharts};
use crate::{
    helm::manifest::{self, Budget, Document},
    kubernetes::Object,
};

/// A document of a kind that no rule reads.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    pub(super) charts: Option<Vec<String>>,
    text: Box<str>,
}

/// An object of an unread document that Helm deletes.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// Its namespace.
    pub namespace: String,
    /// The subcharts below the release's chart that it was rendered from, where the manifest tells.
    pub charts: Option<Vec<String>>,
    /// Its JSON.
    pub object: Object,
}

impl Unread {
    /// Returns `None` for a document that belongs to no subchart: only subcharts vanish as a whole.
    pub(super) fn of(document: &Document<'_>) -> Option<Unread> {
        let charts = document.source.map(subcharts);
        let own = charts.as_ref().is_some_and(Vec::is_empty);
        (!own).then(|| Unread {
            charts,
            text: document.text.into(),
        })
    }

    fn objects(&self, namespace: &str, budget: &mut Budget) -> Vec<Dropped> {
        let document = manifest::split(&self.text).next();
        let parsed = document.and_then(|document| document.parse_within(budget).ok()?);
        let objects = parsed.into_iter().flat_map(manifest::objects).map(Object);
        objects
            .map(|object| Dropped {
                namespace: object.namespace().unwrap_or(namespace).to_owned(),
                charts: self.charts.clone(),
                object,
            })
            .collect()
    }
}

impl Dropped {
    /// Returns the name to type after `kubectl`: `service/camunda-elasticsearch`.
    pub fn typed(&self) -> String {
        let text = |pointer| self.object.str(pointer).unwrap_or_default();
        let kind = text("/kind").to_lowercase();
        let group = match text("/apiVersion").split_once('/') {
            Some((group, _)) => format!(".{group}"),
            None => String::new(),
        };
        format!("{kind}{group}/{}", self.object.name())
    }
}

/// Returns the unread objects that the running manifest has and the new one lacks.
pub(super) fn dropped(running: &Rendered, planned: &Rendered, namespace: &str) -> Vec<Dropped> {
    let mut budget = Budget::default();
    let mut objects = |rendered: &Rendered| -> Vec<Dropped> {
        let documents = rendered.unread.iter();
        documents
            .flat_map(|unread| unread.objects(namespace, &mut budget))
            .collect()
    };
    let stay: HashSet<_> = objects(planned)
        .iter()
        .map(|object| (object.namespace.clone(), object.typed()))
        .collect();
    let mut dropped = objects(running);
    dropped.retain(|object| !stay.contains(&(object.namespace.clone(), object.typed())));
    dropped
}
