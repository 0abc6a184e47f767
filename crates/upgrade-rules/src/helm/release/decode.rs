//! From the text in a Secret or ConfigMap to a [`Release`], within limits.
//!
//! A Secret of 1 MiB is legal and can inflate to some 770 MiB, so nothing here trusts a size.

use std::io::{self, ErrorKind, Read};

use base64_simd::STANDARD;
use flate2::read::GzDecoder;

use super::Release;
use crate::kubernetes::Kind;

/// Longest name of a release, a namespace or a chart, and longest version; Kubernetes' names are no longer.
const LONGEST_NAME: usize = 253;

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
    /// A name longer than any that Helm or the API server takes.
    #[error("data.release is not a Helm release: its {0} has more than {LONGEST_NAME} bytes")]
    Name(&'static str),
}

/// A record's content, out of base64 but not inflated.
#[derive(Debug)]
pub struct Packed {
    bytes: Vec<u8>,
    inflated: usize,
}

/// Reads a record's `data.release`.
///
/// # Errors
/// When a layer of the encoding is broken or larger than `limits`; the error names the layer and never
/// quotes the record, which holds secrets.
pub fn decode(data: &str, storage: Storage, limits: Limits) -> Result<Release, DecodeError> {
    Packed::new(data, storage, limits)?.release()
}

impl Packed {
    /// Takes a record's `data.release` out of base64 and learns how large it is.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn new(data: &str, storage: Storage, limits: Limits) -> Result<Self, DecodeError> {
        let decoded = |data: &[u8]| STANDARD.decode_to_vec(data).map_err(DecodeError::Base64);
        let mut bytes = decoded(data.as_bytes())?;
        if storage == Storage::Secret {
            bytes = decoded(&bytes)?;
        }
        let inflated = told_size(&bytes).unwrap_or(bytes.len());
        if inflated <= limits.inflated {
            return Ok(Self { bytes, inflated });
        }
        // A record that was cut off tells any size.
        if bytes.starts_with(&GZIP_MAGIC) {
            inflate(&bytes, limits.inflated, &mut io::sink()).map_err(DecodeError::Gzip)?;
        }
        Err(DecodeError::TooLarge(limits.inflated))
    }

    /// Bytes of JSON in it. If it holds more, then it can't be read.
    #[must_use]
    pub fn inflated(&self) -> usize {
        self.inflated
    }

    /// Inflates and parses it.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn release(self) -> Result<Release, DecodeError> {
        // Helm 2 to 3 migrations left records that are plain JSON; Helm still reads them.
        if !self.bytes.starts_with(&GZIP_MAGIC) {
            return parse(&self.bytes);
        }
        let mut json = Vec::with_capacity(self.inflated);
        let read = inflate(&self.bytes, self.inflated, &mut json).map_err(DecodeError::Gzip)?;
        if read != self.inflated {
            let wrong = "it holds another number of bytes than it tells";
            return Err(DecodeError::Gzip(io::Error::new(
                ErrorKind::InvalidData,
                wrong,
            )));
        }
        drop(self.bytes);
        parse(&json)
    }
}

fn parse(json: &[u8]) -> Result<Release, DecodeError> {
    let release = serde_json::from_slice(json);
    named(release.map_err(|error| DecodeError::Json(without_content(error)))?)
}

/// Names stand in messages, again and again.
fn named(release: Release) -> Result<Release, DecodeError> {
    let chart = &release.chart.metadata;
    let names = [
        ("name", &release.name),
        ("namespace", &release.namespace),
        ("chart's name", &chart.name),
        ("chart's version", &chart.version),
    ];
    let long = names
        .into_iter()
        .find(|(_, name)| name.len() > LONGEST_NAME);
    match long {
        Some((what, _)) => Err(DecodeError::Name(what)),
        None => Ok(release),
    }
}

/// The size that the end of a gzip stream tells, by 2^32 too small at most. That is also what Go compares.
fn told_size(gzip: &[u8]) -> Option<usize> {
    let last = gzip.starts_with(&GZIP_MAGIC).then(|| gzip.last_chunk())?;
    usize::try_from(u32::from_le_bytes(*last?)).ok()
}

/// Inflates no more than one byte above `limit`, and tells how many it were.
fn inflate(gzip: &[u8], limit: usize, to: &mut impl io::Write) -> io::Result<usize> {
    let allowed = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = io::copy(&mut GzDecoder::new(gzip).take(allowed), to)?;
    Ok(usize::try_from(read).unwrap_or(usize::MAX))
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
    fn a_size_that_is_a_lie_is_not_believed() {
        let mut packed = gzip(&record());
        let told = packed.len() - 4;
        for lie in [0, 10, 1 << 20, u32::MAX] {
            packed[told..].copy_from_slice(&lie.to_le_bytes());
            let error = decode(&secret(&packed), Storage::Secret, Limits::default()).unwrap_err();
            assert!(matches!(error, DecodeError::Gzip(_)), "{lie}: {error}");
        }
        let honest = secret(&gzip(&record()));
        let packed = Packed::new(&honest, Storage::Secret, Limits::default()).unwrap();
        assert_eq!(packed.inflated(), record().len());
    }

    #[test]
    fn a_record_of_two_streams_is_refused() {
        let both = [gzip(&record()), gzip(b"  ")].concat();
        let error = decode(&secret(&both), Storage::Secret, Limits::default()).unwrap_err();
        assert!(matches!(error, DecodeError::Gzip(_)), "{error}");
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let with = |hooks: Vec<serde_json::Value>| {
            let mut release: serde_json::Value = serde_json::from_slice(&record()).unwrap();
            release["hooks"] = hooks.into();
            let data = secret(release.to_string().as_bytes());
            decode(&data, Storage::Secret, Limits::default())
        };
        let events = |count: usize| json!({"events": vec!["test"; count]});
        assert!(with(vec![events(64); 4096]).is_ok());
        for endless in [vec![json!({}); 4097], vec![events(65)]] {
            assert!(matches!(with(endless), Err(DecodeError::Json(_))));
        }
    }

    #[test]
    fn a_name_longer_than_any_is_refused() {
        for (length, is_read) in [(253, true), (254, false)] {
            for field in ["/name", "/namespace", "/chart/metadata/version"] {
                let mut release: serde_json::Value = serde_json::from_slice(&record()).unwrap();
                *release.pointer_mut(field).unwrap() = "n".repeat(length).into();
                let data = secret(release.to_string().as_bytes());
                let read = decode(&data, Storage::Secret, Limits::default());
                assert_eq!(read.is_ok(), is_read, "{field}");
                if let Err(error) = read {
                    assert!(
                        error.to_string().contains("has more than 253 bytes"),
                        "{error}"
                    );
                }
            }
        }
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
