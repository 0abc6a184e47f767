//! How much is in an object, told without building it.

use std::{cell::Cell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// Keys and values in an object that is judged: twice what the API server can store.
const MOST: usize = 400_000;

/// What is no longer than this can't hold more.
const SHORT: usize = 1024 * 1024;

/// Whether an object, as JSON, holds so little that it can be read.
pub(super) fn is_bounded(json: &str) -> bool {
    json.len() <= SHORT || holds_at_most(json, MOST)
}

fn holds_at_most(json: &str, most: usize) -> bool {
    let left = Cell::new(most);
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Counted(&left).deserialize(&mut deserializer).is_ok()
}

/// Takes keys and values off what is left, and fails once nothing is.
#[derive(Clone, Copy)]
struct Counted<'a>(&'a Cell<usize>);

impl Counted<'_> {
    fn take<E: Error>(self, count: usize) -> Result<(), E> {
        let left = self.0.get().checked_sub(count);
        self.0.set(left.ok_or_else(|| E::custom("too much"))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {
            self.take(1)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key::<IgnoredAny>()?.is_some() {
            self.take(2)?;
            entries.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_counted() {
        let json = r#"{"a": [1, -1, 1.5, null, true, "b"], "c": {"d": {}}}"#;
        assert!(holds_at_most(json, 12));
        assert!(!holds_at_most(json, 11));
    }

    #[test]
    fn what_is_long_may_still_hold_little() {
        assert!(is_bounded(&format!("{{\"a\": \"{}\"}}", "b".repeat(SHORT))));
        let many = format!("{{{}\"a\":1}}", "\"a\":1,".repeat(MOST / 2));
        assert!(!is_bounded(&many));
    }
}
