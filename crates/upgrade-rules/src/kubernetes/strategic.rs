//! Patches as Kubernetes' own library makes and applies them, with which Helm changes what is live.
//!
//! `types.txt` says which lists of Kubernetes' own kinds are merged and by which key. The code follows
//! `k8s.io/apimachinery/pkg/util/strategicpatch`, oddities included: what that library refuses, Helm refuses. Tests
//! compare both over the corpus.

mod apply;
mod diff;
mod lists;
mod three_way;
mod types;

pub use self::{
    three_way::{Patch, patch, patched},
    types::Schema,
};

/// The reason why no patch can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// The value to change is not an object.
    #[error("it is no object")]
    NoObject,
    /// A field that the kind does not have.
    #[error("unable to find api field {0:?}")]
    NoField(String),
    /// Something below a field that holds a single value or a map of them.
    #[error("field {0:?} is neither an object nor a list of objects")]
    NoStruct(String),
    /// An item of a merged list lacks the key that tells it from others.
    #[error("an item of a list does not contain its merge key {0:?}")]
    NoMergeKey(String),
    /// Items of different types, or lists of lists.
    #[error("a list whose items are merged has items that can't be")]
    UnevenList,
    /// A `$patch`, `$retainKeys` and the like that can't be followed.
    #[error("the directive {0:?} can't be followed")]
    Directive(String),
}

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_PRIMITIVES: &str = "$deleteFromPrimitiveList";
const SET_ELEMENT_ORDER: &str = "$setElementOrder";

/// The list that a directive such as `$setElementOrder/ports` is about.
fn list_of<'a>(key: &'a str, directive: &str) -> Option<&'a str> {
    key.strip_prefix(directive)?.strip_prefix('/')
}
