//! The certificate and its key: read from two PEM files and checked together.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use x509_parser::parse_x509_certificate;
use x509_parser::time::ASN1Time;

use super::args::Files;

/// Reason why a certificate and its key can't be served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A file can't be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A file holds no PEM section at all.
    #[error("{path} is not PEM: no line begins with -----BEGIN")]
    NotPem {
        /// The file.
        path: PathBuf,
    },
    /// A PEM section is damaged.
    #[error("{path} is not valid PEM: {reason}")]
    BadPem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate file holds no certificate.
    #[error("{path} holds no certificate, only {found}; is it the key?")]
    NoCertificate {
        /// The certificate file.
        path: PathBuf,
        /// The kinds of PEM section in it.
        found: String,
    },
    /// The key file holds no usable key.
    #[error("{path} holds no unencrypted private key, only {found}")]
    NoKey {
        /// The key file.
        path: PathBuf,
        /// The kinds of PEM section in it.
        found: String,
    },
    /// The certificate is malformed.
    #[error("the certificate in {path} cannot be parsed: {reason}")]
    BadCertificate {
        /// The certificate file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key is malformed or of an unsupported kind.
    #[error("the private key in {path} cannot be used: {error}")]
    BadKey {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        error: rustls::Error,
    },
    /// Key and certificate are not a pair.
    #[error("the private key in {key} does not belong to the certificate in {cert}")]
    KeyMismatch {
        /// The certificate file.
        cert: PathBuf,
        /// The key file.
        key: PathBuf,
    },
    /// The certificate has expired.
    #[error("the certificate in {path} expired on {on}; renew it")]
    Expired {
        /// The certificate file.
        path: PathBuf,
        /// The end of its validity.
        on: String,
    },
}

/// The content of the two files at one time.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Content {
    cert: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate chain with its key and its validity.
pub(super) struct Credentials {
    pub(super) pair: Arc<CertifiedKey>,
    pub(super) not_before: ASN1Time,
    pub(super) not_after: ASN1Time,
}

// === impl Files ===

impl Files {
    pub(super) async fn read(&self) -> Result<Content, CredentialsError> {
        Ok(Content {
            cert: read(&self.cert).await?,
            key: read(&self.key).await?,
        })
    }

    /// Parses and checks everything but the validity period.
    pub(super) fn parse(&self, content: &Content) -> Result<Credentials, CredentialsError> {
        let chain = certificates(&self.cert, &content.cert)?;
        let (not_before, not_after) = validity(&self.cert, &chain)?;
        let key = private_key(&self.key, &content.key)?;
        let provider = ring::default_provider();
        let pair = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => CredentialsError::KeyMismatch {
                cert: self.cert.clone(),
                key: self.key.clone(),
            },
            rustls::Error::InvalidCertificate(error) => CredentialsError::BadCertificate {
                path: self.cert.clone(),
                reason: error.to_string(),
            },
            error => CredentialsError::BadKey {
                path: self.key.clone(),
                error,
            },
        })?;
        Ok(Credentials {
            pair: Arc::new(pair),
            not_before,
            not_after,
        })
    }

    /// Parses both, and refuses an expired certificate.
    pub(super) fn parse_current(&self, content: &Content) -> Result<Credentials, CredentialsError> {
        let credentials = self.parse(content)?;
        if credentials.has_expired() {
            return Err(self.expired(credentials.not_after));
        }
        Ok(credentials)
    }

    pub(super) fn expired(&self, not_after: ASN1Time) -> CredentialsError {
        CredentialsError::Expired {
            path: self.cert.clone(),
            on: not_after.to_string(),
        }
    }
}

// === impl Credentials ===

impl Credentials {
    pub(super) fn has_expired(&self) -> bool {
        self.not_after.timestamp() < now()
    }

    pub(super) fn is_of_the_future(&self) -> bool {
        self.not_before.timestamp() > now()
    }
}

/// Returns the wall-clock time, which validity refers to: a monotonic clock stands still while the machine sleeps.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

async fn read(path: &Path) -> Result<Vec<u8>, CredentialsError> {
    tokio::fs::read(path)
        .await
        .map_err(|error| CredentialsError::Unreadable {
            path: path.to_owned(),
            error,
        })
}

fn certificates(
    path: &Path,
    content: &[u8],
) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let found = labels(path, content)?;
    let chain = CertificateDer::pem_slice_iter(content)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad_pem(path, &error))?;
    if chain.is_empty() {
        return Err(CredentialsError::NoCertificate {
            path: path.to_owned(),
            found,
        });
    }
    Ok(chain)
}

fn private_key(path: &Path, content: &[u8]) -> Result<PrivateKeyDer<'static>, CredentialsError> {
    let found = labels(path, content)?;
    PrivateKeyDer::from_pem_slice(content).map_err(|error| match error {
        pem::Error::NoItemsFound => CredentialsError::NoKey {
            path: path.to_owned(),
            found,
        },
        error => bad_pem(path, &error),
    })
}

/// Returns the labels of the file's PEM sections.
fn labels(path: &Path, content: &[u8]) -> Result<String, CredentialsError> {
    let content = String::from_utf8_lossy(content);
    let mut labels: Vec<_> = content
        .lines()
        .filter_map(|line| {
            line.trim_end()
                .strip_prefix("-----BEGIN ")?
                .strip_suffix("-----")
        })
        .collect();
    if labels.is_empty() {
        return Err(CredentialsError::NotPem {
            path: path.to_owned(),
        });
    }
    labels.dedup();
    Ok(labels.join(" and "))
}

fn bad_pem(path: &Path, error: &pem::Error) -> CredentialsError {
    // The library's own messages show the bytes as numbers.
    let reason = match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no -----END line".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a -----BEGIN line is incomplete".to_owned(),
        pem::Error::Base64Decode(_) => "a section is not base64".to_owned(),
        error => error.to_string(),
    };
    CredentialsError::BadPem {
        path: path.to_owned(),
        reason,
    }
}

fn validity(
    path: &Path,
    chain: &[CertificateDer<'_>],
) -> Result<(ASN1Time, ASN1Time), CredentialsError> {
    let leaf = chain.first().map_or(&[][..], |leaf| leaf);
    let (_, leaf) =
        parse_x509_certificate(leaf).map_err(|error| CredentialsError::BadCertificate {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    let validity = leaf.validity();
    Ok((validity.not_before, validity.not_after))
}
