//! Why a configuration can't be read.

use std::{fmt, io, path::PathBuf};

/// Reason why a file is not a valid policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The file can't be read.
    #[error("can't read {}: {}", .0.display(), .1)]
    Read(PathBuf, io::Error),
    /// An unknown key or value.
    #[error("{} is no configuration: {}", .0.display(), .1)]
    Parse(PathBuf, Malformed),
}

/// Reason why a text is no policy: the key where it goes wrong, and the mistake with its line.
#[derive(Debug, thiserror::Error)]
pub struct Malformed {
    key: Option<String>,
    error: Box<serde_saphyr::Error>,
}

impl Malformed {
    /// Leaves out a key that leads nowhere: that of the whole text, and one that could not be told.
    pub(super) fn new(key: Option<String>, error: serde_saphyr::Error) -> Self {
        let key = key.filter(|key| key != "." && !key.ends_with('?'));
        let error = Box::new(error);
        Self { key, error }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(f, "at {key}: ")?;
        }
        let text = self.error.to_string();
        f.write_str(text.strip_prefix("error: ").unwrap_or(&text))
    }
}
