//! Errors when the guard makes or keeps its certificates.

use rustls::pki_types::pem;
use x509_parser::{error::X509Error, nom};

use super::SecretName;
use crate::cluster::ReadError;

/// Reason why an option's value is not usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A value that is not NAMESPACE/NAME.
    #[error("it must be NAMESPACE/NAME")]
    SecretName,
    /// A value that is not a duration.
    #[error(transparent)]
    Duration(#[from] jiff::Error),
    /// A negative duration.
    #[error("it must not be negative")]
    Negative,
    /// A lifetime too short to be renewed, or too long for a date.
    #[error("it must be 10s at least and 876000h at most")]
    Life,
}

/// Errors of authorities and of what they sign. The libraries' own errors are left out where they might quote a key.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthorityError {
    #[error("a certificate is not PEM: {0}")]
    Pem(pem::Error),
    #[error("a certificate can't be parsed: {0}")]
    Certificate(nom::Err<X509Error>),
    #[error("a key can't be parsed")]
    Key,
    #[error("a key belongs to another certificate")]
    OtherKey,
    #[error("a certificate is no authority's")]
    NoAuthority,
    #[error("{certificates} certificates, but {keys} keys")]
    Unpaired { certificates: usize, keys: usize },
    #[error("the key made can't be parsed")]
    MadeKey,
    #[error(transparent)]
    Time(#[from] jiff::Error),
    #[error(transparent)]
    Signing(#[from] rcgen::Error),
    #[error(transparent)]
    Pair(#[from] rustls::Error),
}

/// Obstacles to keeping the certificates current.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the API server did not answer in time")]
    Late,
    #[error(
        "Secret {0} is not there; whatever installed the guard (helm upgrade, kubectl apply) makes it again, empty"
    )]
    NoSecret(SecretName),
    #[error("Secret {0} is written by others all the time")]
    Contended(SecretName),
    #[error("{what} can't be read: {error}")]
    Unread { what: String, error: ReadError },
    #[error("{what} can't be {done}: {error}")]
    Unwritten {
        what: String,
        done: &'static str,
        error: ReadError,
    },
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("no certificate can be made: {0}")]
    Unsigned(AuthorityError),
}

/// Reason why a Secret's content is not usable.
#[derive(Debug, thiserror::Error)]
pub(super) enum ContentError {
    #[error("{0} is no text: {1}")]
    NoText(&'static str, std::str::Utf8Error),
    #[error("Secret {0} holds no authority: {1}")]
    NoAuthority(SecretName, AuthorityError),
}
