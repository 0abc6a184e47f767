//! The uid of a review of which only the beginning came, so that its refusal still names the request.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// Finds `request.uid`, if it stands in the beginning that came.
pub(super) fn uid(beginning: &[u8]) -> Option<String> {
    let mut found = None;
    let mut json = serde_json::Deserializer::from_slice(beginning);
    // It ends in an error, as the review's end is missing.
    _ = At(&["request", "uid"], &mut found).deserialize(&mut json);
    found
}

/// Looks for the text at a path of keys.
struct At<'a>(&'a [&'static str], &'a mut Option<String>);

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.0.is_empty() {
            true => json.deserialize_str(self),
            false => json.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a review")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.0.split_first() {
                Some((wanted, rest)) if key == *wanted => map.next_value_seed(At(rest, self.1))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        *self.1 = Some(text.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uid_is_found_wherever_it_came_before_the_cut() {
        for (beginning, expected) in [
            (
                r#"{"kind":"AdmissionReview","request":{"uid":"7","object":{"a":"#,
                Some("7"),
            ),
            (r#"{"request":{"kind":{"uid":"no"},"uid":"8"#, None),
            (r#"{"request":{"kind":{"uid":"no"},"uid":"8","#, Some("8")),
            (r#"{"uid":"9","request":{"userInfo":{"uid":"9"},"#, None),
            (r#"{"request":{"uid":7,"#, None),
            ("", None),
        ] {
            assert_eq!(
                uid(beginning.as_bytes()).as_deref(),
                expected,
                "{beginning}"
            );
        }
    }
}
