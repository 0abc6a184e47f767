//! From the text in a Secret or ConfigMap to a [`Release`], within limits.
//!
//! A Secret of 1 MiB is legal and can inflate to some 770 MiB, so nothing here trusts a size.

use std::io::Read;

use base64_simd::STANDARD;
use flate2::read::GzDecoder;

use super::Release;
use crate::kubernetes::Kind;

const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// The limits for decoding a record.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of JSON after inflating.
    pub inflated: usize,
}

impl Default for Limits {
    /// 32 MiB: six times the largest record that a Camunda chart makes.
    fn default() -> Self {
        Self {
            inflated: 32 * 1024 * 1024,
        }
    }
}

/// The Helm driver that wrote the record; a Secret's data is in base64 once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// `data.release` of a Secret.
    Secret,
    /// `data.release` of a ConfigMap.
    ConfigMap,
}

impl Storage {
    /// The kind of its objects.
    pub fn kind(self) -> Kind {
        match self {
            Storage::Secret => Kind::Secret,
            Storage::ConfigMap => Kind::ConfigMap,
        }
    }
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The object has no `data.release`.
    #[error("it has no data.release")]
    Missing,
    /// Not base64.
    #[error("data.release is not base64")]
    Base64(base64_simd::Error),
    /// Not gzip, or cut off.
    #[error("data.release does not inflate: {0}")]
    Gzip(std::io::Error),
    /// Larger than [`Limits::inflated`].
    #[error("data.release inflates to more than {0} bytes")]
    TooLarge(usize),
    /// Not a release.
    #[error("data.release is not a Helm release: {0}")]
    Json(serde_json::Error),
}

/// Reads a record's `data.release`.
///
/// # Errors
/// When a layer of the encoding is broken or larger than `limits`; the error names the layer and never
/// quotes the record, which holds secrets.
pub fn decode(data: &str, storage: Storage, limits: Limits) -> Result<Release, DecodeError> {
    let decoded = |data: &[u8]| STANDARD.decode_to_vec(data).map_err(DecodeError::Base64);
    let mut bytes = decoded(data.as_bytes())?;
    if storage == Storage::Secret {
        bytes = decoded(&bytes)?;
    }
    // Helm 2 to 3 migrations left records that are plain JSON; Helm still reads them.
    if bytes.starts_with(&GZIP_MAGIC) {
        bytes = inflate(&bytes, limits.inflated)?;
    }
    if bytes.len() > limits.inflated {
        return Err(DecodeError::TooLarge(limits.inflated));
    }
    serde_json::from_slice(&bytes).map_err(|error| DecodeError::Json(without_content(error)))
}

fn inflate(gzip: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut json = Vec::with_capacity(gzip.len().saturating_mul(4).min(limit));
    // One byte over the limit tells "too large" from "exactly as large".
    let allowed = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = GzDecoder::new(gzip).take(allowed).read_to_end(&mut json);
    read.map_err(DecodeError::Gzip)?;
    if json.len() > limit {
        return Err(DecodeError::TooLarge(limit));
    }
    Ok(json)
}

/// serde_json quotes offending strings ("invalid type: string \"hunter2\""); a record's strings stay out of messages.
fn without_content(error: serde_json::Error) -> serde_json::Error {
    use serde::de::Error;
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "syntax error",
        _ => "a field is missing or has another type",
    };
    serde_json::Error::custom(format_args!(
        "{what} at line {} column {}",
        error.line(),
        error.column()
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use serde_json::json;

    use super::*;
    use crate::helm::release::Status;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn secret(bytes: &[u8]) -> String {
        STANDARD.encode_to_string(STANDARD.encode_to_string(bytes))
    }

    fn record() -> Vec<u8> {
        json!({
            "name": "camunda", "namespace": "prod", "version": 2,
            "info": {"status": "pending-upgrade"},
            "chart": {"metadata": {"name": "camunda-platform", "version": "8.3.1"}, "values": {"a": [1, 2]}},
            "config": {"x": "hunter2"},
            "manifest": "---\nkind: Secret\n",
            "hooks": null,
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn reads_what_helm_writes() {
        for (data, storage) in [
            (secret(&gzip(&record())), Storage::Secret),
            (
                STANDARD.encode_to_string(gzip(&record())),
                Storage::ConfigMap,
            ),
            (secret(&record()), Storage::Secret),
        ] {
            let release = decode(&data, storage, Limits::default()).unwrap();
            assert_eq!(release.name, "camunda");
            assert_eq!(release.revision, 2);
            assert_eq!(release.info.status, Status::PendingUpgrade);
            assert_eq!(release.chart.metadata.to_string(), "camunda-platform 8.3.1");
            assert!(release.hooks.is_empty());
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = secret(&gzip(&vec![b' '; 4 << 20]));
        let limits = Limits { inflated: 1 << 20 };
        let error = decode(&bomb, Storage::Secret, limits).unwrap_err();
        assert_eq!(
            error.to_string(),
            "data.release inflates to more than 1048576 bytes"
        );
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let hooks = vec![json!({}); 5000];
        let mut release: serde_json::Value = serde_json::from_slice(&record()).unwrap();
        release["hooks"] = hooks.into();
        let data = secret(release.to_string().as_bytes());
        assert!(matches!(
            decode(&data, Storage::Secret, Limits::default()),
            Err(DecodeError::Json(_))
        ));
    }

    #[test]
    fn errors_name_the_layer_and_quote_nothing() {
        let cut = &gzip(&record())[..100];
        let wrong = record()
            .iter()
            .map(|b| if *b == b'{' { b'"' } else { *b })
            .collect::<Vec<_>>();
        let typed = br#"{"name":"camunda","version":"hunter2","chart":{"metadata":{}}}"#;
        for (data, expected) in [
            ("%%%".to_owned(), "data.release is not base64"),
            (secret(cut), "data.release does not inflate: "),
            (secret(&wrong), "data.release is not a Helm release: "),
            (
                secret(typed),
                "data.release is not a Helm release: a field is missing or has another type",
            ),
        ] {
            let error = decode(&data, Storage::Secret, Limits::default())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
