//! Lists from a hostile record: two bytes of JSON must not become a hundred bytes of memory without end.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

/// More than any chart has; the largest Camunda record holds 13 hooks.
const MAX_ITEMS: usize = 4096;

/// More than a hook can have: Helm knows nine events. Each of [`MAX_ITEMS`] hooks has such lists of its own.
const MAX_OF_HOOK: usize = 64;

/// A list of at most [`MAX_ITEMS`] items; Helm writes `null` for an empty one.
pub(super) fn list_or_null<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(Items(MAX_ITEMS, PhantomData))
}

/// A list of at most [`MAX_OF_HOOK`] items.
pub(super) fn of_hook<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(Items(MAX_OF_HOOK, PhantomData))
}

/// Reads a list of at most so many items.
struct Items<T>(usize, PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {} items", self.0)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if list.len() == self.0 {
                return Err(A::Error::invalid_length(self.0 + 1, &self));
            }
            list.push(item);
        }
        Ok(list)
    }
}
