//! Finds and decodes records in saved Secrets and ConfigMaps.

use base64_simd::STANDARD;
use serde_json::Value;

use super::{InputError, broken};
use crate::{
    helm::release::{self, DecodeError, Limits, RECORD_PREFIX, Release, Storage},
    kubernetes::{Kind, Object},
};

/// Decodes the only record among these objects; None if there is none.
pub(super) fn of_objects(name: &str, value: &Value) -> Result<Option<Release>, InputError> {
    let items = value.get("items").and_then(Value::as_array);
    let objects = match items {
        Some(items) => items.as_slice(),
        None => std::slice::from_ref(value),
    };
    let records: Vec<_> = objects.iter().filter_map(record).collect();
    match records.as_slice() {
        [] => Ok(None),
        [(object, storage)] => decode(object, *storage)
            .map(Some)
            .map_err(|error| broken(name, object.name(), error)),
        several => Err(InputError::Several {
            name: name.to_owned(),
            records: several
                .iter()
                .map(|(object, _)| object.name().to_owned())
                .collect(),
        }),
    }
}

fn record(value: &Value) -> Option<(Object, Storage)> {
    let text = |pointer| value.pointer(pointer).and_then(Value::as_str);
    let storage = match Kind::from_name(text("/kind")?)? {
        Kind::Secret => Storage::Secret,
        Kind::ConfigMap => Storage::ConfigMap,
        _ => return None,
    };
    text("/metadata/name")?
        .starts_with(RECORD_PREFIX)
        .then(|| (Object(value.clone()), storage))
}

fn decode(object: &Object, storage: Storage) -> Result<Release, DecodeError> {
    let (data, storage) = match (
        object.str("/data/release"),
        object.str("/stringData/release"),
    ) {
        // Data in stringData lacks one layer of base64.
        (_, Some(data)) => (data, Storage::ConfigMap),
        (Some(data), None) => (data, storage),
        (None, None) => return Err(DecodeError::Missing),
    };
    let mut release = release::decode(data, storage, Limits::default())?;
    if release.namespace.is_empty() {
        release.namespace = object.namespace().unwrap_or_default().to_owned();
    }
    Ok(release)
}

/// Decodes the output of `kubectl get secret … -o jsonpath='{.data.release}'`; None if it is something else.
pub(super) fn of_data(text: &str) -> Option<Result<Release, DecodeError>> {
    let data = text.trim_end();
    let is_base64 = |c: u8| c.is_ascii_alphanumeric() || b"+/=".contains(&c);
    if data.len() < 64 || !data.bytes().all(is_base64) {
        return None;
    }
    // A Secret's data has one more layer of base64.
    let inner = STANDARD.decode_to_vec(data).ok()?;
    let storage = match inner.iter().copied().all(is_base64) {
        true => Storage::Secret,
        false => Storage::ConfigMap,
    };
    Some(release::decode(data, storage, Limits::default()))
}
