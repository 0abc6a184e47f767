//! How go-yaml v2, the engine of `sigs.k8s.io/yaml`, reads a scalar.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::Tag;
use serde_json::Value;

use super::error::Cause;
use super::{number, time};

const YAML: &str = "tag:yaml.org,2002:";

/// A scalar with its type decided.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The JSON that Go's encoder writes for it.
    pub(super) fn into_value(self) -> Result<Value, Cause> {
        Ok(match self {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Int(value) => value.into(),
            Scalar::Uint(value) => value.into(),
            Scalar::Float(value) => Value::Number(number::to_json(value).ok_or(Cause::NotFinite)?),
            Scalar::Text(value) => Value::String(value.into_owned()),
        })
    }

    /// The text that `sigs.k8s.io/yaml` makes of it as a key.
    pub(super) fn into_key(self) -> Result<String, Cause> {
        Ok(match self {
            Scalar::Null | Scalar::Uint(_) => return Err(Cause::Key),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Int(value) => value.to_string(),
            Scalar::Float(value) => number::to_key(value),
            Scalar::Text(value) => value.into_owned(),
        })
    }

    pub(super) fn into_static(self) -> Scalar<'static> {
        match self {
            Scalar::Null => Scalar::Null,
            Scalar::Bool(value) => Scalar::Bool(value),
            Scalar::Int(value) => Scalar::Int(value),
            Scalar::Uint(value) => Scalar::Uint(value),
            Scalar::Float(value) => Scalar::Float(value),
            Scalar::Text(value) => Scalar::Text(Cow::Owned(value.into_owned())),
        }
    }

    /// The bytes that it takes on the heap.
    pub(super) fn len(&self) -> usize {
        match self {
            Scalar::Text(text) => text.len(),
            _ => 0,
        }
    }
}

/// Decides the type of a scalar with an explicit tag.
pub(super) fn tagged<'a>(text: Cow<'a, str>, tag: &Tag) -> Result<Scalar<'a>, Cause> {
    let name = tag.suffix_in_namespace(YAML);
    match name.as_deref() {
        Some("str") => Ok(Scalar::Text(text)),
        Some("binary") => binary(&text),
        Some("timestamp") if time::is_timestamp(&text) => Ok(Scalar::Text(text)),
        Some("timestamp") => Err(Cause::Tag("timestamp")),
        Some("bool") => match plain(text) {
            value @ Scalar::Bool(_) => Ok(value),
            _ => Err(Cause::Tag("bool")),
        },
        Some("null") => match plain(text) {
            Scalar::Null => Ok(Scalar::Null),
            _ => Err(Cause::Tag("null")),
        },
        Some("int") => match plain(text) {
            value @ (Scalar::Int(_) | Scalar::Uint(_)) => Ok(value),
            _ => Err(Cause::Tag("int")),
        },
        Some("float") => match plain(text) {
            value @ Scalar::Float(_) => Ok(value),
            #[expect(clippy::cast_precision_loss, reason = "Go converts it so")]
            Scalar::Int(value) => Ok(Scalar::Float(value as f64)),
            _ => Err(Cause::Tag("float")),
        },
        // Go leaves the scalar of any other tag alone.
        _ => Ok(Scalar::Text(text)),
    }
}

/// Decides the type of a plain scalar without a tag.
pub(super) fn plain(text: Cow<'_, str>) -> Scalar<'_> {
    match text.as_bytes().first() {
        None => Scalar::Null,
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => named(&text)
            .or_else(|| number::parse(&text))
            .unwrap_or(Scalar::Text(text)),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            named(&text).unwrap_or(Scalar::Text(text))
        }
        Some(_) => Scalar::Text(text),
    }
}

fn named(text: &str) -> Option<Scalar<'static>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// Go's decoder skips line breaks, and its JSON encoder writes one U+FFFD for each stray byte.
fn binary(text: &str) -> Result<Scalar<'static>, Cause> {
    let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| Cause::Tag("binary"))?;
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Ok(Scalar::Text(Cow::Owned(out)))
}
