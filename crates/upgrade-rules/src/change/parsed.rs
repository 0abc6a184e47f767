//! Documents of a manifest that were parsed when the manifest was read.

use std::{collections::HashMap, sync::Arc};

use super::rendered::is_wanted;
use crate::{helm::manifest::Document, kubernetes::Object};

/// The objects of a manifest's documents, as far as rules may look at them. It belongs to one manifest, and knows a
/// document by its place there.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    documents: HashMap<Place, Vec<Arc<Object>>>,
}

/// Offset and length in bytes.
type Place = (usize, usize);

impl Parsed {
    /// Keeps the objects of a document at this offset of the manifest, if rules may look at them.
    pub fn add(&mut self, offset: usize, document: &Document<'_>, objects: Vec<Object>) {
        if is_wanted(document) {
            let objects = objects.into_iter().map(Arc::new).collect();
            self.documents
                .insert((offset, document.text.len()), objects);
        }
    }

    /// Returns the objects of a document, if it is parsed.
    #[must_use]
    pub fn of(&self, manifest: &str, document: &Document<'_>) -> Option<&[Arc<Object>]> {
        let objects = self.documents.get(&place(manifest, document))?;
        Some(objects)
    }

    /// Takes the objects of a document out, if it is parsed.
    pub fn take(&mut self, manifest: &str, document: &Document<'_>) -> Option<Vec<Object>> {
        let objects = self.documents.remove(&place(manifest, document))?;
        Some(objects.into_iter().map(Arc::unwrap_or_clone).collect())
    }
}

fn place(manifest: &str, document: &Document<'_>) -> Place {
    (document.offset_in(manifest), document.text.len())
}
