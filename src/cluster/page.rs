//! One page of a list, read object by object: of a large list only what is wanted stays in memory.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

use super::{Keep, ReadError};
use crate::kubernetes::Object;

/// Objects that are read before others get a turn on the same thread.
const TURN: usize = 200;

/// A page as the API server sends it.
#[derive(Deserialize)]
pub(super) struct Page<'a> {
    #[serde(default)]
    metadata: Metadata,
    #[serde(borrow, deserialize_with = "items")]
    items: Vec<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: String,
}

impl<'a> Page<'a> {
    pub(super) fn read(answer: &'a [u8]) -> Result<Page<'a>, ReadError> {
        serde_json::from_slice(answer).map_err(|_| ReadError::Malformed)
    }

    /// Adds the wanted objects; returns the token for the next page, if there is one.
    pub(super) async fn keep(
        self,
        wanted: Keep<'_>,
        objects: &mut Vec<Arc<Object>>,
    ) -> Result<Option<String>, ReadError> {
        for items in self.items.chunks(TURN) {
            for item in items {
                let object = serde_json::from_str(item.get()).map_err(|_| ReadError::Malformed)?;
                let object = without_managers(object);
                if wanted(&object) {
                    objects.push(Arc::new(object));
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(Some(self.metadata.next).filter(|token| !token.is_empty()))
    }
}

/// An empty list of metadata has `null` in place of its items.
fn items<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'de RawValue>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Drops who manages which field: half of an object, of which no rule reads anything.
fn without_managers(mut object: Value) -> Object {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata {
        metadata.remove("managedFields");
    }
    Object(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_page_is_read_object_by_object() {
        let page = json!({"metadata": {"continue": "next"}, "items": [
            {"metadata": {"name": "a", "managedFields": [{"manager": "helm"}]}, "spec": 1},
            {"metadata": {"name": "b"}},
        ]});
        let page = page.to_string();
        let mut objects = Vec::new();
        let read = Page::read(page.as_bytes()).unwrap();
        let kept = read.keep(&|object| object.name() == "a", &mut objects);
        assert_eq!(kept.await.unwrap().as_deref(), Some("next"));
        let [a] = &objects[..] else {
            panic!("{objects:?}");
        };
        assert_eq!(a.0, json!({"metadata": {"name": "a"}, "spec": 1}));
    }

    #[tokio::test]
    async fn the_last_page_has_no_token_and_may_have_null() {
        for page in [r#"{"metadata": {}, "items": null}"#, r#"{"items": []}"#] {
            let mut objects = Vec::new();
            let read = Page::read(page.as_bytes()).unwrap();
            let next = read.keep(&|_| true, &mut objects).await.unwrap();
            assert_eq!((next, objects.len()), (None, 0), "{page}");
        }
    }

    #[test]
    fn what_is_no_list_is_malformed() {
        for page in ["{}", "[]", r#"{"items": {}}"#, "<html>", ""] {
            let read = Page::read(page.as_bytes());
            assert!(matches!(read, Err(ReadError::Malformed)), "{page}");
        }
    }
}
